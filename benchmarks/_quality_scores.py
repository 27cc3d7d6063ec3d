"""Scores of predictions, their calibration, and what the scores of several seeds say.

Enters: targets, and probabilities or numbers predicted for the same rows; or scores by seed.
Leaves: numbers between which contenders are compared, and the sentence that compares them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, average_precision_score, r2_score, roc_auc_score


def _macro_auc(y: np.ndarray, predicted: np.ndarray, classes: np.ndarray) -> float:
    return roc_auc_score(y, predicted, multi_class="ovr", average="macro", labels=classes)


METRICS = {
    "ROC AUC": lambda y, predicted, classes: roc_auc_score(y == classes[1], predicted[:, 1]),
    "PR-AUC": lambda y, predicted, classes: average_precision_score(
        y == classes[1], predicted[:, 1]
    ),
    "macro AUC": _macro_auc,
    "macro AP": lambda y, predicted, classes: average_precision_score(y, predicted),
    "accuracy": lambda y, predicted, classes: accuracy_score(y, classes[predicted.argmax(axis=1)]),
    "R2": lambda y, predicted, classes: r2_score(y, predicted),
}


def outputs(model: Any, X: Any) -> np.ndarray:
    """Return the probabilities of a classifier, the numbers of a regressor."""
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


def calibration_error(
    y: np.ndarray, probabilities: np.ndarray, classes: np.ndarray, n_bins: int = 15
) -> float:
    """Compute the expected calibration error: how far confidence is from being right.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_labels)
        The classes, or zeros and ones of several labels.
    probabilities : ndarray of shape (n_samples, n_classes) or (n_samples, n_labels)
        Probability of each class, or of each label.
    classes : ndarray of shape (n_classes,)
        The class of each column of `probabilities`; of no account for several labels.
    n_bins : int, default=15
        Number of bins, of equal width, that divide the confidences from 0 to 1.

    Returns
    -------
    float
        The mean over bins, weighted by the rows in them, of the absolute difference between the
        mean confidence and the fraction that is right, 0 to 1. Confidence is the probability of
        the class predicted. For several labels it is the probability of a label, right is where
        the label is there, and the bins hold all labels of all rows.

    Notes
    -----
    Eq. (3) of [1]_, with the bins open to the left as there. Departure: the paper knows no
    several labels.

    References
    ----------
    .. [1] C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On Calibration of Modern Neural Networks",
       ICML 2017.

    Examples
    --------
    >>> import numpy as np
    >>> y = np.array(["a", "a", "b", "b"])
    >>> probabilities = np.array([[0.8, 0.2], [0.8, 0.2], [0.8, 0.2], [0.0, 1.0]])
    >>> round(calibration_error(y, probabilities, np.array(["a", "b"])), 3)  # 3/4 of 0.8 - 2/3
    0.1
    """
    if y.ndim == 2:
        confidence, right = probabilities.ravel().astype(float), y.ravel().astype(float)
    else:
        confidence = probabilities.max(axis=1).astype(float)
        right = (classes[probabilities.argmax(axis=1)] == y).astype(float)
    edges = np.linspace(0, 1, n_bins + 1)
    bins = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, n_bins - 1)
    # a bin's share of the rows times its gap is the sum of its differences through all rows
    gaps = np.bincount(bins, weights=right - confidence, minlength=n_bins)
    return float(np.abs(gaps).sum() / len(confidence))


def difference(ours: Sequence[float], others: Sequence[float]) -> tuple[float, float]:
    """Return the mean difference of scores, paired by seed, and its standard error.

    A contender that knows no seeds has one score, which is compared with each of ours. The
    standard error of a single seed is not known: it is 0.
    """
    differences = np.asarray(ours, dtype=float) - np.asarray(others, dtype=float)
    n = len(differences)
    error = float(differences.std(ddof=1) / np.sqrt(n)) if n > 1 else 0.0
    return float(differences.mean()), error


def verdict(
    ours: Sequence[float], singles: dict[str, Sequence[float]], stack: Sequence[float] | None
) -> str:
    """Say whether merging is at least as good as the best single input, and as the stack.

    At least as good is what lacks no more than one standard error of the difference. The sentence
    is empty where there is nothing to compare with.
    """
    others: dict[str, Sequence[float]] = {}
    if singles:
        best = max(singles, key=lambda name: float(np.mean(singles[name])))
        others[f"its best single input, {best}"] = singles[best]
    if stack is not None:
        others["the stack"] = stack
    passed, failed = [], []
    for name, scores in others.items():
        mean, error = difference(ours, scores)
        within = f" ± {error:.4f}" if len(ours) > 1 else ""
        (passed if mean >= -error else failed).append(f"{name} ({mean:+.4f}{within})")
    parts = []
    if passed:
        parts.append(f"is at least as good as {' and as '.join(passed)}")
    if failed:
        parts.append(f"is **worse** than {' and than '.join(failed)}")
    if not parts:
        return ""
    one_seed = " One seed: its standard error is not known." if len(ours) == 1 else ""
    return f"skmerge {', but '.join(parts)}.{one_seed}"
