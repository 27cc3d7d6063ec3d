"""The seconds of a fit with nothing named, on 5,000 rows: those that a user waits.

Beside it stands the fit of the linear model that `benchmarks/quality.py` compares with, on the same
rows. Seconds are bounded, so that no default makes its score by time alone.
"""

from __future__ import annotations

from _plain_keras import warm_up
from _quality_baselines import linear_baseline
from _quality_contenders import network
from _quality_tasks import TASKS, Task
from _ratios import Row, duration, progress, seconds_of

N_ROWS = 5000

#: what is fitted, the seconds it may take on two cores, and how often it is
WORKS = {
    "text + table, of clothing": (TASKS["clothing"], 60, 3),
    "question + picture of 64 x 64 px, of easy_vqa": (TASKS["easy_vqa"], 300, 1),
    "texts + poster of 48 x 32 px + numbers, 18 labels, of movies": (TASKS["movies"], 300, 1),
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
    seconds = []
    for repeat in range(repeats):
        ours, theirs = network(task, repeat), linear_baseline(task, frame)
        pair = tuple(seconds_of(lambda m=model: m.fit(frame, y)) for model in (ours, theirs))
        seconds.append(pair)
        progress(work, repeat + 1, repeats, pair)
    ours, theirs = (sorted(side) for side in zip(*seconds, strict=True))
    middle = len(ours) // 2
    return Row(
        work,
        "TF-IDF + linear, the same rows",
        ours[middle],
        ours[0],
        ours[-1],
        must=bound,
        at_most=True,
        unit=" s",
        detail=f"{duration(ours[middle])} against {duration(theirs[middle])}",
    )
