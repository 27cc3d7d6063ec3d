"""The layer that reads tables: numbers as they are, category codes embedded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from skmerge._layers._gather import columns_of, rows_of
from skmerge._layers._registry import register


@register
class TabularFeatures(keras.layers.Layer):
    """Number columns as they are, followed by the embeddings of the code columns.

    Code columns whose embeddings have the same width share one table, each with rows of its
    own, so that a table costs one lookup per width and not one per column. Embeddings come in
    the order of their widths, those of one width in the order of the columns.

    Shape: ``(batch, n_columns)`` to ``(batch, n_number_columns + sum(embedding_dims))``.

    Parameters
    ----------
    number_columns : sequence of int
        Positions of the columns that are passed through.
    code_columns : sequence of int
        Positions of the columns that hold codes, at least one.
    cardinalities : sequence of int
        Number of codes of each of the `code_columns`.
    embedding_dims : sequence of int
        Width of the embedding of each of the `code_columns`.
    name, trainable, dtype
        As in every Keras layer.
    """

    def __init__(
        self,
        number_columns: Sequence[int],
        code_columns: Sequence[int],
        cardinalities: Sequence[int],
        embedding_dims: Sequence[int],
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
    ) -> None:
        # float16 holds codes only up to 2048, so Keras must not cast the rows
        super().__init__(name=name, trainable=trainable, dtype=dtype, autocast=False)
        self.number_columns = list(number_columns)
        self.code_columns = list(code_columns)
        self.cardinalities = list(cardinalities)
        self.embedding_dims = list(embedding_dims)

    def build(self, input_shape: Any) -> None:
        """Make a table for each width, and note where in it each column's rows start."""
        order = np.argsort(self.embedding_dims, kind="stable")
        self._columns = np.asarray(self.code_columns, dtype="int32")[order]
        sizes = np.asarray(self.cardinalities, dtype="int32")[order]
        dims, first, counts = np.unique(
            np.asarray(self.embedding_dims)[order], return_index=True, return_counts=True
        )
        starts = np.zeros_like(sizes)
        self._tables = []
        for dim, begin, count in zip(dims.tolist(), first, counts, strict=True):
            block = slice(int(begin), int(begin + count))
            starts[block] = np.cumsum(sizes[block]) - sizes[block]
            table = self.add_weight(
                shape=(int(sizes[block].sum()), dim), initializer="uniform", name=f"width_{dim}"
            )
            self._tables.append((block, table))
        self._starts = starts

    def call(self, inputs: Any) -> Any:
        """Look up the codes and set the embeddings beside the numbers."""
        codes = ops.cast(columns_of(inputs, self._columns), "int32") + self._starts
        blocks = []
        if self.number_columns:
            numbers = columns_of(inputs, np.asarray(self.number_columns, dtype="int32"))
            blocks.append(ops.cast(numbers, self.compute_dtype))
        for block, table in self._tables:
            vectors = ops.cast(rows_of(table, codes[:, block]), self.compute_dtype)
            width = table.shape[1] * (block.stop - block.start)
            blocks.append(ops.reshape(vectors, (-1, width)))
        return blocks[0] if len(blocks) == 1 else ops.concatenate(blocks, axis=-1)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """Return the shape of numbers and embeddings side by side."""
        return (input_shape[0], len(self.number_columns) + sum(self.embedding_dims))

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` takes."""
        return super().get_config() | {
            "number_columns": self.number_columns,
            "code_columns": self.code_columns,
            "cardinalities": self.cardinalities,
            "embedding_dims": self.embedding_dims,
        }
