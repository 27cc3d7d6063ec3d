"""The wide model, and its blend with the deep part.

Rows that are held out decide how strong its penalty is, whether it reads pairs of words, and how
much of it goes into the blend.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from scipy.optimize import minimize
from sklearn.model_selection import KFold

from skmerge._spec import InputSpec, WideSpec
from skmerge._wide._features import features_of
from skmerge._wide._solver import fit_linear, mean_loss, weights_of
from skmerge._wide._spelling import spelling

#: strengths of the penalty that are tried, until the held-out loss rises
PENALTIES = (100.0, 30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01)

#: held-out rows that are enough to choose a penalty by, and the folds where there are fewer
_ENOUGH_TO_DECIDE = 500
_N_FOLDS = 5
_N_FOLDS_OF_LETTERS = 2

#: more weights than this would take minutes, and so would folds with more outputs
_MAX_WEIGHTS = 500_000
_MAX_OUTPUTS_OF_FOLDS = 20

#: rows that the pulls of the shares to a sum of 1, and to where they start, weigh as much as
_ROWS_OF_SUM = 50
_ROWS_OF_SHARES = 5


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
        The features of the rows that it is fitted on.
    targets : TargetRows
        Their targets.
    penalty : float
        The strength of the penalty.
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
        basis: sparse.csr_matrix | None = None,
        start: np.ndarray | None = None,
    ) -> None:
        self.features = features
        self.penalty = penalty
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
            self.features,
            matrix,
            rows,
            penalty=self.penalty,
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
            weights = factor * self.weights[first : first + part.n_features]
            values[name] = part.values(weights, built[name])
            first += part.n_features
        return values


def fit_wide(
    X: Any, rows: TargetRows, held_out: Any, held_out_rows: TargetRows, *, seed: int
) -> WideModel | None:
    """Fit the linear model that predicts held-out rows best.

    Penalties are tried from strong to weak until the loss of rows not fitted on rises, with and
    without pairs of words, and last with words that share weights by their spelling (`spelling`).
    These rows are those held out, or, where there are fewer than 500 of them, those of each of five
    folds of all rows (up to 20 outputs); spelling is judged by the first two of these. Features of
    more than 500,000 weights are not tried.

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
    joined = _joined([rows, held_out_rows])
    has_many = rows.Y.shape[1] > _MAX_OUTPUTS_OF_FOLDS
    splits = _splits(len(rows.Y), len(held_out_rows.Y), None if has_many else seed)
    best: _Candidate | None = None
    for pairs in (False, True):
        features = _fitted_features(X, pairs=pairs)
        if not features:
            return None
        if pairs and not any(getattr(part, "n_pairs", 0) for part in features.values()):
            continue
        matrix = sparse.vstack([_matrix(features, part) for part in (X, held_out)]).tocsr()
        if np.count_nonzero(matrix.getnnz(axis=0)) * rows.Y.shape[1] > _MAX_WEIGHTS:
            continue
        losses, penalty = _best_on_path(matrix, joined, splits)
        if best is None or losses.mean() < best.losses.mean():
            best = _Candidate(losses, penalty, features, matrix)
    if best is None:
        return None
    basis = _basis(best.features)
    if basis is not None:
        # in fewer folds, and from a penalty on that is about right: there are many parameters
        tried = splits[:_N_FOLDS_OF_LETTERS]
        penalties = [each for each in PENALTIES if each <= 10 * best.penalty]
        losses, penalty = _best_on_path(best.matrix, joined, tried, basis, penalties)
        if losses.mean() < best.losses[: len(tried)].mean():
            best = _Candidate(losses, penalty, best.features, best.matrix, basis)
    n_training = len(rows.Y)
    return WideModel(
        best.features,
        best.matrix[:n_training],
        rows,
        penalty=best.penalty,
        basis=best.basis,
    )


class _Candidate(NamedTuple):
    """A way to fit the linear model, and the loss of each fold."""

    losses: np.ndarray
    penalty: float
    features: dict[str, Any]
    matrix: sparse.csr_matrix
    basis: sparse.csr_matrix | None = None


def _fitted_features(X: Any, *, pairs: bool) -> dict[str, Any]:
    features = {name: features_of(spec, pairs=pairs) for name, spec in X.specs.items()}
    features = {name: part for name, part in features.items() if part is not None}
    for name, part in features.items():
        part.fit(X[name])
    return features


def _basis(features: Mapping[str, Any]) -> sparse.csr_matrix | None:
    """Return what the weights are made of where words of like spelling share them."""
    blocks, found = [], False
    for part in features.values():
        block = sparse.identity(part.n_features, dtype=np.float32, format="csr")
        tokens = part.spec.tokens
        runs = spelling(tokens) if tokens else None
        if runs is not None:
            found = True
            n_before, n_after = part.n_words - len(tokens), part.n_features - part.n_words
            above, below = (sparse.csr_matrix((n, runs.shape[1])) for n in (n_before, n_after))
            block = sparse.hstack([block, sparse.vstack([above, runs, below])])
        blocks.append(block)
    return sparse.block_diag(blocks).tocsr().astype(np.float32) if found else None


def _splits(
    n_training: int, n_held_out: int, seed: int | None
) -> list[tuple[np.ndarray, np.ndarray]]:
    n_rows = n_training + n_held_out
    if n_held_out >= _ENOUGH_TO_DECIDE or n_rows < _N_FOLDS or seed is None:
        return [(np.arange(n_training), np.arange(n_training, n_rows))]
    return list(KFold(_N_FOLDS, shuffle=True, random_state=seed).split(np.empty(n_rows)))


def _best_on_path(
    matrix: sparse.csr_matrix,
    rows: TargetRows,
    splits: Sequence[tuple[np.ndarray, np.ndarray]],
    basis: sparse.csr_matrix | None = None,
    penalties: Sequence[float] = PENALTIES,
) -> tuple[np.ndarray, float]:
    """Return the loss of each fold's rows not fitted on, and the penalty where it is smallest."""
    used = np.flatnonzero(matrix.getnnz(axis=0))
    matrix = matrix[:, used]
    if basis is not None:
        basis = basis[used]
        basis = basis[:, np.flatnonzero(basis.getnnz(axis=0))]
    parts = [
        (matrix[fitted], rows.taken(fitted), matrix[other], rows.taken(other))
        for fitted, other in splits
    ]
    starts: list[np.ndarray | None] = [None] * len(parts)
    best = np.full(len(parts), np.inf), penalties[0]
    for penalty in penalties:
        losses = np.empty(len(parts))
        for position, (X, fitted, other_X, other) in enumerate(parts):
            V = fit_linear(
                X,
                fitted.Y,
                fitted.weights,
                kind=rows.kind,
                penalty=penalty,
                basis=basis,
                start=starts[position],
            )
            starts[position] = V
            W = weights_of(V, basis)
            logits = other_X @ W[:-1] + W[-1]
            losses[position] = mean_loss(rows.kind, logits, other.Y, other.weights)
        if losses.mean() >= best[0].mean():
            break
        best = losses, penalty
    return best


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
    c to 0; as if by five, each share is pulled to where it starts: a and b_0 at one half (without
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
