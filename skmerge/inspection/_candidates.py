"""What stands beside the merges in a comparison: single inputs, their ensemble, a linear model.

Enters: the user's estimator. Leaves: estimators that take the same raw rows, route them by clones
of the user's own router, and have the methods that scorers call.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if

from skmerge._merged_net import MergedNet
from skmerge.inspection._baseline import LinearClassifierOnInputs, LinearRegressorOnInputs
from skmerge.inspection._routing import fit_route, network_of, network_on


def _classifies(candidate: Any) -> bool:
    return is_classifier(candidate)


class _Predictor(BaseEstimator, ABC):
    """A model in place of the user's estimator, for scorers of any kind."""

    @property
    @abstractmethod
    def models(self) -> list[Any]:
        """The fitted models that predict."""

    @property
    def classes_(self) -> np.ndarray:
        """The labels."""
        return self.models[0].classes_


class _OnRoutedRows(_Predictor, ABC):
    """A model on the rows as the user's own router and steps make them.

    Parameters
    ----------
    estimator : MergedNetClassifier, MergedNetRegressor or Pipeline
        The user's estimator.
    inputs : tuple of str or None
        The inputs that the model gets, None for all.
    """

    def __init__(self, estimator: Any, inputs: tuple[str, ...] | None = None) -> None:
        self.estimator = estimator
        self.inputs = inputs

    @abstractmethod
    def _model(self, specs: Any, names: list[str]) -> Any:
        """Return the unfitted model of these inputs."""

    @property
    def models(self) -> list[Any]:
        """The fitted model."""
        return [self.model_]

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        self.route_, rows = fit_route(self.estimator, X, y)
        self.names_ = list(rows) if self.inputs is None else list(self.inputs)
        model = self._model(rows.specs, self.names_)
        self.model_ = model.fit(rows.select(self.names_), y, sample_weight=sample_weight)
        return self

    def predict(self, X: Any) -> np.ndarray:
        return self.model_.predict(self._rows(X))

    @available_if(_classifies)
    def predict_proba(self, X: Any) -> np.ndarray:
        return self.model_.predict_proba(self._rows(X))

    def _rows(self, X: Any) -> Any:
        return self.route_.transform(X).select(self.names_)

    def __sklearn_tags__(self) -> Any:
        return get_tags(self.estimator)


class NetworkOnInputs(_OnRoutedRows):
    """The user's network on some of its inputs."""

    def _model(self, specs: Any, names: list[str]) -> Any:
        return network_on(network_of(self.estimator), specs, names)


class LinearOnInputs(_OnRoutedRows):
    """A linear model on all inputs, or some of them."""

    def _model(self, specs: Any, names: list[str]) -> Any:
        if is_classifier(self.estimator):
            return LinearClassifierOnInputs(network_of(self.estimator).class_weight)
        return LinearRegressorOnInputs()


class Ensemble(_Predictor):
    """The mean of what fitted models predict: of probabilities, or of numbers.

    Parameters
    ----------
    members : list of estimator
        The fitted models, each of which takes raw rows.
    """

    def __init__(self, members: list[Any]) -> None:
        self.members = members

    @property
    def models(self) -> list[Any]:
        """The members."""
        return self.members

    def fit(self, X: Any, y: Any) -> Ensemble:
        return self

    def predict(self, X: Any) -> np.ndarray:
        if not is_classifier(self):
            return np.mean([member.predict(X) for member in self.members], axis=0)
        targets = network_targets(self.members[0])
        probabilities = self.predict_proba(X)
        if targets.spec.kind == "binary":
            probabilities = probabilities[:, 1:]
        return targets.labels(probabilities)

    @available_if(_classifies)
    def predict_proba(self, X: Any) -> np.ndarray:
        return np.mean([member.predict_proba(X) for member in self.members], axis=0)

    def __sklearn_tags__(self) -> Any:
        return get_tags(self.members[0])

    def __sklearn_is_fitted__(self) -> bool:
        return True


def network_targets(member: NetworkOnInputs) -> Any:
    """Return the targets of a fitted network, which turn outputs into labels.

    Parameters
    ----------
    member : NetworkOnInputs
        The fitted candidate.

    Returns
    -------
    ClassTargets or NumberTargets
        Its targets.
    """
    return member.model_.targets_


def n_parameters(fitted: Any) -> int:
    """Count the parameters of a fitted candidate.

    Parameters
    ----------
    fitted : estimator
        A network, a Pipeline that ends in one, or a candidate of this module.

    Returns
    -------
    int
        Weights of networks, those that are not trained included, and coefficients.
    """
    if isinstance(fitted, Pipeline):
        fitted = fitted.steps[-1][1]
    if isinstance(fitted, MergedNet):
        return fitted._trainer.model_.count_params()
    if isinstance(fitted, _Predictor):
        return sum(n_parameters(model) for model in fitted.models)
    return fitted.n_parameters_
