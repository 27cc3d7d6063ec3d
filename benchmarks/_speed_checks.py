"""scikit-learn's common checks on the classifier, beside the same ones on scikeras's.

Both have the same small dense network, trained for as many epochs on batches of the same size.
scikeras fails a part of the checks, for reasons of its own; only those that both pass count.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

from _plain_keras import DROPOUT, HEAD, warm_up
from _ratios import Row, duration, progress, row_of_times
from sklearn.utils.estimator_checks import estimator_checks_generator

from skmerge import MergedNetClassifier

#: rows per step that the classifier takes by itself for up to 900 rows, more than checks have
BATCH_SIZE = 16


def checks(quick: bool) -> list[Row]:
    warm_up()
    epochs = 1 if quick else MergedNetClassifier().epochs
    ours = _checks_by_name(MergedNetClassifier(epochs=epochs))
    theirs = _checks_by_name(_scikeras(epochs))
    names = [name for name in ours if name in theirs][:: 8 if quick else 1]
    passed, totals = 0, [0.0, 0.0]
    for name in names:
        outcomes = [_outcome(ours[name]), _outcome(theirs[name])]
        seconds = [taken for taken, _ in outcomes]
        if all(success for _, success in outcomes):
            passed += 1
            totals = [total + taken for total, taken in zip(totals, seconds, strict=True)]
            progress(f"checks, {name}", passed, len(names), (seconds[0], seconds[1]))
        else:
            sides = zip(("ours", "scikeras"), outcomes, strict=True)
            failed = [side for side, (_, success) in sides if not success]
            print(
                f"checks, {name}: not counted, skipped or failed by {', '.join(failed)}", flush=True
            )
    if not passed:
        raise RuntimeError("No check was passed by both, so there is nothing to compare.")
    work, seconds = "common checks of scikit-learn on the classifier", (totals[0], totals[1])
    against = "scikeras's KerasClassifier, the checks that both pass"
    detail = f"{duration(seconds[0])} against {duration(seconds[1])}; {passed} of {len(names)}"
    return [row_of_times(work, against, [seconds], must=3, detail=detail)]


def _scikeras(epochs: int) -> Any:
    """Return scikeras's classifier as its documents show it, of widths as in ours."""
    import keras
    from scikeras.wrappers import KerasClassifier

    def dense_network(meta: dict[str, Any]) -> Any:
        binary = meta["n_classes_"] <= 2
        network = keras.Sequential([keras.Input((meta["n_features_in_"],))])
        for width in (64, *HEAD):
            network.add(keras.layers.Dense(width, activation="relu"))
            network.add(keras.layers.Dropout(DROPOUT))
        network.add(
            keras.layers.Dense(1, "sigmoid")
            if binary
            else keras.layers.Dense(meta["n_classes_"], "softmax")
        )
        loss = "binary_crossentropy" if binary else "sparse_categorical_crossentropy"
        network.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
        return network

    return KerasClassifier(model=dense_network, epochs=epochs, batch_size=BATCH_SIZE, verbose=0)


def _checks_by_name(estimator: Any) -> dict[str, Callable[[], Any]]:
    """Return each check, bound to its estimator, by its name and arguments."""
    found = {}
    for instance, check in estimator_checks_generator(estimator):
        arguments = "".join(f", {name}={value}" for name, value in check.keywords.items())
        found[f"{check.func.__name__}{arguments}"] = lambda c=check, e=instance: c(e)
    return found


def _outcome(check: Callable[[], Any]) -> tuple[float, bool]:
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            check()
        except Exception:  # SkipTest too: a check left out takes no time
            return time.perf_counter() - began, False
    return time.perf_counter() - began, True
