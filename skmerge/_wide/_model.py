"""The wide model, and its blend with the deep part.

Rows that are held out decide how strong its penalty is, whether it reads pairs of words, and how
much of it goes into the blend.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import minimize
from sklearn.model_selection import KFold

from skmerge._spec import InputSpec, WideSpec
from skmerge._wide._features import features_of
from skmerge._wide._solver import fit_linear, mean_loss

#: strengths of the penalty that are tried, until the held-out loss rises
PENALTIES = (100.0, 30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01)

#: held-out rows that are enough to choose a penalty by, and the folds where there are fewer
_ENOUGH_TO_DECIDE = 500
_N_FOLDS = 5

#: more weights than this would take minutes, and so would folds with more outputs
_MAX_WEIGHTS = 500_000
_MAX_OUTPUTS_OF_FOLDS = 20

#: rows that the pulls of the shares to a sum of 1, and to where they start, weigh as much as
_ROWS_OF_SUM = 50
_ROWS_OF_SHARES = 20


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
    weights : ndarray of shape (n_features + 1, n_outputs)
        Its weights on the features of all inputs side by side, the intercepts last.
    penalty : float
        The strength of the penalty that they were fitted with.
    """

    def __init__(self, features: dict[str, Any], weights: np.ndarray, penalty: float) -> None:
        self.features = features
        self.weights = weights
        self.penalty = penalty

    @property
    def specs(self) -> dict[str, WideSpec]:
        """What the network's wide layers are built from, by input."""
        return {
            name: WideSpec(getattr(part, "n_pairs", 0), getattr(part, "n_bins", 0))
            for name, part in self.features.items()
        }

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
        return _matrix(self.features, X) @ self.weights[:-1] + self.weights[-1]

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
        matrix = sparse.vstack([_matrix(self.features, X) for X, _ in parts]).tocsr()
        rows = _joined([rows for _, rows in parts])
        return WideModel(
            self.features, _fit_used(matrix, rows, self.penalty, self.weights), self.penalty
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
            weights = factor * self.weights[first : first + part.n_features]
            values[name] = part.values(weights, built[name])
            first += part.n_features
        return values


def fit_wide(
    X: Any, rows: TargetRows, held_out: Any, held_out_rows: TargetRows, *, seed: int
) -> WideModel | None:
    """Fit the linear model that predicts held-out rows best.

    Penalties are tried from strong to weak until the loss of rows not fitted on rises, with and
    without pairs of words. These rows are those held out, or, where there are fewer than 500 of
    them, those of each of five folds of all rows (up to 20 outputs). A model of more than 500,000
    weights is not tried.

    Parameters
    ----------
    X : MultiInput
        Training rows.
    rows : TargetRows
        Their targets.
    held_out : MultiInput
        Rows that decide.
    held_out_rows : TargetRows
        Their targets.
    seed : int
        Seed of the folds.

    Returns
    -------
    WideModel or None
        The model fitted on the training rows; None where no input is one that a linear model can
        read, or there would be too many weights.
    """
    best: tuple[float, dict[str, Any], float] | None = None
    for pairs in (False, True):
        features = {name: features_of(spec, pairs=pairs) for name, spec in X.specs.items()}
        features = {name: part for name, part in features.items() if part is not None}
        if pairs and not any(getattr(part, "n_pairs", 0) for part in features.values()):
            break
        if not features:
            return None
        for name, part in features.items():
            part.fit(X[name])
        matrix = sparse.vstack([_matrix(features, X), _matrix(features, held_out)]).tocsr()
        if np.count_nonzero(matrix.getnnz(axis=0)) * rows.Y.shape[1] > _MAX_WEIGHTS:
            break
        has_many = rows.Y.shape[1] > _MAX_OUTPUTS_OF_FOLDS
        splits = _splits(len(rows.Y), len(held_out_rows.Y), None if has_many else seed)
        loss, penalty = _best_on_path(matrix, _joined([rows, held_out_rows]), splits)
        if best is None or loss < best[0]:
            best = loss, features, penalty
    if best is None:
        return None
    _, features, penalty = best
    weights = _fit_used(_matrix(features, X), rows, penalty, None)
    return WideModel(features, weights, penalty)


def _splits(
    n_training: int, n_held_out: int, seed: int | None
) -> list[tuple[np.ndarray, np.ndarray]]:
    n_rows = n_training + n_held_out
    if n_held_out >= _ENOUGH_TO_DECIDE or n_rows < _N_FOLDS or seed is None:
        return [(np.arange(n_training), np.arange(n_training, n_rows))]
    return list(KFold(_N_FOLDS, shuffle=True, random_state=seed).split(np.empty(n_rows)))


def _best_on_path(
    matrix: sparse.csr_matrix, rows: TargetRows, splits: Sequence[tuple[np.ndarray, np.ndarray]]
) -> tuple[float, float]:
    """Return the smallest loss of rows that were not fitted on, and its penalty."""
    matrix = matrix[:, np.flatnonzero(matrix.getnnz(axis=0))]
    parts = [
        (matrix[fitted], rows.taken(fitted), matrix[other], rows.taken(other))
        for fitted, other in splits
    ]
    starts: list[np.ndarray | None] = [None] * len(parts)
    best = np.inf, PENALTIES[0]
    for penalty in PENALTIES:
        total = 0.0
        for position, (X, fitted, other_X, other) in enumerate(parts):
            W = fit_linear(
                X, fitted.Y, fitted.weights, kind=rows.kind, penalty=penalty, start=starts[position]
            )
            starts[position] = W
            logits = other_X @ W[:-1] + W[-1]
            total += mean_loss(rows.kind, logits, other.Y, other.weights) / len(parts)
        if total >= best[0]:
            break
        best = total, penalty
    return best


def _fit_used(
    matrix: sparse.csr_matrix, rows: TargetRows, penalty: float, start: np.ndarray | None
) -> np.ndarray:
    """Fit on the features that occur, and give the others a weight of 0."""
    used = np.flatnonzero(matrix.getnnz(axis=0))
    places = np.append(used, matrix.shape[1])
    found = fit_linear(
        matrix[:, used],
        rows.Y,
        rows.weights,
        kind=rows.kind,
        penalty=penalty,
        start=None if start is None else start[places],
    )
    weights = np.zeros((matrix.shape[1] + 1, rows.Y.shape[1]))
    weights[places] = found
    return weights


def _joined(parts: Sequence[TargetRows]) -> TargetRows:
    return TargetRows(
        np.concatenate([part.Y for part in parts]),
        np.concatenate([part.weights for part in parts]),
        parts[0].kind,
    )


def _matrix(features: Mapping[str, Any], X: Any) -> sparse.csr_matrix:
    blocks = []
    for name, part in features.items():
        block = part.transform(X[name])
        if name in X.masks:  # an input that a row lacks says nothing
            block = sparse.diags(X.masks[name].astype(np.float32)) @ block
        blocks.append(block)
    return sparse.hstack(blocks).tocsr()


def blend_weights(
    deep: Sequence[np.ndarray], wide: np.ndarray | None, rows: TargetRows
) -> np.ndarray:
    """Find the blend of predictions that is best on held-out rows, calibration included.

    Minimises the loss of ``a * wide + b_0 * deep[0] + b_1 * deep[1] + ... + c`` over shares of at
    least 0 and, for binary targets, c. As if by fifty rows, the shares are pulled to a sum of 1 and
    c to 0; as if by twenty, each share is pulled to where it starts: a and b_0 at one half (without
    `wide`, b_0 at 1), the others at 0. With one prediction alone, this is temperature scaling (Guo
    et al. 2017, "On Calibration of Modern Neural Networks", section 4.2) with a bias.

    Parameters
    ----------
    deep : sequence of ndarray of shape (n_samples, n_outputs)
        Predictions of the deep part, before any activation: the merged network's, then that of each
        input alone.
    wide : ndarray of shape (n_samples, n_outputs) or None
        Predictions of the wide part.
    rows : TargetRows
        The targets.

    Returns
    -------
    ndarray of shape (2 + n_deep,)
        a, the shares of `deep`, and c.
    """
    first = np.zeros_like(deep[0]) if wide is None else wide
    # float32 hides the steps of finite differences
    parts = np.stack([first, *deep]).astype(np.float64)
    n_rows = len(first)
    usual = np.zeros(len(parts))
    usual[:2] = (0.0, 1.0) if wide is None else (0.5, 0.5)

    def objective(v: np.ndarray) -> float:
        shares, bias = v[:-1], v[-1]
        logits = np.tensordot(shares, parts, axes=1) + bias
        pulls = _ROWS_OF_SUM * ((shares.sum() - 1) ** 2 + bias**2)
        pulls += _ROWS_OF_SHARES * ((shares - usual) ** 2).sum()
        return mean_loss(rows.kind, logits, rows.Y, rows.weights) + float(pulls) / n_rows

    of_wide = (0, 0) if wide is None else (0, None)
    of_bias = (None, None) if rows.kind == "binary" else (0, 0)
    bounds = [of_wide, *[(0, None)] * len(deep), of_bias]
    found = minimize(objective, [*usual, 0.0], method="L-BFGS-B", bounds=bounds)
    return np.asarray(found.x)


def constant_loss(rows: TargetRows, held_out: TargetRows) -> float:
    """Return the loss of predicting the same for every row: the mean, or the classes' frequency.

    Parameters
    ----------
    rows : TargetRows
        What the mean or the frequencies are taken from.
    held_out : TargetRows
        What is predicted.

    Returns
    -------
    float
        The mean loss.
    """
    mean = np.average(rows.Y, axis=0, weights=rows.weights)
    if rows.kind == "regression":
        logits = mean
    else:
        shares = np.clip(mean, 1e-6, 1 - 1e-6)
        logits = np.log(shares) if rows.kind == "multiclass" else np.log(shares / (1 - shares))
    constant = np.broadcast_to(logits, held_out.Y.shape)
    return mean_loss(rows.kind, constant, held_out.Y, held_out.weights)
