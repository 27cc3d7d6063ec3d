"""Properties of an estimator with a tiny network on one frame and its targets."""

import matplotlib.pyplot  # noqa: F401 -- old versions warn at import, which is no fault of a fit
import numpy as np
import pandas as pd

from skmerge import MergedNetClassifier, MergedNetRegressor

from ._judging import Finding, Refused, outcome
from ._targets import N_ROWS

SMALL = {"head": (2,), "epochs": 1, "random_state": 0, "early_stopping": False}
FRAME = pd.DataFrame({"a": np.arange(float(N_ROWS)), "b": [1.5, -2.0, 0.5, 3.0] * 2})


def check_fit(estimator, frame, y, sample_weight=None, seconds=60):
    """Check what must hold of a fit; return the estimator, or a Refused."""
    fitted = outcome(lambda: estimator.fit(frame, y, sample_weight=sample_weight), seconds=seconds)
    if isinstance(fitted, Refused):
        if [name for name in vars(estimator) if name.endswith("_") and name[0] != "_"]:
            raise Finding("a fit that was refused left attributes")
        return fitted
    predicted = outcome(estimator.predict, frame, seconds=seconds)
    if isinstance(predicted, Refused):
        raise Finding(f"predict refuses what fit took: {predicted.error}") from predicted.error
    if len(predicted) != len(frame):
        raise Finding(f"{len(frame)} rows in, {len(predicted)} predictions out")
    if isinstance(estimator, MergedNetRegressor):
        if predicted.dtype.kind != "f" or not np.isfinite(predicted).all():
            raise Finding(f"predictions are not finite: {predicted}")
        return estimator
    probabilities = estimator.predict_proba(frame)
    if not np.isfinite(probabilities).all():
        raise Finding("probabilities are not finite")
    if predicted.ndim == 1:
        if len(estimator.classes_) != probabilities.shape[1]:
            raise Finding("classes and probabilities differ in number")
        if not np.allclose(probabilities.sum(axis=1), 1, atol=1e-5):
            raise Finding("probabilities do not sum to 1")
        given = {_plain(label) for label in np.ravel(_values(y))}
        if {_plain(label) for label in estimator.classes_} != given:
            raise Finding(f"classes {estimator.classes_!r} of labels {given}")
        if not {_plain(label) for label in predicted} <= given:
            raise Finding(f"predictions {predicted!r} of labels {given}")
    return estimator


def _values(y):
    if hasattr(y, "to_numpy"):
        return y.to_numpy(dtype=object)
    values = np.empty(len(y), dtype=object)
    values[:] = [label[0] if isinstance(label, np.ndarray) and label.ndim else label for label in y]
    return values


def _plain(label):
    if isinstance(label, list):
        return _plain(label[0])
    return label.item() if isinstance(label, np.generic) else label


def check_targets(case):
    """Check a classifier and a regressor on targets and weights."""
    y, weights, regression = case
    kind = MergedNetRegressor if regression else MergedNetClassifier
    return check_fit(kind(**SMALL), FRAME, y, weights)


HEAVY = ("epochs", "n_members", "head", "batch_size")


def check_parameters(case):
    """Check that parameters are set and fitted with, or refused by name."""
    parameters, is_classifier = case
    kind = MergedNetClassifier if is_classifier else MergedNetRegressor
    estimator = kind(**SMALL)
    is_set = outcome(lambda: estimator.set_params(**parameters))
    if isinstance(is_set, Refused):
        return is_set
    repr(estimator)
    if any(_is_large(parameters.get(name)) for name in HEAVY):
        return None
    y = [0, 1] * (N_ROWS // 2)
    fitted = outcome(lambda: estimator.fit(FRAME, y), seconds=60)
    if isinstance(fitted, Refused):
        return fitted
    predicted = outcome(estimator.predict, FRAME, seconds=60)
    if isinstance(predicted, Refused):
        raise Finding(f"predict refuses what fit took: {predicted.error}") from predicted.error
    return estimator


def _is_large(value):
    return (
        isinstance(value, (int, float, np.integer)) and not isinstance(value, bool) and value > 100
    )
