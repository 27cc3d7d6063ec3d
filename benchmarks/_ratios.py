"""Ratios of two ways to do the same work, taken in turns, and the table of them.

Enters: two callables, or functions for fresh processes. Leaves: `Row`s, each the median of the
ratios of its repeats with the lowest and the highest, and a Markdown table between two marks of a
page.
"""

from __future__ import annotations

import datetime
import gc
import os
import platform
import re
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import skmerge

BEGIN = "<!-- table: written by benchmarks/speed.py -->"
END = "<!-- end of table -->"
LIBRARIES = ["scikit-learn", "tensorflow", "keras", "scikeras", "numpy", "pandas", "pillow"]

_HEAD = [
    "| work | against | measured | range | required | met | in numbers |",
    "|---|---|---|---|---|---|---|",
]


@dataclass(frozen=True)
class Row:
    """One line of the table.

    ``ratio`` is the other's time through ours, unless ``unit`` says otherwise; ``low`` and
    ``high`` are the extremes of its repeats. ``must`` is what it has to reach, or with ``at_most``
    what it must not exceed.
    """

    work: str
    against: str
    ratio: float
    low: float
    high: float
    must: float | None = None
    aim: float | None = None
    at_most: bool = False
    unit: str = "x"
    detail: str = ""

    @property
    def met(self) -> bool | None:
        if self.must is None:
            return None
        return self.ratio <= self.must if self.at_most else self.ratio >= self.must

    def cells(self) -> list[str]:
        required = ""
        if self.must is not None:
            required = f"{'at most' if self.at_most else 'at least'} {self.must:g}{self.unit}"
        if self.aim is not None:
            required += f", aim {self.aim:g}{self.unit}"
        spread = "" if self.low == self.high else f"{_figure(self.low)} to {_figure(self.high)}"
        return [
            self.work,
            self.against,
            f"{_figure(self.ratio)}{self.unit}",
            spread,
            required,
            {None: "", True: "yes", False: "**no**"}[self.met],
            self.detail,
        ]


def row_of_times(work: str, against: str, pairs: Sequence[tuple[float, float]], **more) -> Row:
    """Make a row of pairs of seconds, ours and the other's."""
    ratios = [theirs / ours for ours, theirs in pairs]
    ours, theirs = (median(seconds) for seconds in zip(*pairs, strict=True))
    more.setdefault("detail", f"{duration(ours)} against {duration(theirs)}")
    return Row(work, against, median(ratios), min(ratios), max(ratios), **more)


def duration(seconds: float) -> str:
    if seconds < 1e-3:
        return f"{seconds * 1e6:.3g} µs"
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def per_second(count: int, pairs: Sequence[tuple[float, float]], what: str = "rows") -> str:
    """Say how many rows a second the two sides do, by their median seconds."""
    ours, theirs = (count / median(seconds) for seconds in zip(*pairs, strict=True))
    return f"{ours:,.0f} {what}/s against {theirs:,.0f}"


def seconds_of(work: Callable[[], Any]) -> float:
    gc.collect()
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def alternate(
    name: str,
    ours: Callable[[], Any],
    theirs: Callable[[], Any],
    repeats: int,
    timed: Callable[[Callable[[], Any]], float] = seconds_of,
) -> list[tuple[float, float]]:
    """Time both in turns, the other one first every second time; pairs of seconds.

    ``timed`` does one of them and returns its seconds.
    """
    pairs = []
    for repeat in range(repeats):
        order = (ours, theirs) if repeat % 2 == 0 else (theirs, ours)
        seconds = {side: timed(side) for side in order}
        pairs.append((seconds[ours], seconds[theirs]))
        progress(name, repeat + 1, repeats, pairs[-1])
    return pairs


def progress(name: str, repeat: int, repeats: int, pair: tuple[float, float]) -> None:
    ours, theirs = pair
    print(
        f"{name} {repeat}/{repeats}: {duration(ours)} against {duration(theirs)}, "
        f"{_figure(theirs / ours)}x",
        flush=True,
    )


def in_fresh_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function of a module in a new interpreter, and return what it returns."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def table(rows: Sequence[Row]) -> str:
    return "\n".join([*_HEAD, *(_line(row) for row in rows)])


def write_table(page: Path, rows: Sequence[Row], machine: str) -> None:
    """Write machine and table between the marks of a page.

    Lines of the table there that were not measured this time are kept, which needs that they are
    of the same machine and libraries.
    """
    text = page.read_text(encoding="utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise ValueError(f"{page} must hold each of the lines {BEGIN!r} and {END!r} once.")
    before, written = text.split(BEGIN)
    written, after = written.split(END)
    lines = {_key(_line(row)): _line(row) for row in rows}
    kept = [line for line in written.splitlines() if _is_measured(line)]
    if any(_key(line) not in lines for line in kept) and not is_of(machine, written):
        raise ValueError(
            f"{page} holds measurements of another machine or other libraries, which do not go "
            "with those of this one. Run all measurements, or empty the table."
        )
    merged = {_key(line): line for line in kept} | lines
    today = datetime.date.today().isoformat()
    parts = [BEGIN, f"{machine}\n\nMeasured {today}.", "\n".join([*_HEAD, *merged.values()]), END]
    page.write_text(before + "\n\n".join(parts) + after, encoding="utf-8")


def machine_described() -> str:
    """Say in one paragraph what the measurements run on."""
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    n_cores = len(os.sched_getaffinity(0))
    cores = "one core" if n_cores == 1 else f"{n_cores} cores"
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"Machine: {_processor()}, {cores}, {memory:.0f} GiB of "
        f"memory, {platform.system()} {platform.machine()}. "
        f"Python {platform.python_version()}, skmerge {skmerge.__version__}, {libraries}."
    )


def is_of(machine: str, written: str) -> bool:
    """Say whether a page was measured on a machine, with any commit of skmerge."""
    own = re.compile(r"skmerge \S+, ")
    return own.sub("", machine) in own.sub("", written)


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        found = re.search(r"^model name\s*:\s*(.+)$", information.read_text(), re.MULTILINE)
        if found:
            return found[1].strip()
    return platform.processor() or platform.machine()


def _figure(ratio: float) -> str:
    return f"{ratio:.0f}" if abs(ratio) >= 100 else f"{ratio:.3g}"


def _line(row: Row) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in row.cells())} |"


def _is_measured(line: str) -> bool:
    return line.startswith("| ") and line not in _HEAD


def _key(line: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in line.split("|")[1:3])
