"""Linear models with several outputs at once: sparse features and targets go in, weights come out.

scikit-learn fits logistic regressions of several labels one by one; here all share each product
with the features, and the path from strong to weak penalties starts where the one before ended.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import expit, log_softmax

_MAX_STEPS = 60
_LEAST_IMPROVEMENT = 1e-6  # of the loss, or relative to it where that is above 1: a fit ends there


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

    Returns
    -------
    ndarray of shape (n_parameters + 1, n_outputs), dtype float64
        V, the intercepts last; see `weights_of`.
    """
    n_rows = X.shape[0]
    shape = (1 + (X if basis is None else basis).shape[1], Y.shape[1])
    transposed, shares = X.T.tocsr(), weights / n_rows
    basis_transposed = None if basis is None else basis.T.tocsr()

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        V = flat.reshape(shape)
        parameters = V[:-1].astype(np.float32)
        logits = X @ (parameters if basis is None else basis @ parameters) + V[-1]
        losses, slopes = _losses_and_slopes(kind, logits, Y)
        slopes *= shares[:, None]
        gradient = np.empty(shape)
        of_features = transposed @ slopes.astype(np.float32)
        gradient[:-1] = of_features if basis is None else basis_transposed @ of_features
        gradient[:-1] += penalty / n_rows * V[:-1]
        gradient[-1] = slopes.sum(axis=0)
        return losses @ shares + penalty / (2 * n_rows) * np.sum(V[:-1] ** 2), gradient.ravel()

    start = np.zeros(shape) if start is None else start
    # a short memory, because remembering is what takes the time where there are many outputs
    options = {"maxiter": _MAX_STEPS, "ftol": _LEAST_IMPROVEMENT, "maxcor": 5}
    with np.errstate(all="ignore"):  # the training says what is not finite
        found = minimize(objective, start.ravel(), jac=True, method="L-BFGS-B", options=options)
    return np.asarray(found.x).reshape(shape)


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
