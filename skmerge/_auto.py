"""What the estimators' parameters are where they are ``"auto"``: from numbers of rows and steps."""

from __future__ import annotations

from typing import Any

import numpy as np

#: Keras's own is 0.001
_RATE_OF_ADAM = 0.002

#: up to so many rows, and values in all of them, networks are averaged
_MANY_ROWS = 100_000 / 3
_MANY_VALUES = 4_000 * 64 * 64 * 3


def learning_rate_of(learning_rate: Any, optimizer: Any) -> Any:
    """Return the learning rate.

    Parameters
    ----------
    learning_rate : object
        As the estimators take it.
    optimizer : object
        As the estimators take it.

    Returns
    -------
    object
        For ``"auto"`` 0.002 if the optimizer is named ``"adam"``; None is the optimizer's own.
    """
    if not isinstance(learning_rate, str) or learning_rate != "auto":
        return learning_rate
    return _RATE_OF_ADAM if isinstance(optimizer, str) and optimizer.lower() == "adam" else None


def batch_size_of(batch_size: int | str, n_rows: int) -> int:
    """Return the rows per step.

    Parameters
    ----------
    batch_size : int or "auto"
        As the estimators take it.
    n_rows : int
        Number of training rows.

    Returns
    -------
    int
        For ``"auto"`` some 200 steps an epoch, in powers of two from 32 to 256; fewer than a
        thousand rows go by 16.
    """
    if batch_size != "auto":
        return int(batch_size)
    least = 4 if n_rows < 1000 else 5
    return int(2 ** np.clip(np.round(np.log2(max(n_rows, 1) / 200)), least, 8))


def patience_of(n_iter_no_change: int | str, n_rows: int, batch_size: int) -> int:
    """Return the epochs without improvement before training stops.

    Parameters
    ----------
    n_iter_no_change : int or "auto"
        As the estimators take it.
    n_rows : int
        Number of training rows.
    batch_size : int
        Rows per step.

    Returns
    -------
    int
        For ``"auto"`` 5, or some 500 steps where epochs are short.
    """
    if n_iter_no_change != "auto":
        return int(n_iter_no_change)
    n_steps = -(-n_rows // batch_size)
    return max(5, round(500 / n_steps))


def n_members_of(n_members: int | str, n_rows: int, n_values: int) -> int:
    """Return the number of deep networks that are averaged.

    Parameters
    ----------
    n_members : int or "auto"
        As the estimators take it.
    n_rows : int
        Number of training rows.
    n_values : int
        Numbers or ids in all inputs of a row.

    Returns
    -------
    int
        For ``"auto"`` 3, fewer where that would take long: with more than 33,333 rows, or more
        values in all of them than 4,000 pictures of 64 x 64 pixels in colour have. From one and a
        half times that many on it is 1.
    """
    if n_members != "auto":
        return int(n_members)
    load = max(n_rows / _MANY_ROWS, n_rows * n_values / _MANY_VALUES)
    return int(np.clip(3 / max(load, 1e-9), 1, 3))
