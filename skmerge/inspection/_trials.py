"""Trials: what is fitted and scored on each fold in place of a candidate, and what is measured.

Enters: a candidate that takes raw rows. Leaves: its score, the time of a prediction and the number
of parameters. A candidate that fails is noted, and stops no other.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.utils import _safe_indexing, get_tags
from sklearn.utils.validation import _num_samples

from skmerge.inspection._candidates import n_parameters
from skmerge.inspection._routing import given, last_step_prefix

#: rows that a prediction is timed on, at most
TIMED_ROWS = 1000

NOT_MEASURED = {"score": np.nan, "predict_ms": np.nan, "n_parameters": np.nan}


class Trial(BaseEstimator):
    """One candidate on one fold; what goes wrong is remembered, not raised.

    Parameters
    ----------
    candidate : estimator
        The candidate, which is cloned.
    keep : bool
        Whether it is kept after it was measured.
    catch : bool
        Whether errors are remembered; otherwise they are raised.
    """

    def __init__(self, candidate: Any, keep: bool, catch: bool) -> None:
        self.candidate = candidate
        self.keep = keep
        self.catch = catch

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Trial:
        """Fit the candidate."""
        weights = {}
        if sample_weight is not None:
            weights = {f"{last_step_prefix(self.candidate)}sample_weight": sample_weight}
        self.fitted_, self.error_ = tried(
            lambda: clone(self.candidate).fit(given(X), y, **weights), self.catch
        )
        return self

    def measured(self, scorer: Any, X: Any, y: Any) -> dict[str, float]:
        """Score the candidate, time it and count its parameters; all NaN where it failed."""
        measured = None
        if self.fitted_ is not None:
            measured, self.error_ = tried(lambda: measure(self.fitted_, scorer, X, y), self.catch)
        if measured is None or not self.keep:
            self.fitted_ = None
        return measured or NOT_MEASURED

    def __sklearn_tags__(self) -> Any:
        return get_tags(self.candidate)


def tried(function: Callable[[], Any], catch: bool) -> tuple[Any, str | None]:
    """Call a function, and return what it returns, or the text of its error.

    Parameters
    ----------
    function : callable
        The function.
    catch : bool
        Whether errors are caught.

    Returns
    -------
    result : object
        What it returned, None where it failed.
    error : str or None
        What went wrong.
    """
    try:
        return function(), None
    except Exception as error:
        if not catch:
            raise
        notes = getattr(error, "__notes__", [])
        return None, " ".join([f"{type(error).__name__}: {error}", *notes])


class Measurement:
    """A scorer for `cross_validate` that measures a `Trial`; can be pickled.

    Parameters
    ----------
    scorer : callable
        The user's scorer.
    """

    def __init__(self, scorer: Any) -> None:
        self.scorer = scorer

    def __call__(self, trial: Trial, X: Any, y: Any) -> dict[str, float]:
        return trial.measured(self.scorer, X, y)


def measure(fitted: Any, scorer: Any, X: Any, y: Any) -> dict[str, float]:
    """Score a fitted candidate, time a prediction and count its parameters.

    Parameters
    ----------
    fitted : estimator
        The candidate.
    scorer : callable
        The user's scorer.
    X : object
        Held-out rows.
    y : array-like
        Their targets.

    Returns
    -------
    dict of str to float
        ``"score"``, ``"predict_ms"`` for up to 1,000 of the rows, and ``"n_parameters"``.
    """
    score = float(scorer(fitted, given(X), y))
    n_rows = min(TIMED_ROWS, _num_samples(X))
    few = given(_safe_indexing(X, np.arange(n_rows)))
    began = time.perf_counter()
    fitted.predict(few)  # not the first prediction, which traces the network
    seconds = time.perf_counter() - began
    return {
        "score": score,
        "predict_ms": 1e3 * seconds,
        "n_parameters": float(n_parameters(fitted)),
    }


@dataclass
class Measures:
    """What was measured of one candidate, a value per fold.

    Parameters
    ----------
    label : str
        Name of the candidate.
    kind : str
        What it is, such as ``"merge"``.
    folds : DataFrame of shape (n_folds, 4)
        The columns ``score``, ``fit_seconds``, ``predict_ms`` and
        ``n_parameters``; NaN where it failed.
    fitted : list of estimator or None
        The fitted candidates where they were to be kept.
    """

    label: str
    kind: str
    folds: pd.DataFrame
    fitted: list[Any] = field(default_factory=list)
