"""The wide layers: fixed linear models on ids and tables, and their blend with the deep part.

Their weights are not trained by gradients. They are 0 until they are set, so that a network
predicts with its deep part alone until then.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from skmerge._layers._gather import columns_of, rows_of
from skmerge._layers._registry import register
from skmerge._spec import UNKNOWN_ID, pair_bucket


@register
class WideWords(keras.layers.Layer):
    """A linear model on the words of a text and on pairs of neighbours.

    Each word and each pair has a row in a table: its weights for each output, times its rarity, and
    the square of its rarity. The sum of the rows of a text's words and pairs, divided by the root
    of the last column's, is what the model says. Padding and unknown words have no part.

    Shape: ``(batch, length)`` ids to ``(batch, n_outputs)``.

    Parameters
    ----------
    n_words : int
        Number of ids.
    n_pairs : int
        Number of buckets of pairs, 0 for none.
    n_outputs : int
        Number of outputs.
    name, trainable, dtype
        As in every Keras layer.
    """

    def __init__(
        self,
        n_words: int,
        n_pairs: int,
        n_outputs: int,
        *,
        name: str | None = None,
        trainable: bool = False,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, trainable=trainable, dtype=dtype, autocast=False)
        self.n_words = n_words
        self.n_pairs = n_pairs
        self.n_outputs = n_outputs

    def build(self, input_shape: Any) -> None:
        """Make the tables."""
        sizes = {"words": self.n_words} | ({"pairs": self.n_pairs} if self.n_pairs else {})
        for name, size in sizes.items():
            shape = (size, self.n_outputs + 1)
            table = self.add_weight(shape=shape, initializer="zeros", trainable=False, name=name)
            setattr(self, name, table)

    def call(self, inputs: Any) -> Any:
        """Sum up the rows of the words and pairs."""
        # the rows of padding and of unknown words are 0
        total = ops.sum(rows_of(self.words, inputs), axis=1)
        if self.n_pairs:
            ids = ops.cast(inputs, "int64")
            buckets = pair_bucket(ids[:, :-1], ids[:, 1:], self.n_pairs)
            known = ops.cast(inputs > UNKNOWN_ID, "float32")
            kept = ops.expand_dims(known[:, :-1] * known[:, 1:], -1)
            total += ops.sum(rows_of(self.pairs, buckets) * kept, axis=1)
        length = ops.sqrt(ops.maximum(total[:, -1:], 1e-12))
        return total[:, :-1] / length

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, int]:
        """Return the shape of the outputs."""
        return (input_shape[0], self.n_outputs)

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` takes."""
        return super().get_config() | {
            "n_words": self.n_words,
            "n_pairs": self.n_pairs,
            "n_outputs": self.n_outputs,
        }


@register
class WideTable(keras.layers.Layer):
    """A linear model on the numbers of a table, on their pieces, and on its codes.

    Shape: ``(batch, n_columns)`` to ``(batch, n_outputs)``.

    Parameters
    ----------
    number_columns, code_columns : sequence of int
        Positions of the numbers, and of the codes.
    cardinalities : sequence of int
        Number of codes of each of the `code_columns`.
    n_bins : int
        Number of intervals of each number, 0 for none.
    n_outputs : int
        Number of outputs.
    n_crossed : int, default=0
        Number of intervals by which each two numbers are read together, 0 for none.
    name, trainable, dtype
        As in every Keras layer.
    """

    def __init__(
        self,
        number_columns: Sequence[int],
        code_columns: Sequence[int],
        cardinalities: Sequence[int],
        n_bins: int,
        n_outputs: int,
        *,
        n_crossed: int = 0,
        name: str | None = None,
        trainable: bool = False,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, trainable=trainable, dtype=dtype, autocast=False)
        self.number_columns = list(number_columns)
        self.code_columns = list(code_columns)
        self.cardinalities = list(cardinalities)
        self.n_bins = n_bins
        self.n_outputs = n_outputs
        self.n_crossed = n_crossed

    def build(self, input_shape: Any) -> None:
        """Make the scales and the weights."""
        n, k = len(self.number_columns), self.n_outputs
        if n:
            self.center = self._fixed("center", (n,))
            self.factor = self._fixed("factor", (n,))
            self.slopes = self._fixed("slopes", (n, k))
            if self.n_bins:
                self.lower = self._fixed("lower", (n, self.n_bins))
                self.inverse = self._fixed("inverse", (n, self.n_bins))
                self.pieces = self._fixed("pieces", (n * self.n_bins, k))
            if self.n_crossed and n > 1:
                self.left, self.right = np.triu_indices(n, 1)
                self.lower_crossed = self._fixed("lower_crossed", (n, self.n_crossed))
                self.inverse_crossed = self._fixed("inverse_crossed", (n, self.n_crossed))
                n_products = len(self.left) * (self.n_crossed + 1) ** 2
                self.products = self._fixed("products", (n_products, k))
        if self.code_columns:
            self.starts = np.cumsum([0, *self.cardinalities])[:-1].astype("int32")
            self.codes = self._fixed("codes", (sum(self.cardinalities), k))

    def _fixed(self, name: str, shape: tuple[int, ...]) -> Any:
        return self.add_weight(shape=shape, initializer="zeros", trainable=False, name=name)

    def call(self, inputs: Any) -> Any:
        """Add up what numbers, pieces and codes say."""
        parts = []
        if self.number_columns:
            columns = np.asarray(self.number_columns, dtype="int32")
            numbers = ops.cast(columns_of(inputs, columns), "float32")
            parts.append(ops.matmul((numbers - self.center) * self.factor, self.slopes))
            if self.n_bins:
                pieces = ops.expand_dims(numbers, -1) - self.lower
                pieces = ops.clip(pieces * self.inverse, 0, 1)
                width = len(self.number_columns) * self.n_bins
                parts.append(ops.matmul(ops.reshape(pieces, (-1, width)), self.pieces))
            if self.n_crossed and len(self.number_columns) > 1:
                parts.append(ops.matmul(self._crossed(numbers), self.products))
        if self.code_columns:
            columns = np.asarray(self.code_columns, dtype="int32")
            codes = ops.cast(columns_of(inputs, columns), "int32") + self.starts
            parts.append(ops.sum(rows_of(self.codes, codes), axis=1))
        return sum(parts[1:], parts[0])

    def _crossed(self, numbers: Any) -> Any:
        """Multiply what two numbers say of where they are, for each two and each two places."""
        reached = (ops.expand_dims(numbers, -1) - self.lower_crossed) * self.inverse_crossed
        reached = ops.clip(reached, 0, 1)
        first, last = 1 - reached[:, :, :1], reached[:, :, -1:]
        near = ops.concatenate([first, reached[:, :, :-1] - reached[:, :, 1:], last], axis=-1)
        left = ops.expand_dims(columns_of(near, self.left), -1)
        right = ops.expand_dims(columns_of(near, self.right), -2)
        return ops.reshape(left * right, (-1, self.products.shape[0]))

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, int]:
        """Return the shape of the outputs."""
        return (input_shape[0], self.n_outputs)

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` takes."""
        return super().get_config() | {
            "number_columns": self.number_columns,
            "code_columns": self.code_columns,
            "cardinalities": self.cardinalities,
            "n_bins": self.n_bins,
            "n_outputs": self.n_outputs,
            "n_crossed": self.n_crossed,
        }


@register
class Blend(keras.layers.Layer):
    """Predictions times a factor each, plus those of the wide parts as they are, plus a bias.

    The first factor, that of the merged network, is 1, the others and the bias are 0 until they are
    set.

    Shape: a list of tensors ``(batch, n_outputs)``, those to be scaled first, to that shape.

    Parameters
    ----------
    n_scaled : int
        How many of the predictions have a factor.
    name, trainable, dtype
        As in every Keras layer.
    """

    def __init__(
        self,
        n_scaled: int = 1,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.n_scaled = n_scaled

    def build(self, input_shape: Any) -> None:
        """Make the factors and the bias."""
        self.factors = [
            self.add_weight(
                shape=(),
                initializer="zeros" if position else "ones",
                trainable=False,
                name=f"factor_{position}",
            )
            for position in range(self.n_scaled)
        ]
        self.bias = self.add_weight(
            shape=(input_shape[0][-1],), initializer="zeros", trainable=False, name="bias"
        )

    def call(self, inputs: Sequence[Any]) -> Any:
        """Add the predictions up."""
        total = sum(inputs[self.n_scaled :], self.bias)
        for prediction, factor in zip(inputs, self.factors, strict=False):
            total = total + prediction * factor
        return total

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of one prediction."""
        return input_shape[0]

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` takes."""
        return super().get_config() | {"n_scaled": self.n_scaled}
