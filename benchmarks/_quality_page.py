"""The tables of results, and the page of the docs that holds them.

Enters: `Result`s of a task, or differences of an ablation. Leaves: Markdown, and a page whose text
between two marks was written anew.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

import numpy as np
from _quality_baselines import STACK
from _quality_contenders import ALONE, SKMERGE, Result
from _quality_scores import verdict
from _ratios import is_of, machine_described

END = "<!-- end -->"
SCORES = "<!-- scores: written by benchmarks/quality.py -->"
ABLATION = "<!-- ablation: written by benchmarks/quality.py -->"


def table(results: Sequence[Result]) -> str:
    """Return the table of a task's results."""
    metrics = list(results[0].scores)
    calibrated = any(result.calibration for result in results)
    head = ["contender", metrics[0], "spread", *metrics[1:], *["ECE"] * calibrated, "fit s"]
    lines = []
    for result in results:
        means = [f"{np.mean(result.scores[name]):.4f}" for name in metrics]
        spread = "" if result.spread is None else f"{result.spread:.4f}"
        error = [f"{np.mean(result.calibration):.4f}"] if calibrated else []
        seconds = f"{median(result.seconds):.3g}"
        lines.append([result.contender, means[0], spread, *means[1:], *error, seconds])
    return markdown(head, lines)


def markdown(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rows = [head, ["---"] + ["---:"] * (len(head) - 1), *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def sentence(results: Sequence[Result]) -> str:
    """Return the verdict on a task's results; empty where what it compares was left out."""
    by_name = {result.contender: result.main for result in results}
    if SKMERGE not in by_name:
        return ""
    prefix, suffix = f"{SKMERGE}, ", f" {ALONE}"
    singles = {
        name.removeprefix(prefix).removesuffix(suffix): scores
        for name, scores in by_name.items()
        if name.startswith(prefix) and name.endswith(suffix)
    }
    return verdict(by_name[SKMERGE], singles, by_name.get(STACK))


def libraries_and_machine() -> str:
    """Say what the measurements run on, with the version of skrub where it is there."""
    try:
        return f"{machine_described()[:-1]}, skrub {version('skrub')}."
    except PackageNotFoundError:
        return machine_described()


def write_sections(
    page: Path,
    mark: str,
    sections: dict[str, str],
    *,
    machine: str,
    n_seeds: int,
    summary: tuple[str, Callable[[Mapping[str, str]], str]] | None = None,
) -> None:
    """Write sections, by their titles, after a mark of a page and before the next end.

    Sections there that were not measured this time are kept, which needs that they are of the same
    machine and libraries.

    Parameters
    ----------
    page : Path
        The page.
    mark : str
        Line that stands before the sections.
    sections : dict of str to str
        Text of each section by its title.
    machine : str
        What it was measured on, in one paragraph.
    n_seeds : int
        How many seeds the networks had.
    summary : tuple of (str, callable), default=None
        Title and text, made from all other sections, of a section that comes first.

    Raises
    ------
    ValueError
        If the page lacks the mark, or would mix sections of two machines.
    """
    text = page.read_text(encoding="utf-8")
    if text.count(mark) != 1 or END not in text.split(mark)[1]:
        raise ValueError(f"{page} must hold the line {mark!r} once, and {END!r} after it.")
    before, rest = text.split(mark)
    written, after = rest.split(END, maxsplit=1)
    _, *parts = re.split(r"^### (.+)\n", written, flags=re.MULTILINE)
    kept = dict(zip(parts[::2], (part.strip() for part in parts[1::2]), strict=True))
    if kept.keys() - sections.keys() and not is_of(machine, written):
        raise ValueError(
            f"{page} holds results of another machine or other libraries, which do not go with "
            "those of this one. Measure all tasks, or empty the part after the mark."
        )
    seeds = f"{n_seeds} seeds" if n_seeds > 1 else "one seed"
    today = f"Measured {datetime.date.today().isoformat()}, {seeds}."
    merged = kept | {title: f"{today}\n\n{part}" for title, part in sections.items()}
    if summary is not None:
        title, summed = summary
        merged.pop(title, None)
        merged = {title: summed(merged)} | merged
    told = "\n\n".join([machine, *(f"### {title}\n\n{part}" for title, part in merged.items())])
    page.write_text(f"{before}{mark}\n\n{told}\n\n{END}{after}", encoding="utf-8")
