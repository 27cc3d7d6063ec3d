"""Layers that pool sequences, and scale vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from skmerge._layers._registry import register

#: below every feature, and within the range of float16
_LOWEST = -3e4


@register
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


@register
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
