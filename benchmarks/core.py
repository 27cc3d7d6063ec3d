"""Fit, predict, pickle, clone and cross_val_predict on real frames, with no preprocessing.

Run ``python benchmarks/core.py`` for all data sets, or name some: ``... core.py emoji houses``.
Prints one table: the score on the test part beside the best reference, seconds, and whether the
pickled and the cloned estimator agree with the fitted one bit for bit.
"""

from __future__ import annotations

import argparse
import pickle
import time

import numpy as np
import pandas as pd
from _datasets import DATASETS, Dataset
from sklearn.base import clone
from sklearn.metrics import accuracy_score, average_precision_score, r2_score, roc_auc_score
from sklearn.model_selection import cross_val_predict

from skmerge import MergedNetClassifier, MergedNetRegressor

CROSS_VALIDATED_ROWS = 600


def outputs(estimator, X):
    return (
        estimator.predict_proba(X) if hasattr(estimator, "predict_proba") else estimator.predict(X)
    )


def score(metric: str, y, predicted, classes) -> float:
    if metric == "r2":
        return r2_score(y, predicted)
    if metric == "roc_auc":
        return roc_auc_score(y, predicted[:, 1])
    if metric == "average_precision":
        return average_precision_score(y, predicted, average="macro")
    return accuracy_score(y, classes[predicted.argmax(axis=1)])


def measure(data: Dataset, epochs: int) -> dict[str, object]:
    make = MergedNetRegressor if data.metric == "r2" else MergedNetClassifier
    estimator = make(epochs=epochs, random_state=0)
    began = time.perf_counter()
    estimator.fit(data.train, data.y_train)
    fitted = time.perf_counter()
    predicted = outputs(estimator, data.test)
    done = time.perf_counter()

    pickled = pickle.loads(pickle.dumps(estimator))
    few, y_few = data.train[:CROSS_VALIDATED_ROWS], data.y_train[:CROSS_VALIDATED_ROWS]
    first, second = (clone(estimator).fit(few, y_few) for _ in range(2))
    method = "predict" if data.metric == "r2" else "predict_proba"
    held_out = cross_val_predict(clone(estimator), few, y_few, cv=3, method=method)
    kinds = ", ".join(f"{name} ({spec.kind})" for name, spec in estimator.specs_.items())
    print(f"{data.name}: {kinds}", flush=True)
    reached = score(data.metric, data.y_test, predicted, getattr(estimator, "classes_", None))
    return {
        "data": data.name,
        "rows": len(data.train),
        "metric": data.metric,
        "score": round(reached, 4),
        "reference": data.reference,
        "fit s": round(fitted - began, 1),
        "predict s": round(done - fitted, 1),
        "pickle": "same" if np.array_equal(outputs(pickled, data.test), predicted) else "DIFFERS",
        "clones": "same" if np.array_equal(outputs(first, few), outputs(second, few)) else "DIFFER",
        "cross_val_predict": str(held_out.shape),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"of {', '.join(DATASETS)}; all by default")
    parser.add_argument("--epochs", type=int, default=10)
    arguments = parser.parse_args()
    rows = [measure(DATASETS[name](), arguments.epochs) for name in arguments.names or DATASETS]
    print(pd.DataFrame(rows).to_string(index=False))


if __name__ == "__main__":
    main()
