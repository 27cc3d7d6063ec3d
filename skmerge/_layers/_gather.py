"""Rows and columns by position, which is never negative: Keras looks for that each time."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def rows_of(table: Any, positions: Any) -> Any:
    """Return rows of a table.

    Parameters
    ----------
    table : keras.Variable of shape (n_rows, n_columns)
        The table.
    positions : int tensor
        Which rows, from 0.

    Returns
    -------
    tensor of shape (*positions.shape, n_columns)
        The rows.
    """
    return tf.gather(tf.convert_to_tensor(table), _whole(positions))


def columns_of(matrix: Any, positions: Any) -> Any:
    """Return columns of a matrix.

    Parameters
    ----------
    matrix : tensor of shape (batch, n_columns, ...)
        The matrix.
    positions : sequence of int
        Which columns, from 0.

    Returns
    -------
    tensor of shape (batch, len(positions), ...)
        The columns.
    """
    return tf.gather(matrix, positions, axis=1)


def _whole(positions: Any) -> Any:
    return positions if positions.dtype in {tf.int32, tf.int64} else tf.cast(positions, tf.int32)
