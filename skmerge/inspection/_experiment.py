"""The experiment: rows, targets, folds and scorer that all candidates share.

Enters: what the user gives to a comparison. Leaves: `Measures` of each candidate, fitted and
scored on the same folds by `cross_validate`.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from sklearn import config_context
from sklearn.base import is_classifier
from sklearn.exceptions import FitFailedWarning
from sklearn.metrics import check_scoring
from sklearn.model_selection import check_cv, cross_validate
from sklearn.utils import _safe_indexing, indexable
from sklearn.utils.validation import _num_samples

from skmerge._errors import short_repr
from skmerge.inspection._candidates import Ensemble
from skmerge.inspection._fold_scores import FoldScores
from skmerge.inspection._routing import network_of, sliceable
from skmerge.inspection._trials import (
    NOT_MEASURED,
    Measurement,
    Measures,
    Trial,
    measure,
    tried,
)


@dataclass
class Experiment:
    """Rows, targets, folds and scorer that all candidates share; see `prepare_experiment`.

    Parameters
    ----------
    X : object
        All rows, in a form that scikit-learn can slice.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Their targets.
    splits : list of tuple of (ndarray, ndarray)
        Positions of the training rows and of the held-out rows of each fold.
    scorer : callable
        The scorer.
    scoring : str
        Its name.
    sample_weight : array-like of shape (n_samples,) or None
        Weights of the rows in training.
    n_jobs : int or None
        As in `cross_validate`.
    error_score : float or "raise"
        As in `cross_validate`.
    verbose : int
        Whether a line is printed for each candidate.
    """

    X: Any
    y: Any
    splits: list[tuple[np.ndarray, ...]]
    scorer: Any
    scoring: str
    sample_weight: Any
    n_jobs: int | None
    error_score: Any
    verbose: int

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
            print(f"{measures.label}: {mean:.4g} ± {spread:.2g}, {seconds:.1f} s per fit")
        return measures


def prepare_experiment(
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
) -> Experiment:
    """Check what the user gives, and make the folds, once for all candidates.

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

    Returns
    -------
    Experiment
        The experiment.

    Raises
    ------
    TypeError
        If the estimator is none of ours, nor a Pipeline that ends in one.
    ValueError
        If one of the arguments cannot be used.
    """
    network = network_of(estimator)
    if error_score != "raise" and not isinstance(error_score, Real):
        raise ValueError(
            f"'error_score' must be a number or 'raise'. Got {short_repr(error_score)}."
        )
    X = sliceable(X, estimator, _num_samples(y))
    X, y, groups, sample_weight = indexable(X, y, groups, sample_weight)
    splitter = check_cv(cv, y, classifier=is_classifier(network))
    splits = [tuple(map(_positions, split)) for split in splitter.split(X, y, groups)]
    scorer, name = _scorer(network, scoring)
    return Experiment(X, y, splits, scorer, name, sample_weight, n_jobs, error_score, verbose)


def scorer_name(scorer: Any) -> str:
    """Return what to call a scorer that was not given by its name.

    Parameters
    ----------
    scorer : callable
        The scorer.

    Returns
    -------
    str
        The name of its function, with ``"neg_"`` before it where lower is better.
    """
    function = getattr(scorer, "_score_func", scorer)
    name = getattr(function, "__name__", type(function).__name__)
    return f"neg_{name}" if getattr(scorer, "_sign", 1) < 0 else name


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
    return scorer, scoring if isinstance(scoring, str) else scorer_name(scorer)


def _positions(rows: Any) -> np.ndarray:
    rows = np.asarray(rows)
    return np.flatnonzero(rows) if rows.dtype == bool else rows
