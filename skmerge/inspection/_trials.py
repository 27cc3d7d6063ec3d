"""Trials: every candidate is fitted and scored on the same folds, by `cross_validate`.

Enters: candidates that take raw rows. Leaves: per fold a score, the seconds of the fit, the time
of a prediction and the number of parameters. A candidate that fails is noted, and stops no other.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn import config_context
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.exceptions import FitFailedWarning
from sklearn.metrics import check_scoring
from sklearn.model_selection import check_cv, cross_validate
from sklearn.utils import _safe_indexing, get_tags, indexable
from sklearn.utils.validation import _num_samples

from skmerge._errors import short_repr
from skmerge.inspection._candidates import Ensemble, n_parameters
from skmerge.inspection._fold_scores import FoldScores
from skmerge.inspection._routing import given, last_step_prefix, network_of, sliceable

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


class Experiment:
    """Rows, targets, folds and scorer that all candidates share.

    Parameters
    ----------
    estimator : MergedNetClassifier, MergedNetRegressor or Pipeline
        The user's estimator.
    X : object
        All rows, in any form that its ``fit`` takes.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Their targets.
    cv : int, splitter or iterable
        As in `cross_validate`.
    scoring : str, callable or None
        As in `cross_val_score`; None is the accuracy or R2.
    groups : array-like of shape (n_samples,) or None
        As in `cross_validate`.
    sample_weight : array-like of shape (n_samples,) or None
        Weights of the rows in training.
    n_jobs : int or None
        As in `cross_validate`.
    error_score : float or "raise"
        As in `cross_validate`.
    verbose : int
        Whether a line is printed for each candidate.
    """

    def __init__(
        self,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        cv: Any,
        scoring: Any,
        groups: Any,
        sample_weight: Any,
        n_jobs: int | None,
        error_score: Any,
        verbose: int,
    ) -> None:
        network = network_of(estimator)
        X = sliceable(X, estimator, _num_samples(y))
        self.X, self.y, groups, self.sample_weight = indexable(X, y, groups, sample_weight)
        splitter = check_cv(cv, self.y, classifier=is_classifier(network))
        self.splits = [
            tuple(map(_positions, split)) for split in splitter.split(self.X, self.y, groups)
        ]
        self.scorer, self.scoring = _scorer(network, scoring)
        self.n_jobs = n_jobs
        self.error_score = error_score
        self.verbose = verbose

    def training_rows(self, fold: int) -> tuple[Any, Any]:
        """Return training rows and targets of one fold.

        Parameters
        ----------
        fold : int
            Position of the fold.

        Returns
        -------
        X : object
            The rows.
        y : array-like
            Their targets.
        """
        train, _ = self.splits[fold]
        return _safe_indexing(self.X, train), _safe_indexing(self.y, train)

    def run(self, label: str, kind: str, candidate: Any, *, keep: bool = False) -> Measures:
        """Fit and score a candidate on all folds.

        Parameters
        ----------
        label : str
            Its name.
        kind : str
            What it is.
        candidate : estimator
            Takes raw rows; is cloned.
        keep : bool, default=False
            Whether the fitted clones are kept.

        Returns
        -------
        Measures
            What was measured.
        """
        weights = {} if self.sample_weight is None else {"sample_weight": self.sample_weight}
        # weights go to the fit, whether or not estimators elsewhere ask for their metadata
        with config_context(enable_metadata_routing=False):
            results = cross_validate(
                Trial(candidate, keep, self.error_score != "raise"),
                self.X,
                self.y,
                cv=self.splits,
                scoring=Measurement(self.scorer),
                n_jobs=self.n_jobs,
                params=weights,
                return_estimator=True,
                error_score="raise",
            )
        trials = results["estimator"]
        folds = pd.DataFrame(
            {name: results[f"test_{name}"] for name in ("score", "predict_ms", "n_parameters")}
        )
        folds.insert(1, "fit_seconds", results["fit_time"])
        errors = [trial.error_ for trial in trials if trial.error_ is not None]
        return self._noted(
            Measures(label, kind, folds, [trial.fitted_ for trial in trials]), errors
        )

    def run_ensemble(self, label: str, kind: str, members: Sequence[Measures]) -> Measures:
        """Score the ensembles of candidates that are fitted, fold by fold.

        Parameters
        ----------
        label : str
            Name of the ensemble.
        kind : str
            What it is.
        members : sequence of Measures
            Its members, with the fitted candidates. A fold that one of them failed has no score.

        Returns
        -------
        Measures
            What was measured; the seconds of the fit are the sum of the members'.
        """
        rows, errors = [], []
        for fold in range(len(self.splits)):
            measured, error = self._measured_ensemble(members, fold)
            seconds = sum(member.folds["fit_seconds"][fold] for member in members)
            rows.append({**(measured or NOT_MEASURED), "fit_seconds": seconds})
            errors += [] if error is None else [error]
        return self._noted(Measures(label, kind, pd.DataFrame(rows)), errors)

    def fold_scores(self, measures: Sequence[Measures]) -> FoldScores:
        """Put the scores of all candidates side by side.

        Parameters
        ----------
        measures : sequence of Measures
            The candidates.

        Returns
        -------
        FoldScores
            Their scores.

        Raises
        ------
        ValueError
            If none of them has a score.
        """
        scores = pd.DataFrame({one.label: one.folds["score"] for one in measures})
        if scores.isna().any().all():
            raise ValueError(
                f"At least one of {list(scores)} must be fitted and scored in every fold. All "
                "failed; the warnings say why, or error_score='raise'."
            )
        scores.index.name = "fold"
        n_train, n_test = np.mean([[len(train), len(test)] for train, test in self.splits], axis=0)
        return FoldScores(scores, float(n_train), float(n_test))

    def _measured_ensemble(
        self, members: Sequence[Measures], fold: int
    ) -> tuple[dict[str, float] | None, str | None]:
        fitted = [member.fitted[fold] for member in members]
        failed = [m.label for m, one in zip(members, fitted, strict=True) if one is None]
        if failed:
            return None, f"that of {failed}"
        _, test = self.splits[fold]
        X, y = _safe_indexing(self.X, test), _safe_indexing(self.y, test)
        scored = partial(measure, Ensemble(fitted), self.scorer, X, y)
        return tried(scored, self.error_score != "raise")

    def _noted(self, measures: Measures, errors: list[str]) -> Measures:
        """Warn of folds that failed, give them the error score, and print the line."""
        folds = measures.folds
        if errors:
            warnings.warn(
                f"{measures.label!r} failed in {len(errors)} of {len(folds)} folds, whose score is "
                f"set to {self.error_score}. The first error was {errors[0]}",
                FitFailedWarning,
                stacklevel=4,
            )
            folds.loc[folds["score"].isna(), "score"] = self.error_score
        if self.verbose:
            mean, spread = folds["score"].mean(skipna=False), folds["score"].std(ddof=0)
            seconds = folds["fit_seconds"].mean()
            print(f"{measures.label}: {mean:.4g} +- {spread:.2g}, {seconds:.1f} s per fit")
        return measures


def _scorer(network: Any, scoring: Any) -> tuple[Any, str]:
    """Return the scorer, and what to call it."""
    if scoring is None:
        scoring = "accuracy" if is_classifier(network) else "r2"
    if not isinstance(scoring, str) and not callable(scoring):
        raise ValueError(
            "The 'scoring' must be one scorer: its name, a callable or None. Got "
            f"{short_repr(scoring)}. Compare by one score at a time."
        )
    scorer = check_scoring(network, scoring=scoring)
    return scorer, scoring if isinstance(scoring, str) else _name_of(scorer)


def _positions(rows: Any) -> np.ndarray:
    rows = np.asarray(rows)
    return np.flatnonzero(rows) if rows.dtype == bool else rows


def _name_of(scorer: Any) -> str:
    function = getattr(scorer, "_score_func", scorer)
    name = getattr(function, "__name__", type(function).__name__)
    return f"neg_{name}" if getattr(scorer, "_sign", 1) < 0 else name
