"""What a process pays: seconds of imports, and memory kept by refits."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from _datasets import clothing
from _plain_keras import compiled, target_of
from _ratios import Row, alternate, duration, in_fresh_process

from skmerge import ColumnRouter, MergedNetClassifier
from skmerge.network import network_inputs

LINEAR_MODEL = "import sklearn.linear_model"
IMPORTS = {
    "`import skmerge`": ("import skmerge", 1.3),
    "`from skmerge import ColumnRouter, MergedNetClassifier`": (
        "from skmerge import ColumnRouter, MergedNetClassifier",
        None,
    ),
}


def imports(quick: bool) -> list[Row]:
    rows = []
    for work, (statement, must) in IMPORTS.items():
        pairs = alternate(
            work,
            lambda statement=statement: statement,
            lambda: LINEAR_MODEL,
            3 if quick else 9,
            timed=lambda side: _import_seconds(side()),
        )
        ratios = [ours / theirs for ours, theirs in pairs]
        ours, theirs = np.median(pairs, axis=0)
        rows.append(
            Row(
                f"{work}, TensorFlow not loaded",
                f"`{LINEAR_MODEL}`",
                float(np.median(ratios)),
                min(ratios),
                max(ratios),
                must=must,
                at_most=True,
                unit="x as long",
                detail=f"{duration(ours)} against {duration(theirs)}",
            )
        )
    return rows


def _import_seconds(statement: str) -> float:
    """Import in a new interpreter; a failure if TensorFlow came with it."""
    code = (
        f"import sys, time; began = time.perf_counter(); {statement}; "
        "print(time.perf_counter() - began, 'tensorflow' in sys.modules)"
    )
    project = Path(__file__).parents[1]
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=True)
    seconds, with_tensorflow = done.stdout.split()
    if with_tensorflow == "True":
        raise RuntimeError(f"{statement!r} must not load TensorFlow, and does.")
    return float(seconds)


def memory(quick: bool) -> list[Row]:
    """Compare the memory kept by each refit, in processes of their own."""
    refits, rebuilt, skipped = (8, 5, 2) if quick else (200, 40, 20)
    ours = in_fresh_process(resident_after_refits, "ours", refits)[skipped:]
    theirs = in_fresh_process(resident_after_refits, "keras", rebuilt)[min(skipped, rebuilt // 4) :]
    kept = [_slope(ours), _slope(theirs)]
    parts = [_slope(part) for part in np.array_split(ours, 3)]
    print(f"memory: {kept[0]:.3f} MiB a refit against {kept[1]:.3f}", flush=True)
    return [
        Row(
            "memory kept by each of 200 refits of one architecture",
            "plain Keras, built anew each time",
            kept[0],
            min(parts),
            max(parts),
            must=0.2,
            at_most=True,
            unit=" MiB",
            detail=f"{kept[0]:.2g} MiB against {kept[1]:.2g} MiB; range over thirds of the refits",
        )
    ]


def resident_after_refits(side: str, n_refits: int) -> list[float]:
    """Return the resident memory of this process after each refit, MiB."""
    data = clothing()
    X, y = ColumnRouter().fit_transform(data.train[:256]), data.y_train[:256]
    arrays, targets = network_inputs(X), y.astype("float32")[:, np.newaxis]

    def refit_ours() -> None:
        MergedNetClassifier(
            epochs=1,
            batch_size=64,
            early_stopping=False,
            normalize_features=False,
            learning_rate=None,
            random_state=0,
        ).fit(X, y).predict_proba(X)

    def refit_keras() -> None:
        network = compiled(X.specs, target_of(y))
        network.fit(arrays, targets, epochs=1, batch_size=64, verbose=0)
        network.predict(arrays, verbose=0)

    refit = {"ours": refit_ours, "keras": refit_keras}[side]
    sizes = []
    for _ in range(n_refits):
        refit()
        gc.collect()
        sizes.append(_resident())
    return sizes


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _slope(sizes: list[float]) -> float:
    return float(np.polyfit(np.arange(len(sizes)), sizes, 1)[0])
