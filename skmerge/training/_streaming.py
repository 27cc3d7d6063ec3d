"""Rows too large to be one tensor, a portion at a time: the next is read while one is trained on.

Enters: the network's inputs, some of them in files or large. Leaves: for an order of the rows,
portions of some whole batches as tensors. At any time there are two portions of tensors, whatever
the number of rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from skmerge._stored_rows import StoredRows
from skmerge.training._rows import Rows, as_rows

#: bytes of a portion, unless one batch is larger
PORTION = 2**24
#: bytes of an array in memory from which on it is read in portions: made a tensor, it takes as
#: much again, and twice as much while it is made
LARGE = 2**27


@dataclass
class StreamedRows:
    """Rows with their targets and weights, some inputs in files or large.

    Parameters
    ----------
    inputs : mapping of str to ndarray, CSR matrix or StoredRows
        The inputs of the network.
    targets : ndarray of shape (n_samples, n_targets), dtype float32
        The targets.
    weights : ndarray of shape (n_samples,), dtype float32
        The weights of the rows.
    """

    inputs: Mapping[str, Any]
    targets: np.ndarray
    weights: np.ndarray

    def __len__(self) -> int:
        return len(self.targets)

    def portions(self, order: np.ndarray, batch_size: int) -> Iterator[tuple[Rows, np.ndarray]]:
        """Read the rows in an order, portion by portion.

        Parameters
        ----------
        order : ndarray of int
            The rows, in order.
        batch_size : int
            Rows per batch; no batch is in two portions.

        Yields
        ------
        rows : Rows
            Some of the rows, in order.
        order : ndarray of int
            Their numbers within `rows`, from 0.

        Raises
        ------
        OSError
            If a file has gone or cannot be read.
        """
        streamed = [array for array in self.inputs.values() if is_streamed(array)]
        row_bytes = sum(array.nbytes // max(len(array), 1) for array in streamed)
        n_batches = max(1, PORTION // max(row_bytes * batch_size, 1))
        size = batch_size * n_batches
        parts = [order[first : first + size] for first in range(0, len(order), size)]
        with ThreadPoolExecutor(1, thread_name_prefix="reading rows") as reader:
            coming = reader.submit(self._read, parts[0])
            for following in [*parts[1:], None]:
                rows = coming.result()
                if following is not None:
                    coming = reader.submit(self._read, following)
                yield rows, np.arange(len(rows))

    def _read(self, positions: np.ndarray) -> Rows:
        return Rows(
            {name: as_rows(_taken(array, positions)) for name, array in self.inputs.items()},
            tf.constant(self.targets[positions]),
            tf.constant(self.weights[positions]),
        )


def is_streamed(array: Any) -> bool:
    """Say whether the rows of an input are read in portions.

    Parameters
    ----------
    array : ndarray, CSR matrix or StoredRows
        One input.

    Returns
    -------
    bool
        True for rows in files, and for large arrays.
    """
    return isinstance(array, StoredRows) or (
        isinstance(array, np.ndarray) and array.nbytes >= LARGE
    )


def _taken(array: Any, positions: np.ndarray) -> Any:
    return array.read(positions) if isinstance(array, StoredRows) else array[positions]
