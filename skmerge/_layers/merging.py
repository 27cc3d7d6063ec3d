"""Layers of the attention merge: a token that asks the inputs, and how much it hears from each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from skmerge._layers._registry import register

#: below every attention score, and within the range of float16
_LOWEST = -3e4


@register
class ClassToken(keras.layers.Layer):
    """A learned token in front of the tokens of each row.

    Shape: ``(batch, n_tokens, units)`` to ``(batch, 1 + n_tokens, units)``.
    """

    def build(self, input_shape: Any) -> None:
        """Make the token."""
        self.token = self.add_weight(
            shape=(input_shape[-1],), initializer="lecun_normal", name="token"
        )

    def call(self, inputs: Any) -> Any:
        """Put it in front."""
        first = ops.zeros_like(inputs[:, :1]) + self.token
        return ops.concatenate([first, inputs], axis=1)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """Return the shape with one token more."""
        batch, n_tokens, units = input_shape
        return (batch, n_tokens + 1, units)


@register
class ClassAttention(keras.layers.Layer):
    """How much the first token attends to each of the others, in each head.

    Shape: the query of the first token ``(batch, n_heads * head_units)``, the keys of all tokens
    ``(batch, 1 + n_inputs, n_heads * head_units)``, and optionally their presence
    ``(batch, 1 + n_inputs, 1)``, to ``(batch, n_inputs, n_heads)``. What the weights of a head
    lack to 1 is the weight of the first token itself.

    Parameters
    ----------
    n_heads : int
        Number of heads.
    name, trainable, dtype
        As in every Keras layer.
    """

    def __init__(
        self,
        n_heads: int,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.n_heads = n_heads

    def call(self, inputs: Sequence[Any]) -> Any:
        """Take the softmax of the scaled products over all tokens that are present."""
        query, keys, *presence = inputs
        n_tokens, head_units = keys.shape[1], keys.shape[2] // self.n_heads
        query = ops.reshape(query, (-1, 1, self.n_heads, head_units))
        keys = ops.reshape(keys, (-1, n_tokens, self.n_heads, head_units))
        scores = ops.sum(query * keys, axis=-1) / head_units**0.5
        if presence:
            scores = ops.where(presence[0] > 0.5, scores, _LOWEST)
        return ops.softmax(scores, axis=1)[:, 1:]

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """Return one weight for each input and head."""
        batch, n_tokens, _ = input_shape[1]
        return (batch, n_tokens - 1, self.n_heads)

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` takes."""
        return super().get_config() | {"n_heads": self.n_heads}
