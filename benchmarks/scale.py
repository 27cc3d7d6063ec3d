"""How much memory a fit takes: all rows at once beside the same rows in chunks.

Run ``python benchmarks/scale.py`` (some ten minutes on two cores). Each fit is a process of its
own, whose peak of resident memory is counted from where the libraries are loaded; rows are drawn
chunk by chunk. One epoch of one network beside the linear part.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pandas as pd

CHUNK = 16_384
WORDS = np.array([f"word{number}" for number in range(5_000)])


def drawn(n_rows: int) -> Iterator[pd.DataFrame]:
    """Yield chunks of rows: ten numbers, a category, a text of twenty words, and the target."""
    for first in range(0, n_rows, CHUNK):
        rng, size = np.random.default_rng(first), min(CHUNK, n_rows - first)
        frame = pd.DataFrame(
            rng.normal(size=(size, 10)), columns=[f"x{number}" for number in range(10)]
        )
        frame["city"] = rng.choice(WORDS[:50], size)
        ids = (rng.random((size, 20)) ** 3 * len(WORDS)).astype(int)
        frame["note"] = [" ".join(words) for words in WORDS[ids]]
        frame["y"] = frame["x0"] + (ids[:, 0] < 100) + rng.normal(size=size)
        yield frame


def measure(way: str, n_rows: int) -> None:
    """Fit, and print the peak of memory in MiB and the seconds."""
    import resource

    import keras  # noqa: F401, what is loaded before is not counted

    from skmerge import Chunks, MergedNetRegressor

    net = MergedNetRegressor(epochs=1, n_members=1, random_state=0)
    net.fit(next(drawn(1_000)).drop(columns="y"), next(drawn(1_000))["y"])  # all code is loaded
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    if way == "chunks":
        net.fit(Chunks(lambda: drawn(n_rows), y="y"))
    else:
        frame = pd.concat(drawn(n_rows), ignore_index=True)
        net.fit(frame.drop(columns="y"), frame["y"])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(f"{peak / 1024:.0f} {time.perf_counter() - began:.0f}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 400_000])
    parser.add_argument("--one", nargs=2, metavar=("WAY", "ROWS"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        measure(arguments.one[0], int(arguments.one[1]))
        return 0
    print("| rows | fit | peak of memory, MiB | s |\n| ---: | --- | ---: | ---: |")
    for n_rows in arguments.rows:
        for way in ("at once", "chunks"):
            done = subprocess.run(
                [sys.executable, __file__, "--one", way, str(n_rows)],
                capture_output=True, text=True, check=True,
            )  # fmt: skip
            megabytes, seconds = done.stdout.split()[-2:]
            print(f"| {n_rows:,} | {way} | {megabytes} | {seconds} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
