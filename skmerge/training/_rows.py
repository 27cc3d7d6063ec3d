"""Rows of all inputs as tensors, gathered batch by batch inside a TensorFlow graph.

Enters: the network's inputs as NumPy arrays and CSR matrices. Leaves: a nested structure of
tensors that a traced function takes as one argument, and the function that gathers rows of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from scipy.sparse import issparse


class SparseRows(NamedTuple):
    """A CSR matrix as tensors.

    Parameters
    ----------
    starts : Tensor of shape (n_samples + 1,), dtype int64
        Where each row begins in `columns` and `values`.
    columns : Tensor of shape (n_values,), dtype int64
        Column of each value.
    values : Tensor of shape (n_values,)
        The values.
    """

    starts: Any
    columns: Any
    values: Any


@dataclass
class Rows:
    """Rows with their targets and weights.

    Parameters
    ----------
    inputs : dict of str to Tensor or SparseRows
        The inputs of the network.
    targets : Tensor of shape (n_samples, n_targets), dtype float32
        The targets.
    weights : Tensor of shape (n_samples,), dtype float32
        The weights of the rows.
    """

    inputs: dict[str, Any]
    targets: Any
    weights: Any

    def __len__(self) -> int:
        return int(self.targets.shape[0])

    def portions(self, order: np.ndarray, batch_size: int) -> Iterator[tuple[Rows, np.ndarray]]:
        """Return the rows in one portion, as they are in memory.

        Parameters
        ----------
        order : ndarray of int
            The rows wanted, in order.
        batch_size : int
            Ignored.

        Yields
        ------
        rows : Rows
            All rows.
        order : ndarray of int
            The order.
        """
        yield self, order

    @property
    def tensors(self) -> tuple[Any, Any, Any]:
        """The three parts, as a traced function takes them."""
        return self.inputs, self.targets, self.weights


def as_rows(array: Any) -> Any:
    """Return an array or CSR matrix as tensors.

    Parameters
    ----------
    array : ndarray or CSR matrix of n_samples rows
        One input.

    Returns
    -------
    Tensor or SparseRows
        The same rows.
    """
    if not issparse(array):
        return tf.convert_to_tensor(array)
    array = array.tocsr()
    array.sort_indices()
    return SparseRows(
        tf.constant(array.indptr, tf.int64),
        tf.constant(array.indices, tf.int64),
        tf.convert_to_tensor(array.data),
    )


def rows_signature(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a traced function needs to know of the rows, for any number of them.

    Parameters
    ----------
    inputs : mapping of str to KerasTensor
        The inputs of a network.

    Returns
    -------
    dict of str to TensorSpec or SparseRows of TensorSpec
        The signature.
    """
    return {
        name: SparseRows(
            tf.TensorSpec([None], tf.int64),
            tf.TensorSpec([None], tf.int64),
            tf.TensorSpec([None], tensor.dtype),
        )
        if tensor.sparse
        else tf.TensorSpec([None, *tensor.shape[1:]], tensor.dtype)
        for name, tensor in inputs.items()
    }


def batch_signature(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a traced function needs to know of a batch, for any number of rows.

    Parameters
    ----------
    inputs : mapping of str to KerasTensor
        The inputs of a network.

    Returns
    -------
    dict of str to TensorSpec or SparseTensorSpec
        The signature.
    """
    return {
        name: (tf.SparseTensorSpec if tensor.sparse else tf.TensorSpec)(
            [None, *tensor.shape[1:]], tensor.dtype
        )
        for name, tensor in inputs.items()
    }


def gather(rows: Any, positions: Any, n_columns: int | None = None) -> Any:
    """Take some rows, in graph or eagerly.

    Parameters
    ----------
    rows : Tensor or SparseRows
        All rows of one input.
    positions : Tensor of shape (batch,), dtype int64
        Which rows.
    n_columns : int, default=None
        Width of the matrix, for `SparseRows`.

    Returns
    -------
    Tensor or SparseTensor of shape (batch, ...)
        These rows.
    """
    if not isinstance(rows, SparseRows):
        return tf.gather(rows, positions)
    columns = tf.gather(
        tf.RaggedTensor.from_row_splits(rows.columns, rows.starts, False), positions
    )
    values = tf.gather(tf.RaggedTensor.from_row_splits(rows.values, rows.starts, False), positions)
    indices = tf.stack([columns.value_rowids(), columns.flat_values], axis=1)
    shape = [tf.shape(positions, tf.int64)[0], n_columns]
    return tf.SparseTensor(indices, values.flat_values, tf.stack(shape))


def as_tensor_chunk(array: Any, first: int, last: int, n_rows: int) -> Any:
    """Return consecutive rows as one tensor, zero rows added at the end.

    Parameters
    ----------
    array : ndarray or CSR matrix
        One input.
    first, last : int
        The rows to take, `last` not included.
    n_rows : int
        Number of rows wanted, at least ``last - first``.

    Returns
    -------
    Tensor or SparseTensor of shape (n_rows, ...)
        The rows.
    """
    chunk = array[first:last]
    if issparse(chunk):
        chunk = chunk.tocsr()
        chunk.sort_indices()
        chunk = chunk.tocoo()
        indices = np.stack([chunk.row, chunk.col], axis=1).astype(np.int64)
        return tf.SparseTensor(indices, chunk.data, (n_rows, chunk.shape[1]))
    chunk = np.asarray(chunk)
    missing = n_rows - chunk.shape[0]
    if missing:
        chunk = np.concatenate([chunk, np.zeros((missing, *chunk.shape[1:]), chunk.dtype)])
    return tf.convert_to_tensor(chunk)
