"""Layers around the inputs of the network: how arrays enter, and what stands for absent ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

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
