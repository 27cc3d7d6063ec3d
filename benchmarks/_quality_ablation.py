"""What each default buys and costs: skmerge with one of them switched off at a time.

Enters: a task and seeds. Leaves: for each ablation the difference from the defaults, and the means
over all tasks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from _quality_contenders import SKMERGE, Result, by_seed, network
from _quality_page import markdown
from _quality_scores import difference
from _quality_tasks import TASKS, Task

from skmerge import EmbeddingBranch


def _all_words(task: Task) -> dict[str, Any]:
    return {"branches": {text: EmbeddingBranch(spatial_dropout=0.0) for text in task.texts}}


# what is switched off, and the parameters that do it, or what tells them of a task; one that an
# estimator lacks is not its own
ABLATIONS: dict[str, dict[str, Any] | Callable[[Task], dict[str, Any]]] = {
    "no linear model beside": {"wide": False},
    "one network, not several": {"n_members": 1},
    "features not normalised": {"normalize_features": False},
    "no losses of single inputs": {"auxiliary": 0.0},
    "learning rate 0.001": {"learning_rate": 0.001},
    "patience of 5 epochs": {"n_iter_no_change": 5},
    "no early stopping, 10 epochs": {"early_stopping": False, "epochs": 10},
    "no dropout": {"dropout": 0.0},
    "no dropout of embeddings": _all_words,
    "no hidden layer after the merge": {"head": ()},
    "batches of 256": {"batch_size": 256},
}


#: the section that sums up those of the tasks
MEANS = "Mean of the differences over these tasks"


def run_ablation(
    task_name: str, n_seeds: int, ablations: Mapping[str, Any] = ABLATIONS
) -> dict[str, Result]:
    """Measure the defaults and each ablation on a task; results by contender, defaults first."""
    task = TASKS[task_name]
    data = task.load()
    known = network(task, 0).get_params()
    measured: dict[str, Result] = {}
    for name in (SKMERGE, *ablations):
        changes = ablations.get(name, {})
        changes = changes(task) if callable(changes) else changes
        if changes.keys() <= known.keys():
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
