"""The seconds of a fit with nothing named, on 5,000 rows: those that a user waits.

Beside it stands the fit of the linear model that `benchmarks/quality.py` compares with, on the same
rows. Seconds are bounded, so that no default makes its score by time alone.
"""

from __future__ import annotations

from statistics import median

from _plain_keras import warm_up
from _quality_baselines import linear_baseline
from _quality_contenders import network
from _quality_tasks import TASKS, Task
from _ratios import Row, alternate, duration

N_ROWS = 5000

#: what is fitted, the seconds it may take on two cores, and how often it is
WORKS = {
    "text + table, of clothing": (TASKS["clothing"], 60, 3),
    "question + picture of 64 x 64 px, of easy_vqa": (TASKS["easy_vqa"], 300, 1),
    "texts + poster + numbers, several labels, of movies": (TASKS["movies"], 300, 1),
}


def default_fits(quick: bool) -> list[Row]:
    warm_up()
    return [
        _row(what, task, bound, 1 if quick else repeats, 300 if quick else N_ROWS)
        for what, (task, bound, repeats) in WORKS.items()
    ]


def _row(what: str, task: Task, bound: float, repeats: int, n_rows: int) -> Row:
    data = task.load()
    frame, y = data.train.iloc[:n_rows], data.y_train[:n_rows]
    work = f"fit with nothing named, {n_rows:,} rows: {what}"
    seeds = iter(range(repeats))
    pairs = alternate(
        work,
        lambda: network(task, next(seeds)).fit(frame, y),
        lambda: linear_baseline(task, frame).fit(frame, y),
        repeats,
    )
    ours, theirs = zip(*pairs, strict=True)
    return Row(
        work,
        "TF-IDF + linear, the same rows",
        median(ours),
        min(ours),
        max(ours),
        must=bound,
        at_most=True,
        unit=" s",
        detail=f"{duration(median(ours))} against {duration(median(theirs))}",
    )
