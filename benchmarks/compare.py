"""compare_merges on real data: which merge, and whether merging is what counts.

Run ``python benchmarks/compare.py`` for clothing, movies and easy_vqa, or name some. Prints the
table and what it says, from cross-validation within the training part; with ``--out DIR`` also
saves table (CSV), scores per fold (CSV), text and plot.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from _datasets import DATASETS
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline

from skmerge import (
    ColumnRouter,
    ConvBranch,
    EmbeddingBranch,
    ImageEncoder,
    MergeComparisonDisplay,
    MergedNetClassifier,
    TextEncoder,
    compare_merges,
)


@dataclass
class Task:
    """The estimator for so many epochs, so many folds, and the column whose rows stay together."""

    estimator: Callable[[int], Any]
    folds: Callable[[int], Any]
    grouped_by: str | None = None


def clothing(epochs: int) -> Any:
    return make_pipeline(ColumnRouter(), MergedNetClassifier(epochs=epochs, random_state=0))


def movies(epochs: int) -> Any:
    router = ColumnRouter(
        inputs={"title": "text", "overview": "text", "image": ImageEncoder(size=(48, 32))}
    )
    return make_pipeline(router, MergedNetClassifier(epochs=epochs, random_state=0))


def easy_vqa(epochs: int) -> Any:
    router = ColumnRouter(
        inputs={"image": ImageEncoder(size=32), "question": TextEncoder(min_frequency=1)}
    )
    branches = {
        "image": ConvBranch((16, 32, 64), (64,), batch_normalization=True),
        "question": EmbeddingBranch(32, (64,)),
    }
    network = MergedNetClassifier(branches=branches, epochs=epochs, dropout=0.0, random_state=0)
    return make_pipeline(router, network)


TASKS = {
    "clothing": Task(clothing, lambda n: StratifiedKFold(n, shuffle=True, random_state=0)),
    "movies": Task(movies, lambda n: KFold(n, shuffle=True, random_state=0)),
    # all questions about one picture are in one fold
    "easy_vqa": Task(easy_vqa, lambda n: GroupKFold(n, shuffle=True, random_state=0), "image"),
}


def compare(name: str, arguments: argparse.Namespace) -> None:
    task, data = TASKS[name], DATASETS[name]()
    drawn = np.random.default_rng(0).permutation(len(data.train))[: arguments.rows]
    frame, y = data.train.iloc[drawn], data.y_train[drawn]
    print(f"{data.name}: {len(frame)} rows, {arguments.epochs} epochs", flush=True)
    began = time.perf_counter()
    comparison = compare_merges(
        task.estimator(arguments.epochs),
        frame,
        y,
        merges=arguments.merges,
        cv=task.folds(arguments.folds),
        groups=None if task.grouped_by is None else frame[task.grouped_by],
        scoring=data.metric,
        n_jobs=arguments.jobs,
        verbose=1,
    )
    seconds = time.perf_counter() - began
    print(f"\n{comparison}\n\n{seconds:.0f} s in all\n", flush=True)
    if arguments.out is not None:
        save(comparison, arguments.out / name, data.name)


def save(comparison: Any, stem: Path, title: str) -> None:
    stem.parent.mkdir(parents=True, exist_ok=True)
    comparison.to_frame().to_csv(f"{stem}.csv", index=False)
    comparison.scores_.to_csv(f"{stem}-folds.csv")
    Path(f"{stem}.txt").write_text(f"{comparison}\n", encoding="utf-8")
    display = MergeComparisonDisplay.from_result(comparison)
    display.ax_.set_title(title, loc="left", pad=24)
    display.figure_.savefig(f"{stem}.png", dpi=120)
    plt.close(display.figure_)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"of {', '.join(TASKS)}; all by default")
    parser.add_argument("--rows", type=int, default=None, help="rows to draw, all by default")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--merges", nargs="+", default=None, help="all modes by default")
    parser.add_argument("--jobs", type=int, default=None, help="folds fitted at a time")
    parser.add_argument("--out", type=Path, default=None, help="folder for tables and plots")
    arguments = parser.parse_args()
    for name in arguments.names or TASKS:
        compare(name, arguments)


if __name__ == "__main__":
    main()
