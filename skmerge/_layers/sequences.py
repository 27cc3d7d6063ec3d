"""Layers that read sequences: where a row ends, what stands there, and attention between steps.

A mask is boolean, True at the steps that a row has and False in the padding after its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from skmerge._layers._registry import register


@register
class SequenceSteps(keras.layers.Layer):
    """Steps of a batch without the padding that all its rows share, and the mask of the rest.

    A row ends with its last id that is not 0, or with its last step whose last channel is not 0.
    What comes after the end of the longest row is cut, at least one step is left: most batches
    are much shorter than the longest row of all, and the time of a recurrence is proportional
    to its steps.

    Shape: ids ``(batch, length)`` to themselves; or numbers ``(batch, length, channels + 1)``, of
    which the last channel tells steps from padding, to ``(batch, length, channels)``. The mask is
    ``(batch, length)``.

    Parameters
    ----------
    name, trainable, dtype
        As in every Keras layer.
    """

    def __init__(
        self, *, name: str | None = None, trainable: bool = True, dtype: Any = None
    ) -> None:
        super().__init__(name=name, trainable=trainable, dtype=dtype, autocast=False)
        # XLA knows no lengths that vary
        self.supports_jit = False

    def call(self, inputs: Any) -> tuple[Any, Any]:
        """Cut, and tell steps from padding."""
        is_ids = len(inputs.shape) == 2
        marks = ops.not_equal(inputs if is_ids else inputs[:, :, -1], 0)
        positions = ops.arange(1, ops.shape(marks)[1] + 1)
        lengths = ops.max(ops.where(marks, positions, 0), axis=1, keepdims=True)
        longest = ops.maximum(ops.max(lengths), 1)
        mask = positions[:longest] <= lengths
        if is_ids:
            return inputs[:, :longest], mask
        return ops.cast(inputs[:, :longest, :-1], self.compute_dtype), mask

    def compute_output_spec(self, inputs: Any) -> tuple[Any, Any]:
        """Describe steps and mask; their length varies."""
        batch, *rest = inputs.shape
        mask = keras.KerasTensor((batch, None), dtype="bool")
        if len(rest) == 1:
            return keras.KerasTensor((batch, None), dtype=inputs.dtype), mask
        return keras.KerasTensor((batch, None, rest[1] - 1), dtype=self.compute_dtype), mask


@register
class LastStep(keras.layers.Layer):
    """Vector of each row's last step; zeros for a row without steps.

    Shape: vectors ``(batch, length, units)`` and their mask ``(batch, length)`` to
    ``(batch, units)``.
    """

    def call(self, inputs: Sequence[Any]) -> Any:
        """Choose the step after which the mask ends."""
        vectors, mask = inputs
        goes_on = ops.pad(mask[:, 1:], ((0, 0), (0, 1)))
        is_last = ops.logical_and(mask, ops.logical_not(goes_on))
        return ops.sum(ops.where(is_last[:, :, None], vectors, 0.0), axis=1)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """Return the shape of one vector per row."""
        batch, _, units = input_shape[0]
        return (batch, units)


@register
class SinusoidalPositions(keras.layers.Layer):
    """Vectors with their position in the sequence added, as waves of many lengths.

    ``PE(t, 2 i) = sin(t / 10000 ** (2 i / units))`` and ``PE(t, 2 i + 1)`` the cosine of the same
    (Vaswani et al., "Attention Is All You Need", 2017, section 3.5).

    Shape: ``(batch, length, units)`` to the same.
    """

    def call(self, inputs: Any) -> Any:
        """Add the waves."""
        units = inputs.shape[-1]
        even = np.arange(0, units, 2, dtype="float32")
        frequencies = np.power(10_000, -even / units, dtype="float32")
        steps = ops.arange(ops.shape(inputs)[1], dtype="float32")
        angles = steps[:, None] * frequencies
        waves = ops.stack([ops.sin(angles), ops.cos(angles)], axis=-1)
        waves = ops.reshape(waves, (-1, 2 * len(even)))[:, :units]
        return inputs + ops.cast(waves, inputs.dtype)


@register
class FirstStep(keras.layers.Layer):
    """A learned step set before each sequence, and a mask that includes it.

    Shape: vectors ``(batch, length, units)`` and their mask ``(batch, length)`` to the same, one
    step longer.
    """

    def build(self, input_shape: Any) -> None:
        """Make the vector."""
        units = input_shape[0][-1]
        self.token = self.add_weight(shape=(1, 1, units), initializer="normal", name="token")

    def call(self, inputs: Sequence[Any]) -> tuple[Any, Any]:
        """Set the vector before each row."""
        vectors, mask = inputs
        n_rows = ops.shape(vectors)[0]
        token = ops.broadcast_to(self.token, (n_rows, 1, vectors.shape[-1]))
        token = ops.cast(token, vectors.dtype)
        return (
            ops.concatenate([token, vectors], axis=1),
            ops.pad(mask, ((0, 0), (1, 0)), constant_values=True),
        )

    def compute_output_spec(self, inputs: Sequence[Any]) -> tuple[Any, Any]:
        """Describe vectors and mask, one step longer."""
        vectors, mask = inputs
        batch, length, units = vectors.shape
        length = None if length is None else length + 1
        return (
            keras.KerasTensor((batch, length, units), dtype=vectors.dtype),
            keras.KerasTensor((batch, length), dtype=mask.dtype),
        )
