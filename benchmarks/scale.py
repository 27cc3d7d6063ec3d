"""How much memory fits and predictions take: all rows at once beside the same rows in chunks.

Run ``python benchmarks/scale.py`` (some fifteen minutes on two cores). Each fit is a process of
its own, whose peak of resident memory is counted from where the libraries are loaded and have
fitted a few rows; rows are drawn chunk by chunk. One epoch of one network beside the linear part.
With ``--pictures 40000``, rows are paths of as many PNG files of 64 pixels, which become 12 KiB
each.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pandas as pd

CHUNK = 16_384
WORDS = np.array([f"word{number}" for number in range(5_000)])
SIDE = 64


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


def draw_pictures(n_rows: int, folder: Path) -> None:
    """Write PNG files: each of two colours, which part in the column of the target."""
    from PIL import Image

    for row in range(n_rows):
        rng = np.random.default_rng(row)
        pixels = np.zeros((SIDE, SIDE, 3), dtype=np.uint8)
        pixels[:] = rng.integers(0, 256, 3)
        pixels[:, row % SIDE :] = rng.integers(0, 256, 3)
        Image.fromarray(pixels).save(folder / f"{row}.png")


def pictures(n_rows: int, folder: Path) -> pd.DataFrame:
    """Return the paths of pictures, and the targets."""
    rows = np.arange(n_rows)
    return pd.DataFrame({"photo": [str(folder / f"{row}.png") for row in rows], "y": rows % SIDE})


@contextmanager
def measured() -> Iterator[None]:
    """Print by how many MiB the peak of memory rises within, and the seconds."""
    import resource

    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    yield
    risen = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(f"{risen / 1024:.0f} {time.perf_counter() - began:.0f}")


def measure_rows(way: str, n_rows: int) -> None:
    """Fit on rows of a table."""
    from skmerge import Chunks, MergedNetRegressor

    net = MergedNetRegressor(epochs=1, n_members=1, random_state=0)
    few = next(drawn(1_000))
    net.fit(few.drop(columns="y"), few["y"])  # all code is loaded
    with measured():
        if way == "chunks":
            net.fit(Chunks(lambda: drawn(n_rows), y="y"))
        else:
            frame = pd.concat(drawn(n_rows), ignore_index=True)
            net.fit(frame.drop(columns="y"), frame["y"])


def measure_pictures(way: str, n_rows: int, folder: Path) -> None:
    """Fit on pictures, or predict."""
    from skmerge import Chunks, ColumnRouter, ConvBranch, ImageEncoder, MergedNetRegressor

    encoder = ImageEncoder(cache=folder / "cache" if way == "cache" else None)
    net = MergedNetRegressor(
        router=ColumnRouter({"photo": encoder}), branches={"photo": ConvBranch((8,))},
        epochs=1, n_members=1, random_state=0,
    )  # fmt: skip
    frame = pictures(n_rows, folder)
    net.fit(frame[["photo"]][:1_000], frame["y"][:1_000])
    with measured():
        if way == "predict":
            net.predict(frame[["photo"]])
        elif way == "chunks":
            net.fit(Chunks([frame], y="y"))
        else:
            net.fit(frame[["photo"]], frame["y"])


def in_a_process(*arguments: object) -> tuple[str, str]:
    """Run this script with other arguments, and return its last two words."""
    done = subprocess.run(
        [sys.executable, __file__, "--one", *map(str, arguments)],
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    megabytes, seconds = done.stdout.split()[-2:]
    return megabytes, seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="*", default=[100_000, 400_000])
    parser.add_argument("--pictures", type=int, nargs="*", default=[])
    parser.add_argument("--one", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        way, n_rows, *folder = arguments.one
        if folder:
            measure_pictures(way, int(n_rows), Path(folder[0]))
        else:
            measure_rows(way, int(n_rows))
        return 0
    print("| rows | what | peak of memory, MiB | s |\n| ---: | --- | ---: | ---: |")
    for n_rows in arguments.rows:
        for way in ("at once", "chunks"):
            print(f"| {n_rows:,} | {way} | {' | '.join(in_a_process(way, n_rows))} |", flush=True)
    for n_rows in arguments.pictures:
        with tempfile.TemporaryDirectory() as folder:
            draw_pictures(n_rows, Path(folder))
            for way in ("at once", "cache", "chunks", "predict"):
                found = " | ".join(in_a_process(way, n_rows, folder))
                print(f"| {n_rows:,} pictures | {way} | {found} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
