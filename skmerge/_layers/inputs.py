"""Layers around the inputs of the network: how arrays enter, and what stands for absent ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from skmerge._layers._registry import register


@register
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


@register
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


@register
class InputDropout(keras.layers.Layer):
    """Inputs taken away from rows at random in training, so that the network learns to do without.

    Each input of a row is taken away with the same probability, independently; a row that would
    lose all that it has keeps all of it. (Neverova 2016, "ModDrop", arXiv 1501.00102, section 4.2,
    without the last.)

    Shape: a list of presences, each ``(batch, 1)`` of ones and zeros, to the same.

    Parameters
    ----------
    rate : float
        Probability of each input to be taken away, 0 up to 1 (excluded).
    name, trainable, dtype
        As in every Keras layer.
    """

    def __init__(
        self,
        rate: float,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.rate = rate
        self.seed_generator = keras.random.SeedGenerator()

    def call(self, inputs: Sequence[Any], training: bool = False) -> list[Any]:
        """Return the presences, some of them set to 0 in training."""
        if not training:
            return list(inputs)
        present = ops.concatenate(inputs, axis=1)
        draws = keras.random.uniform(
            ops.shape(present), dtype=present.dtype, seed=self.seed_generator
        )
        left = present * ops.cast(draws >= self.rate, present.dtype)
        left = ops.where(ops.max(left, axis=1, keepdims=True) > 0, left, present)
        return [left[:, position : position + 1] for position in range(len(inputs))]

    def compute_output_shape(self, input_shape: Any) -> list[Any]:
        """Return the shapes of the inputs."""
        return list(input_shape)

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` takes."""
        return super().get_config() | {"rate": self.rate}
