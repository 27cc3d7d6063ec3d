"""What each default buys and costs: skmerge with one of them switched off at a time.

Enters: a task and seeds. Leaves: for each ablation the difference from the defaults, and the means
over all tasks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import numpy as np
from _quality_contenders import SKMERGE, Result, by_seed
from _quality_page import markdown
from _quality_scores import difference
from _quality_tasks import TASKS, Task

from skmerge import EmbeddingBranch


@dataclass(frozen=True)
class Change:
    """What switches a default off: parameters, or a constant of the library that has none.

    ``parameters`` are told a task. ``needs`` is what a task must have, or there is nothing to
    switch off: "texts", "table", targets that are "numbers", or "" for nothing.
    """

    parameters: Callable[[Task], dict[str, Any]] = lambda task: {}
    constant: str = ""
    value: Any = None
    needs: str = ""

    def made(self) -> AbstractContextManager[Any]:
        return patch(self.constant, self.value) if self.constant else nullcontext()


def _parameters(**changes: Any) -> Change:
    return Change(lambda task: changes)


def _no_dropout_of_words(task: Task) -> dict[str, Any]:
    return {"branches": {text: EmbeddingBranch(spatial_dropout=0.0) for text in task.texts}}


ABLATIONS: dict[str, Change] = {
    "no linear model beside": _parameters(wide=False),
    "one network, not several": _parameters(n_members=1),
    "weights of the best epoch, not averaged": Change(
        constant="skmerge.training._stopping._N_KEPT", value=1
    ),
    "features not normalised": _parameters(normalize_features=False),
    "no losses of single inputs": _parameters(auxiliary=0.0),
    "learning rate 0.001": _parameters(learning_rate=0.001),
    "patience of 5 epochs": _parameters(n_iter_no_change=5),
    "no early stopping, 10 epochs": _parameters(early_stopping=False, epochs=10),
    "no dropout": _parameters(dropout=0.0),
    "no dropout of embeddings": Change(_no_dropout_of_words, needs="texts"),
    "no hidden layer after the merge": _parameters(head=()),
    "batches of 256": _parameters(batch_size=256),
    "predictions not clipped": Change(lambda _: {"clip_predictions": False}, needs="numbers"),
    "linear model: no pairs of words": Change(
        constant="skmerge._wide._features.N_PAIRS", value=0, needs="texts"
    ),
    "linear model: no sharing by spelling": Change(
        constant="skmerge._wide._search._basis", value=lambda features: None, needs="texts"
    ),
    "linear model: no numbers two by two": Change(
        constant="skmerge._wide._features.MAX_CROSSED", value=0, needs="table"
    ),
    "linear model: one penalty for all inputs": Change(
        constant="skmerge._wide._search._MOST_STEPS", value=0, needs="table"
    ),
}


#: the section that sums up those of the tasks
MEANS = "Mean of the differences over these tasks"


def run_ablation(
    task_name: str, n_seeds: int, ablations: Mapping[str, Change] = ABLATIONS
) -> dict[str, Result]:
    """Measure the defaults and each ablation on a task; results by contender, defaults first."""
    task = TASKS[task_name]
    data = task.load()
    has = {
        "": True,
        "texts": bool(task.texts),
        "table": task.has_table(data.train),
        "numbers": task.kind == "numbers",
    }
    measured: dict[str, Result] = {}
    for name, change in {SKMERGE: Change(), **ablations}.items():
        if has[change.needs]:
            with change.made():
                changes = change.parameters(task)
                measured[name] = by_seed(name, task, data, n_seeds, changes=changes)
            print(f"{data.name}, {measured[name]}", flush=True)
    return measured


def differences(measured: Mapping[str, Result]) -> str:
    """Return the table of a task: the main score, ablation minus default, and its standard error.

    The last column is the ratio of the seconds of fitting, of the medians.
    """
    usual = measured[SKMERGE]
    seconds = float(np.median(usual.seconds))
    lines = [["none: the score", f"{np.mean(usual.main):.4f}", f"{seconds:.3g} s"]]
    for name, result in measured.items():
        if name == SKMERGE:
            continue
        mean, error = difference(result.main, usual.main)
        within = f" ± {error:.4f}" if len(usual.main) > 1 else ""
        ratio = np.median(result.seconds) / seconds
        lines.append([name, f"{mean:+.4f}{within}", f"{ratio:.2f}x"])
    return markdown(["switched off", "difference", "fit time"], lines)


def means(tables: Mapping[str, str]) -> str:
    """Sum up tables of `differences` by task, as they stand on the page."""
    found: dict[str, list[tuple[float, float]]] = {}
    for table in tables.values():
        for name, mean, ratio in re.findall(
            r"^\| (.+?) \| ([+-][\d.]+)(?: ± [\d.]+)? \| ([\d.]+)x \|$", table, re.MULTILINE
        ):
            found.setdefault(name, []).append((float(mean), float(ratio)))
    lines = []
    for name, pairs in found.items():
        mean, ratio = np.mean(pairs, axis=0)
        lines.append([name, f"{mean:+.4f}", f"{ratio:.2f}x", str(len(pairs))])
    return markdown(["switched off", "difference", "fit time", "tasks"], lines)
