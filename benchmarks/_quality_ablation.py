"""What each default buys and costs: skmerge with one of them switched off at a time.

Enters: tasks and seeds. Leaves: for each ablation the differences from the defaults, by task.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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


def run_ablation(
    names: Sequence[str], n_seeds: int, ablations: Mapping[str, Any] = ABLATIONS
) -> dict[str, dict[str, Result]]:
    """Measure the defaults and each ablation on each task: results by contender, then by task."""
    measured: dict[str, dict[str, Result]] = {name: {} for name in (SKMERGE, *ablations)}
    for task_name in names:
        task = TASKS[task_name]
        data = task.load()
        known = network(task, 0).get_params()
        for name, results in measured.items():
            changes = ablations.get(name, {})
            changes = changes(task) if callable(changes) else changes
            if changes.keys() <= known.keys():
                results[task_name] = by_seed(name, task, data, n_seeds, changes=changes)
                print(f"{data.name}, {results[task_name]}", flush=True)
    return measured


def matrix(measured: Mapping[str, Mapping[str, Result]]) -> str:
    """Return the table of differences: ablation minus default, of the main score, by task.

    Beside each difference stands its standard error over the seeds. The last columns are the mean
    over the tasks, and seconds of fitting beside those of the defaults, the mean of the ratios.
    """
    default = measured[SKMERGE]
    head = ["switched off", *default, "mean", "fit time"]
    scores = [f"{np.mean(result.main):.4f}" for result in default.values()]
    lines = [["none: the score", *scores, "", ""]]
    for name, results in measured.items():
        if name == SKMERGE or not results:
            continue
        cells, means, ratios = [], [], []
        for task_name, usual in default.items():
            if task_name not in results:
                cells.append("")
                continue
            mean, error = difference(results[task_name].main, usual.main)
            within = f" ± {error:.4f}" if len(usual.main) > 1 else ""
            cells.append(f"{mean:+.4f}{within}")
            means.append(mean)
            ratios.append(np.median(results[task_name].seconds) / np.median(usual.seconds))
        lines.append([name, *cells, f"{np.mean(means):+.4f}", f"{np.mean(ratios):.2f}x"])
    return markdown(head, lines)
