"""Which linear model predicts rows that it was not fitted on: rows go in, a fitted model comes out.

Tried are strengths of the penalty, on each input's features and on all, numbers two by two, pairs
of words, and words or categories that share weights by their spelling.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from sklearn.model_selection import KFold

from skmerge._wide._features import features_of
from skmerge._wide._model import TargetRows, WideModel, joined_rows, side_by_side
from skmerge._wide._solver import Curvature, fit_linear, mean_loss, weights_of

#: strengths of the penalty that are tried, until the held-out loss rises
PENALTIES = (100.0, 30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01)

#: what the features of one input are multiplied by, again and again, and how far at most
_STEPS = (2.0, 0.5)
_MOST_STEPS = 4

#: held-out rows, times their labels, that are enough to choose by, and the folds where there are
#: fewer; spelling, whose fits take longer, is judged by some of them
_ENOUGH_TO_DECIDE = 1500
_N_FOLDS = 5
_N_FOLDS_OF_SPELLING = 2

#: what tells candidates apart needs no more exact fits
_TOLERANCE = 1e-5

#: more weights than this would take minutes, and so would folds with more outputs
_MAX_WEIGHTS = 500_000
_MAX_OUTPUTS_OF_FOLDS = 20


def fit_wide(
    X: Any, rows: TargetRows, held_out: Any, held_out_rows: TargetRows, *, seed: int
) -> WideModel | None:
    """Fit the linear model that predicts held-out rows best.

    Penalties are tried from strong to weak until the loss of rows not fitted on rises; then numbers
    of a table two by two; then the features of one input after the other are doubled or halved as
    long as that helps, which weakens or strengthens the penalty on their weights; then pairs of
    words, and last words or categories that share weights by their spelling (`spelling`), be it
    with pairs that did not help before.

    These rows are those held out, or, where there are fewer than 1,500 of them (each counts once
    for each of its labels), those of each of five folds of all rows (up to 20 outputs), of which
    spelling is judged by the first two. Features of more than 500,000 weights are not tried.

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
    parts, joined = (X, held_out), joined_rows([rows, held_out_rows])
    splits = _splits(rows, held_out_rows, seed)
    best = _candidate(parts, joined, splits, None)
    if best is None:
        return None
    best = _better(best, _candidate(parts, joined, splits, best, crossed=True))
    best = _scaled(best, joined, splits)
    paired = _candidate(parts, joined, splits, best, pairs=True)
    best = _better(best, paired)
    # pairs that do not help alone may do so where words share weights
    tried = [best] if paired is None or paired is best else [best, paired]
    for each in tried:
        best = _better(best, _spelled(each, joined, splits))
    return WideModel(
        best.features,
        best.matrix[: len(rows.Y)],
        rows,
        penalty=best.penalty,
        scales=best.scales,
        basis=best.basis,
    )


class _Candidate(NamedTuple):
    """A way to fit the linear model, and the loss of each fold."""

    losses: np.ndarray
    penalty: float
    features: dict[str, Any]
    matrix: sparse.csr_matrix
    scales: dict[str, float]
    reads: dict[str, bool]
    basis: sparse.csr_matrix | None = None


def _candidate(
    parts: Sequence[Any],
    rows: TargetRows,
    splits: Sequence[tuple[np.ndarray, np.ndarray]],
    before: _Candidate | None,
    **more: bool,
) -> _Candidate | None:
    """Fit what another candidate reads and something more; None where that cannot be."""
    reads = more if before is None else before.reads | more
    features = _fitted_features(parts[0], **reads)
    n_before = 0 if before is None else before.matrix.shape[1]
    if sum(part.n_features for part in features.values()) == n_before:
        return None
    scales = dict.fromkeys(features, 1.0) if before is None else before.scales
    matrix = sparse.vstack([side_by_side(features, part, scales) for part in parts]).tocsr()
    if np.count_nonzero(matrix.getnnz(axis=0)) * rows.Y.shape[1] > _MAX_WEIGHTS:
        return None
    path = PENALTIES if before is None else _near(before.penalty)
    losses, penalty = _Folds(matrix, rows, splits).best_on_path(path)
    return _Candidate(losses, penalty, features, matrix, scales, reads)


def _spelled(
    found: _Candidate, rows: TargetRows, splits: Sequence[tuple[np.ndarray, np.ndarray]]
) -> _Candidate | None:
    """Fit the same where tokens of like spelling share weights, and judge by some folds."""
    basis = _basis(found.features)
    if basis is None:
        return None
    folds = _Folds(found.matrix, rows, splits[:_N_FOLDS_OF_SPELLING], basis)
    losses, penalty = folds.best_on_path(_near(found.penalty))
    return found._replace(losses=losses, penalty=penalty, basis=basis)


def _better(one: _Candidate, other: _Candidate | None) -> _Candidate:
    """Return the one of the lower loss, of folds that both were judged by, the first of equals."""
    if other is None:
        return one
    n_both = min(len(one.losses), len(other.losses))
    return other if other.losses[:n_both].mean() < one.losses[:n_both].mean() else one


class _Folds:
    """Rows fitted on and rows not fitted on, several times; each fit begins where the last ended.

    Parameters
    ----------
    matrix : csr_matrix of shape (n_samples, n_features)
        Features.
    rows : TargetRows
        Targets.
    splits : sequence of tuple of (ndarray, ndarray)
        The rows that are fitted on, and those that are not.
    basis : csr_matrix of shape (n_features, n_parameters), default=None
        What the weights are made of.
    """

    def __init__(
        self,
        matrix: sparse.csr_matrix,
        rows: TargetRows,
        splits: Sequence[tuple[np.ndarray, np.ndarray]],
        basis: sparse.csr_matrix | None = None,
    ) -> None:
        self.used = np.flatnonzero(matrix.getnnz(axis=0))
        matrix = matrix[:, self.used]
        if basis is not None:
            basis = basis[self.used]
            basis = basis[:, np.flatnonzero(basis.getnnz(axis=0))]
        self.basis = basis
        self.kind = rows.kind
        self.parts = [
            (matrix[fitted], rows.taken(fitted), matrix[other], rows.taken(other))
            for fitted, other in splits
        ]
        self.starts: list[np.ndarray | None] = [None] * len(self.parts)
        self.curvatures = [
            Curvature(X, fitted.Y, fitted.weights, fitted.kind, basis)
            for X, fitted, _, _ in self.parts
        ]

    def losses(self, penalty: float) -> np.ndarray:
        """Fit, and return the loss of each fold's rows not fitted on.

        Parameters
        ----------
        penalty : float
            The strength of the penalty.

        Returns
        -------
        ndarray of shape (n_splits,)
            The losses.
        """
        losses = np.empty(len(self.parts))
        for position, (X, fitted, other_X, other) in enumerate(self.parts):
            V = fit_linear(
                X,
                fitted.Y,
                fitted.weights,
                kind=self.kind,
                penalty=penalty,
                basis=self.basis,
                start=self.starts[position],
                curvature=self.curvatures[position],
                tolerance=_TOLERANCE,
            )
            self.starts[position] = V
            W = weights_of(V, self.basis)
            logits = other_X @ W[:-1] + W[-1]
            losses[position] = mean_loss(self.kind, logits, other.Y, other.weights)
        return losses

    def best_on_path(self, penalties: Sequence[float]) -> tuple[np.ndarray, float]:
        """Go from strong to weak penalties until the mean loss no longer falls.

        Parameters
        ----------
        penalties : sequence of float
            Strengths, falling.

        Returns
        -------
        losses : ndarray of shape (n_splits,)
            The least losses.
        penalty : float
            Where they are reached.
        """
        best = np.full(len(self.parts), np.inf), penalties[0]
        for penalty in penalties:
            losses = self.losses(penalty)
            if losses.mean() >= best[0].mean():
                break
            best = losses, penalty
        return best

    def multiply(self, features: range, factor: float) -> None:
        """Multiply some features; the next fit begins with the same predictions.

        Parameters
        ----------
        features : range
            Which columns of the matrix.
        factor : float
            A power of two, so that nothing is lost.
        """
        factors = np.ones(len(self.used), dtype=np.float32)
        first, last = np.searchsorted(self.used, (features.start, features.stop))
        factors[first:last] = factor
        for (X, _, other_X, _), curvature in zip(self.parts, self.curvatures, strict=True):
            for rows in (X, other_X):
                rows.data *= factors[rows.indices]
            curvature.multiply(factors)
        for V in self.starts:
            if V is not None:
                V[first:last] /= factor


def _scaled(
    found: _Candidate, rows: TargetRows, splits: Sequence[tuple[np.ndarray, np.ndarray]]
) -> _Candidate:
    """Double or halve the features of one input after the other as long as the losses fall."""
    if len(found.features) == 1:
        return found
    folds = _Folds(found.matrix, rows, splits)
    least = folds.losses(found.penalty).mean()
    scales, start = dict(found.scales), 0
    for name, part in found.features.items():
        columns = range(start, start + part.n_features)
        start = columns.stop
        for step in _STEPS:
            n_steps = 0
            while n_steps < _MOST_STEPS:
                before = [None if V is None else V.copy() for V in folds.starts]
                folds.multiply(columns, step)
                loss = folds.losses(found.penalty).mean()
                if loss >= least:
                    folds.multiply(columns, 1 / step)
                    folds.starts = before
                    break
                least = loss
                n_steps += 1
            scales[name] *= step**n_steps
            if n_steps:
                break
    if scales == found.scales:
        return found
    factors = np.repeat(
        np.array(list(scales.values()), dtype=np.float32),
        [part.n_features for part in found.features.values()],
    )
    matrix = found.matrix @ sparse.diags(factors)
    folds = _Folds(matrix.tocsr(), rows, splits)
    losses, penalty = folds.best_on_path(_near(found.penalty))
    return found._replace(losses=losses, penalty=penalty, matrix=matrix.tocsr(), scales=scales)


def _near(penalty: float) -> list[float]:
    """Return the penalties to try where another model's best one is known."""
    return [each for each in PENALTIES if each <= 10 * penalty]


def _fitted_features(X: Any, **reads: bool) -> dict[str, Any]:
    features = {name: features_of(spec, **reads) for name, spec in X.specs.items()}
    features = {name: part for name, part in features.items() if part is not None}
    for name, part in features.items():
        part.fit(X[name])
    return features


def _basis(features: Mapping[str, Any]) -> sparse.csr_matrix | None:
    """Return what the weights are made of where tokens of like spelling share them."""
    n_features = sum(part.n_features for part in features.values())
    blocks, start = [sparse.identity(n_features, dtype=np.float32)], 0
    for part in features.values():
        for first, runs in part.spelled():
            n_above = start + first
            n_below = n_features - n_above - runs.shape[0]
            above, below = (sparse.csr_matrix((n, runs.shape[1])) for n in (n_above, n_below))
            blocks.append(sparse.vstack([above, runs, below]))
        start += part.n_features
    return sparse.hstack(blocks).tocsr().astype(np.float32) if len(blocks) > 1 else None


def _splits(
    rows: TargetRows, held_out: TargetRows, seed: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    n_training, n_outputs = rows.Y.shape
    n_rows = n_training + len(held_out.Y)
    n_labels = 1 if rows.kind == "multiclass" else n_outputs
    is_enough = len(held_out.Y) * n_labels >= _ENOUGH_TO_DECIDE
    if is_enough or n_rows < _N_FOLDS or n_outputs > _MAX_OUTPUTS_OF_FOLDS:
        return [(np.arange(n_training), np.arange(n_training, n_rows))]
    return list(KFold(_N_FOLDS, shuffle=True, random_state=seed).split(np.empty(n_rows)))
