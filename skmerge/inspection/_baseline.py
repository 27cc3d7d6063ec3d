"""The linear baseline: what a linear model makes of all inputs.

Enters: routed rows and targets. Leaves: a fitted model with the methods that scorers call.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import train_test_split
from sklearn.utils.class_weight import compute_sample_weight

from skmerge._targets import check_targets
from skmerge.inspection._linear_features import LinearFeatures
from skmerge.multi_input import MultiInput

_PENALTIES = (1.0, 10.0, 100.0, 1000.0)
_MIN_ROWS_TO_CHOOSE = 10


class LinearClassifierOnInputs(BaseEstimator):
    """Logistic regression on `LinearFeatures`, with C=1; one for each of several labels.

    Parameters
    ----------
    class_weight : dict or "balanced", default=None
        As `MergedNetClassifier` takes it.
    """

    def __init__(self, class_weight: Any = None) -> None:
        self.class_weight = class_weight

    def fit(self, X: MultiInput, y: Any, sample_weight: Any = None) -> LinearClassifierOnInputs:
        """Fit.

        Parameters
        ----------
        X : MultiInput
            The training rows.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Their labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        LinearClassifierOnInputs
            This model.
        """
        y = check_targets(y, self)
        if self.class_weight is not None:
            by_class = compute_sample_weight(self.class_weight, y)
            sample_weight = by_class if sample_weight is None else by_class * sample_weight
        self.features_ = LinearFeatures(X.specs)
        columns = self.features_.fit_transform(X)
        self.is_multilabel_ = y.ndim == 2
        self.classes_ = np.arange(y.shape[1]) if self.is_multilabel_ else np.unique(y)
        targets = y.T if self.is_multilabel_ else [y]
        self.models_ = [_logistic(columns, target, sample_weight) for target in targets]
        return self

    def predict_proba(self, X: MultiInput) -> np.ndarray:
        """Predict the probability of each class, or of each label.

        Parameters
        ----------
        X : MultiInput
            The rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            The probabilities.
        """
        columns = self.features_.transform(X)
        if not self.is_multilabel_:
            return self.models_[0].predict_proba(columns)
        return np.stack([_probability_of_one(model, columns) for model in self.models_], axis=1)

    def predict(self, X: MultiInput) -> np.ndarray:
        """Predict the class, or the labels.

        Parameters
        ----------
        X : MultiInput
            The rows.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels)
            The classes, or 0 and 1 for each label.
        """
        probabilities = self.predict_proba(X)
        if self.is_multilabel_:
            return (probabilities > 0.5).astype(np.int64)
        return self.classes_[probabilities.argmax(axis=1)]

    @property
    def n_parameters_(self) -> int:
        """Number of coefficients."""
        return sum(_n_coefficients(model) for model in self.models_)


class LinearRegressorOnInputs(BaseEstimator):
    """Ridge regression on `LinearFeatures`.

    Of the penalties 1, 10, 100 and 1,000 that with the best R2 on a fifth of the training rows is
    taken, and all of them fitted once more.
    """

    def fit(self, X: MultiInput, y: Any, sample_weight: Any = None) -> LinearRegressorOnInputs:
        """Fit.

        Parameters
        ----------
        X : MultiInput
            The training rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        LinearRegressorOnInputs
            This model.
        """
        y = check_targets(y, self).astype(np.float64)
        weights = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight)
        self.features_ = LinearFeatures(X.specs)
        columns = self.features_.fit_transform(X)
        self.penalty_ = _best_penalty(columns, y, weights)
        self.model_ = Ridge(alpha=self.penalty_).fit(columns, y, weights)
        return self

    def predict(self, X: MultiInput) -> np.ndarray:
        """Predict the targets.

        Parameters
        ----------
        X : MultiInput
            The rows.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The numbers.
        """
        return self.model_.predict(self.features_.transform(X))

    @property
    def n_parameters_(self) -> int:
        """Number of coefficients."""
        return _n_coefficients(self.model_)


def _logistic(columns: Any, target: np.ndarray, sample_weight: Any) -> Any:
    if len(np.unique(target)) == 1:
        return float(target[0])  # a label that all rows have, or none
    with warnings.catch_warnings():
        # a reference needs no last digit of its optimum
        warnings.simplefilter("ignore", ConvergenceWarning)
        return LogisticRegression(max_iter=300).fit(columns, target, sample_weight)


def _probability_of_one(model: Any, columns: Any) -> np.ndarray:
    if isinstance(model, float):
        return np.full(columns.shape[0], model)
    return model.predict_proba(columns)[:, 1]


def _best_penalty(columns: Any, y: np.ndarray, weights: np.ndarray) -> float:
    rows = np.flatnonzero(weights)
    if len(rows) < _MIN_ROWS_TO_CHOOSE:
        return _PENALTIES[0]
    train, test = train_test_split(rows, test_size=0.2, random_state=0)
    scores = {
        penalty: Ridge(alpha=penalty)
        .fit(columns[train], y[train], weights[train])
        .score(columns[test], y[test], weights[test])
        for penalty in _PENALTIES
    }
    return max(scores, key=lambda penalty: scores[penalty])


def _n_coefficients(model: Any) -> int:
    return 1 if isinstance(model, float) else model.coef_.size + np.size(model.intercept_)
