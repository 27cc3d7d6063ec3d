"""How much of each prediction goes into the blend: held-out predictions go in, shares come out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize

from skmerge._wide._model import TargetRows
from skmerge._wide._solver import mean_loss

#: rows that the pulls of the shares weigh as much as: to a sum of 1, and to where they start, the
#: shares of the two whole predictions and those of inputs alone, which are more and help less often
_ROWS_OF_SUM = 50
_ROWS_OF_WHOLE = 2
_ROWS_OF_ALONE = 15


def blend_weights(
    deep: Sequence[np.ndarray], wide: np.ndarray | None, rows: TargetRows
) -> np.ndarray:
    """Find the blend of predictions that is best on held-out rows, calibration included.

    Minimises the loss of ``a * wide + b_0 * deep[0] + b_1 * deep[1] + ... + c`` over shares of at
    least 0 and, for binary targets, c. As if by fifty rows, the shares are pulled to a sum of 1 and
    c to 0. Each share is also pulled to where it starts: a and b_0, as if by two rows, to one half
    (without `wide`, b_0 to 1), the others, as if by fifteen, to 0. With one prediction alone, this
    is temperature scaling (Guo et al. 2017, "On Calibration of Modern Neural Networks", section
    4.2) with a bias.

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
    pulling = np.full(len(parts), _ROWS_OF_ALONE)
    pulling[:2] = _ROWS_OF_WHOLE

    def objective(v: np.ndarray) -> float:
        shares, bias = v[:-1], v[-1]
        logits = np.tensordot(shares, parts, axes=1) + bias
        pulls = _ROWS_OF_SUM * ((shares.sum() - 1) ** 2 + bias**2)
        pulls += pulling @ (shares - usual) ** 2
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
