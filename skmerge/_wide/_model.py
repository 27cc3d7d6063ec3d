"""The wide model: features of several inputs side by side, and one linear model on them.

Enters: what is read of each input, and rows. Leaves: weights, which the network's wide layers take.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from skmerge._spec import InputSpec, WideSpec
from skmerge._wide._solver import fit_linear, weights_of


@dataclass
class TargetRows:
    """Targets of rows that a linear model is fitted or measured on.

    Parameters
    ----------
    Y : ndarray of shape (n_samples, n_outputs)
        Targets, one column for each output of the network.
    weights : ndarray of shape (n_samples,)
        Weights of the rows.
    kind : {"regression", "binary", "multilabel", "multiclass"}
        What is predicted.
    """

    Y: np.ndarray
    weights: np.ndarray
    kind: str

    def taken(self, rows: np.ndarray) -> TargetRows:
        """Return some of the rows.

        Parameters
        ----------
        rows : ndarray of int
            Which.

        Returns
        -------
        TargetRows
            Their targets and weights.
        """
        return TargetRows(self.Y[rows], self.weights[rows], self.kind)


class WideModel:
    """A fitted linear model on several inputs.

    Parameters
    ----------
    features : dict of str to WordFeatures or TableFeatures
        What it reads of each input, fitted.
    rows : csr_matrix of shape (n_samples, n_features)
        The features of the rows that it is fitted on, multiplied by `scales`.
    targets : TargetRows
        Their targets.
    penalty : float
        The strength of the penalty.
    scales : dict of str to float, default=None
        What the features of each input are multiplied by; None is 1 for all. The larger, the
        weaker is the penalty on this input's weights.
    basis : csr_matrix of shape (n_features, n_parameters), default=None
        What its weights are made of; None is the unit matrix.
    start : ndarray of shape (n_parameters + 1, n_outputs), default=None
        Parameters to begin with.

    Attributes
    ----------
    weights : ndarray of shape (n_features + 1, n_outputs)
        Its weights on the features of all inputs side by side, the intercepts last.
    parameters : ndarray of shape (n_parameters + 1, n_outputs)
        What they are made of.
    """

    def __init__(
        self,
        features: dict[str, Any],
        rows: sparse.csr_matrix,
        targets: TargetRows,
        *,
        penalty: float,
        scales: Mapping[str, float] | None = None,
        basis: sparse.csr_matrix | None = None,
        start: np.ndarray | None = None,
    ) -> None:
        self.features = features
        self.penalty = penalty
        self.scales = dict.fromkeys(features, 1.0) if scales is None else dict(scales)
        self.basis = basis
        # features that do not occur get a weight of 0, unless others lend them one
        used = np.flatnonzero(rows.getnnz(axis=0))
        of_used = None if basis is None else basis[used]
        kept = used if of_used is None else np.flatnonzero(of_used.getnnz(axis=0))
        n_parameters = rows.shape[1] if basis is None else basis.shape[1]
        places = np.append(kept, n_parameters)
        found = fit_linear(
            rows[:, used],
            targets.Y,
            targets.weights,
            kind=targets.kind,
            penalty=penalty,
            basis=None if of_used is None else of_used[:, kept],
            start=None if start is None else start[places],
        )
        self.parameters = np.zeros((n_parameters + 1, targets.Y.shape[1]))
        self.parameters[places] = found
        self.weights = weights_of(self.parameters, basis)

    @property
    def specs(self) -> dict[str, WideSpec]:
        """What the network's wide layers are built from, by input."""
        return {name: part.described() for name, part in self.features.items()}

    def logits(self, X: Any) -> np.ndarray:
        """Predict.

        Parameters
        ----------
        X : MultiInput
            The rows.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs)
            Predictions, before any activation.
        """
        return side_by_side(self.features, X, self.scales) @ self.weights[:-1] + self.weights[-1]

    def fitted_on(self, parts: Sequence[tuple[Any, TargetRows]]) -> WideModel:
        """Return the model fitted on more rows, with the same features and penalty.

        Parameters
        ----------
        parts : sequence of (MultiInput, TargetRows)
            The rows, in parts.

        Returns
        -------
        WideModel
            Another model.
        """
        matrices = [side_by_side(self.features, X, self.scales) for X, _ in parts]
        matrix = sparse.vstack(matrices).tocsr()
        rows = joined_rows([rows for _, rows in parts])
        return WideModel(
            self.features,
            matrix,
            rows,
            penalty=self.penalty,
            scales=self.scales,
            basis=self.basis,
            start=self.parameters,
        )

    def values(self, factor: float, built: Mapping[str, InputSpec]) -> dict[str, list[np.ndarray]]:
        """Return what the network's wide layers hold.

        Parameters
        ----------
        factor : float
            What the predictions are multiplied with.
        built : mapping of str to InputSpec
            What the layers were built for.

        Returns
        -------
        dict of str to list of ndarray
            The weights of each input's layer; the intercepts are left out.
        """
        values, first = {}, 0
        for name, part in self.features.items():
            weights = factor * self.scales[name] * self.weights[first : first + part.n_features]
            values[name] = part.values(weights, built[name])
            first += part.n_features
        return values


def joined_rows(parts: Sequence[TargetRows]) -> TargetRows:
    """Return rows one after the other.

    Parameters
    ----------
    parts : sequence of TargetRows
        Rows of one kind of target.

    Returns
    -------
    TargetRows
        All of them.
    """
    return TargetRows(
        np.concatenate([part.Y for part in parts]),
        np.concatenate([part.weights for part in parts]),
        parts[0].kind,
    )


def side_by_side(features: Mapping[str, Any], X: Any, scales: Mapping[str, float]) -> Any:
    """Return the features of all inputs.

    Parameters
    ----------
    features : mapping of str to WordFeatures or TableFeatures
        What is read of each input, fitted.
    X : MultiInput
        The rows.
    scales : mapping of str to float
        What the features of each input are multiplied by.

    Returns
    -------
    csr_matrix of shape (n_samples, n_features), dtype float32
        The features of each input, in the order of `features`.
    """
    blocks = []
    for name, part in features.items():
        block = part.transform(X[name]) * np.float32(scales[name])
        if name in X.masks:  # an input that a row lacks says nothing
            block = sparse.diags(X.masks[name].astype(np.float32)) @ block
        blocks.append(block)
    return sparse.hstack(blocks).tocsr()
