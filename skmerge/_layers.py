"""The layers that Keras lacks, each registered for saving.

Enters: tensors of a network under construction. Leaves: tensors. Importing this module imports
Keras, so it is imported where a network is built; import it before
``keras.saving.load_model`` reads a saved network.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

_register = keras.saving.register_keras_serializable(package="skmerge")

#: below every feature, and within the range of float16
_LOWEST = -3e4


@_register
class NamedInput(keras.layers.InputLayer):
    """Input whose tensor has another name than the layer.

    Keras finds the arrays of a dict by the tensors' names, and wants each layer's name once.
    So the tensor is ``"photo"``, the branch that reads it is the layer ``"photo"``, and this
    layer is ``"photo-input"``.

    Parameters
    ----------
    tensor_name : str
        Name of the tensor, the key of the array.
    batch_shape : tuple of int or None
        Shape of a batch, starting with None.
    dtype : str
        Data type of the array.
    sparse : bool, default=False
        Whether the array is sparse.
    name : str, default=None
        Name of the layer.
    """

    def __init__(
        self,
        tensor_name: str,
        batch_shape: Sequence[int | None],
        dtype: str,
        sparse: bool = False,
        name: str | None = None,
    ) -> None:
        tensor = keras.KerasTensor(tuple(batch_shape), dtype=dtype, sparse=sparse, name=tensor_name)
        super().__init__(input_tensor=tensor, name=name)
        self.tensor_name = tensor_name

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` takes."""
        return {
            "tensor_name": self.tensor_name,
            "batch_shape": self.batch_shape,
            "dtype": self.dtype,
            "sparse": self.sparse,
            "name": self.name,
        }


@_register
class AbsentFeatures(keras.layers.Layer):
    """Features of the rows that have an input, one learned vector for the rows that lack it.

    Shape: features ``(batch, units)`` and presence ``(batch, 1)`` of ones and zeros to
    ``(batch, units)``.
    """

    def build(self, input_shape: Any) -> None:
        """Make the vector that stands for absence, zero before training."""
        units = input_shape[0][-1]
        self.absent = self.add_weight(shape=(units,), initializer="zeros", name="absent")

    def call(self, inputs: Sequence[Any]) -> Any:
        """Choose between the features and the learned vector by presence."""
        features, present = inputs
        return present * features + (1 - present) * self.absent


@_register
class MaskedPooling(keras.layers.Layer):
    """Pooling of a sequence of vectors over the positions that are not padding.

    Shape: vectors ``(batch, length, units)`` and ids ``(batch, length)`` to
    ``(batch, units)``, or ``(batch, 2 * units)`` for ``"average_max"``. A row of nothing but
    padding gives zeros.

    Parameters
    ----------
    pooling : {"average", "max", "sum", "average_max"}
        What is taken of each unit over the positions.
    name, trainable, dtype
        As in every Keras layer.
    """

    def __init__(
        self,
        pooling: str,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.pooling = pooling

    def call(self, inputs: Sequence[Any]) -> Any:
        """Pool over the positions whose id is not zero."""
        vectors, ids = inputs
        present = ops.expand_dims(ops.not_equal(ids, 0), -1)
        pooled = []
        if self.pooling != "max":
            pooled.append(self._total(vectors, present))
        if self.pooling.endswith("max"):
            highest = ops.max(ops.where(present, vectors, _LOWEST), axis=1)
            pooled.append(ops.where(ops.any(present, axis=1), highest, 0.0))
        return pooled[0] if len(pooled) == 1 else ops.concatenate(pooled, axis=-1)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """Return the shape of the pooled vectors."""
        batch, _, units = input_shape[0]
        return (batch, 2 * units if self.pooling == "average_max" else units)

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` takes."""
        return super().get_config() | {"pooling": self.pooling}

    def _total(self, vectors: Any, present: Any) -> Any:
        weights = ops.cast(present, vectors.dtype)
        total = ops.sum(vectors * weights, axis=1)
        if self.pooling == "sum":
            return total
        return total / ops.maximum(ops.sum(weights, axis=1), 1.0)


@_register
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
        codes = ops.cast(ops.take(inputs, self._columns, axis=1), "int32") + self._starts
        blocks = []
        if self.number_columns:
            numbers = ops.take(inputs, np.asarray(self.number_columns, dtype="int32"), axis=1)
            blocks.append(ops.cast(numbers, self.compute_dtype))
        for block, table in self._tables:
            vectors = ops.cast(ops.take(table, codes[:, block], axis=0), self.compute_dtype)
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


@_register
class UnitVectors(keras.layers.Layer):
    """Vectors scaled to length 1; a vector shorter than 1e-6 becomes zero, and learns nothing.

    Keras's own normalisation divides by the length before it bounds it, which makes the
    gradient of a zero vector NaN.

    Shape: ``(batch, units)`` to the same.
    """

    def call(self, inputs: Any) -> Any:
        """Divide by the length."""
        squares = ops.sum(ops.square(inputs), axis=-1, keepdims=True)
        is_long = squares > 1e-12
        scale = ops.where(is_long, ops.rsqrt(ops.where(is_long, squares, 1.0)), 0.0)
        return inputs * scale
