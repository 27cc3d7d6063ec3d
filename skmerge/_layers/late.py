"""The layer that weighs the predictions of several inputs, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from skmerge._layers._registry import register


@register
class InputWeights(keras.layers.Layer):
    """Weights of the inputs of each row: the same for all rows, shared out among those present.

    The weights of a row sum to 1 over the inputs that it has; those of the inputs that it lacks
    are 0. A row that lacks all gets zeros.

    Shape: a list of presences, each ``(batch, 1)`` of ones and zeros, to
    ``(batch, n_inputs, 1)``.

    Parameters
    ----------
    weights : sequence of float or None
        The fixed weight of each input, 0 or more; None for weights that are learned, as the
        softmax of one number each, equal at first.
    name, trainable, dtype
        As in every Keras layer.
    """

    def __init__(
        self,
        weights: Sequence[float] | None,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.fixed = None if weights is None else [float(weight) for weight in weights]

    def build(self, input_shape: Any) -> None:
        """Make the numbers to learn, if any."""
        if self.fixed is None:
            self.logits = self.add_weight(
                shape=(len(input_shape),), initializer="zeros", name="logits"
            )

    def call(self, inputs: Sequence[Any]) -> Any:
        """Share the weights out among the inputs present."""
        present = ops.concatenate(inputs, axis=1)
        if self.fixed is None:
            weights = ops.softmax(ops.cast(self.logits, present.dtype))
        else:
            weights = ops.convert_to_tensor(self.fixed, dtype=present.dtype)
        shares = present * weights
        total = ops.sum(shares, axis=1, keepdims=True)
        # a row may have only inputs of weight 0
        shares = ops.where(total > 0, shares / ops.where(total > 0, total, 1.0), 0.0)
        return ops.expand_dims(shares, -1)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """Return one weight for each input."""
        return (input_shape[0][0], len(input_shape), 1)

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` takes."""
        return super().get_config() | {"weights": self.fixed}
