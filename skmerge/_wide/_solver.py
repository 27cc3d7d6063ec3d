"""Linear models with several outputs at once: sparse features and targets go in, weights come out.

scikit-learn fits logistic regressions of several labels one by one; here all share each product
with the features, and the path from strong to weak penalties starts where the one before ended.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import minimize
from scipy.special import expit, log_softmax

_MAX_STEPS = 60
#: improvement of the loss, or relative to it where that is above 1, at which a fit ends
_LEAST_IMPROVEMENT = 1e-6

#: Features of more than this share of the rows are frequent, and at most so many of them; their
#: products are known well enough from so many rows.
_SHARE_OF_FREQUENT = 0.05
_MAX_FREQUENT = 800
_ENOUGH_FOR_PRODUCTS = 5000


def row_losses(kind: str, logits: np.ndarray, Y: np.ndarray) -> np.ndarray:
    """Return the loss of each row's prediction.

    Parameters
    ----------
    kind : {"regression", "binary", "multilabel", "multiclass"}
        Half the squared error, the binary or the categorical cross-entropy; summed over outputs.
    logits : ndarray of shape (n_samples, n_outputs)
        Predictions, before any activation.
    Y : ndarray of shape (n_samples, n_outputs)
        Targets.

    Returns
    -------
    ndarray of shape (n_samples,)
        The losses.
    """
    return _losses_and_slopes(kind, logits, Y)[0]


def mean_loss(kind: str, logits: np.ndarray, Y: np.ndarray, weights: np.ndarray) -> float:
    """Return the loss of predictions, averaged over rows and weighted.

    Parameters
    ----------
    kind : {"regression", "binary", "multilabel", "multiclass"}
        Half the squared error, the binary or the categorical cross-entropy; summed over outputs.
    logits : ndarray of shape (n_samples, n_outputs)
        Predictions, before any activation.
    Y : ndarray of shape (n_samples, n_outputs)
        Targets.
    weights : ndarray of shape (n_samples,)
        Weights of the rows.

    Returns
    -------
    float
        The loss.
    """
    return float(row_losses(kind, logits, Y) @ weights / len(weights))


def fit_linear(
    X: Any,
    Y: np.ndarray,
    weights: np.ndarray,
    *,
    kind: str,
    penalty: float,
    basis: sparse.csr_matrix | None = None,
    start: np.ndarray | None = None,
    curvature: Curvature | None = None,
    tolerance: float | None = None,
) -> np.ndarray:
    """Fit a linear model with an L2 penalty by L-BFGS.

    Minimises ``sum_i w_i loss_i + penalty / 2 * ||V||**2``, where the weights of the features are
    ``W = basis V``; the intercept is not penalised.

    Parameters
    ----------
    X : csr_matrix of shape (n_samples, n_features), dtype float32
        Features.
    Y : ndarray of shape (n_samples, n_outputs), dtype float32
        Targets.
    weights : ndarray of shape (n_samples,)
        Weights of the rows.
    kind : str
        The loss, see `mean_loss`.
    penalty : float
        Strength of the penalty.
    basis : csr_matrix of shape (n_features, n_parameters), dtype float32, default=None
        What the weights are made of; None is the unit matrix.
    start : ndarray of shape (n_parameters + 1, n_outputs), default=None
        Where to begin; None is 0.
    curvature : Curvature, default=None
        That of these features and targets, if it is known from another fit.
    tolerance : float, default=None
        Improvement of the loss, or relative to it where that is above 1, at which the fit ends;
        None is 1e-6.

    Returns
    -------
    ndarray of shape (n_parameters + 1, n_outputs), dtype float64
        V, the intercepts last; see `weights_of`.
    """
    n_rows = X.shape[0]
    shape = (1 + (X if basis is None else basis).shape[1], Y.shape[1])
    transposed, shares = X.T.tocsr(), weights / n_rows
    basis_transposed = None if basis is None else basis.T.tocsr()
    if curvature is None:
        curvature = Curvature(X, Y, weights, kind, basis)
    coordinates = _Coordinates(curvature, penalty)

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        V = coordinates.parameters(flat.reshape(shape))
        parameters = V[:-1].astype(np.float32)
        logits = X @ (parameters if basis is None else basis @ parameters) + V[-1]
        losses, slopes = _losses_and_slopes(kind, logits, Y)
        slopes *= shares[:, None]
        gradient = np.empty(shape)
        of_features = transposed @ slopes.astype(np.float32)
        gradient[:-1] = of_features if basis is None else basis_transposed @ of_features
        gradient[:-1] += penalty / n_rows * V[:-1]
        gradient[-1] = slopes.sum(axis=0)
        gradient = coordinates.gradient(gradient)
        return losses @ shares + penalty / (2 * n_rows) * np.sum(V[:-1] ** 2), gradient.ravel()

    start = np.zeros(shape) if start is None else coordinates.of_parameters(start)
    # a short memory, because remembering is what takes the time where there are many outputs
    least = _LEAST_IMPROVEMENT if tolerance is None else tolerance
    options = {"maxiter": _MAX_STEPS, "ftol": least, "maxcor": 5}
    with np.errstate(all="ignore"):
        found = minimize(objective, start.ravel(), jac=True, method="L-BFGS-B", options=options)
    return coordinates.parameters(np.asarray(found.x).reshape(shape))


class Curvature:
    """Second derivative of a linear model's loss by its parameters, about.

    Exact, at a constant prediction, for the products of features that many rows have; of the others
    only the squares are known.

    Parameters
    ----------
    X : csr_matrix of shape (n_samples, n_features)
        Features.
    Y : ndarray of shape (n_samples, n_outputs)
        Targets.
    weights : ndarray of shape (n_samples,)
        Weights of the rows.
    kind : str
        The loss, see `mean_loss`.
    basis : csr_matrix of shape (n_features, n_parameters), default=None
        What the weights are made of.
    """

    def __init__(
        self, X: Any, Y: np.ndarray, weights: np.ndarray, kind: str, basis: Any = None
    ) -> None:
        self.n_rows = X.shape[0]
        with np.errstate(all="ignore"):  # the training says what is not finite
            by_row = weights * _mean_curvature(kind, Y, weights)
            squares = X.multiply(X).T @ by_row
        counts = X.getnnz(axis=0)
        if basis is not None:  # as if no row had two words with letters in common
            squares = basis.multiply(basis).T @ squares
            counts = np.where(basis.getnnz(axis=0) == 1, basis.T @ counts, 0)
        self.squares = np.append(squares, by_row.sum())
        frequent = np.flatnonzero(counts > _SHARE_OF_FREQUENT * self.n_rows)
        if len(frequent) > _MAX_FREQUENT:
            frequent = np.sort(frequent[np.argsort(-counts[frequent])[:_MAX_FREQUENT]])
        self.frequent = np.append(frequent, len(self.squares) - 1)
        some = slice(None, None, -(-self.n_rows // _ENOUGH_FOR_PRODUCTS))
        columns = X[some][:, frequent] if basis is None else X[some] @ basis[:, frequent]
        columns = np.column_stack([columns.toarray(), np.ones(columns.shape[0])]).astype(np.float64)
        with np.errstate(all="ignore"):
            self.products = columns.T @ (columns * by_row[some, None])
            self.products *= self.n_rows / len(columns)

    def multiply(self, factors: np.ndarray) -> None:
        """Take into account that features were multiplied.

        Parameters
        ----------
        factors : ndarray of shape (n_features,)
            What each was multiplied by.
        """
        factors = np.append(factors, 1.0)
        self.squares = self.squares * factors**2
        of_frequent = factors[self.frequent]
        self.products = self.products * np.outer(of_frequent, of_frequent)


class _Coordinates:
    """Coordinates in which the loss is about equally curved in all directions.

    Parameters ``V = R**-1 U``, with ``R'R`` the second derivative of the loss by V, about.

    Parameters
    ----------
    curvature : Curvature
        That of the loss without the penalty.
    penalty : float
        Strength of the penalty.
    """

    def __init__(self, curvature: Curvature, penalty: float) -> None:
        n_rows, self.frequent = curvature.n_rows, curvature.frequent
        self.diagonal = np.sqrt((curvature.squares + penalty) / n_rows)
        products = curvature.products.copy()
        ridge = penalty + 1e-6 * np.trace(products) / len(products)
        products[np.diag_indices_from(products)] += ridge
        self.diagonal[self.frequent] = 1.0
        if not (np.isfinite(products).all() and np.isfinite(self.diagonal).all()):
            products, self.diagonal = n_rows * np.eye(len(products)), np.ones(len(self.diagonal))
        self.root = cholesky(products / n_rows)
        self.diagonal = self.diagonal[:, None]

    def parameters(self, U: np.ndarray) -> np.ndarray:
        """Return the parameters at a point.

        Parameters
        ----------
        U : ndarray of shape (n_parameters + 1, n_outputs)
            The point in these coordinates.

        Returns
        -------
        ndarray of shape (n_parameters + 1, n_outputs)
            V.
        """
        V = U / self.diagonal
        V[self.frequent] = solve_triangular(self.root, U[self.frequent], check_finite=False)
        return V

    def of_parameters(self, V: np.ndarray) -> np.ndarray:
        """Return the point where the parameters are given ones.

        Parameters
        ----------
        V : ndarray of shape (n_parameters + 1, n_outputs)
            The parameters.

        Returns
        -------
        ndarray of shape (n_parameters + 1, n_outputs)
            The point in these coordinates.
        """
        U = V * self.diagonal
        U[self.frequent] = self.root @ V[self.frequent]
        return U

    def gradient(self, by_parameters: np.ndarray) -> np.ndarray:
        """Return the derivative by these coordinates.

        Parameters
        ----------
        by_parameters : ndarray of shape (n_parameters + 1, n_outputs)
            The derivative by the parameters.

        Returns
        -------
        ndarray of shape (n_parameters + 1, n_outputs)
            The derivative by U.
        """
        by_U = by_parameters / self.diagonal
        by_U[self.frequent] = solve_triangular(
            self.root, by_parameters[self.frequent], trans="T", check_finite=False
        )
        return by_U


def _mean_curvature(kind: str, Y: np.ndarray, weights: np.ndarray) -> float:
    """Return the second derivative of the loss by a logit, at a constant prediction."""
    if kind == "regression":
        return 1.0
    mean = weights @ Y / max(weights.sum(), 1e-12)
    return float(max(np.mean(mean * (1 - mean)), 1e-3))


def weights_of(V: np.ndarray, basis: sparse.csr_matrix | None) -> np.ndarray:
    """Return the weights of the features.

    Parameters
    ----------
    V : ndarray of shape (n_parameters + 1, n_outputs)
        As `fit_linear` returns them.
    basis : csr_matrix of shape (n_features, n_parameters) or None
        As `fit_linear` took it.

    Returns
    -------
    ndarray of shape (n_features + 1, n_outputs)
        The weights, the intercepts last.
    """
    return V if basis is None else np.concatenate([basis @ V[:-1], V[-1:]])


def _losses_and_slopes(
    kind: str, logits: np.ndarray, Y: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the loss of each row, and its derivative by each of the logits."""
    if kind == "regression":
        slopes = logits - Y
        losses = 0.5 * np.sum(slopes**2, axis=1)
    elif kind == "multiclass":
        logs = log_softmax(logits, axis=1)
        slopes = np.exp(logs) - Y
        losses = -np.sum(logs * Y, axis=1)
    else:
        slopes = expit(logits) - Y
        losses = np.sum(np.logaddexp(0, logits) - logits * Y, axis=1)
    return losses, slopes
