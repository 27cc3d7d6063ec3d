"""The layer that varies pictures in training."""

from __future__ import annotations

from typing import Any

import keras

from skmerge._layers._registry import register

_FLIPS = {
    None: (),
    "horizontal": ("horizontal",),
    "vertical": ("vertical",),
    "both": ("horizontal", "vertical"),
}


@register
class VariedPictures(keras.layers.Layer):
    """Pictures flipped, zoomed and shifted at random in training, as they are otherwise.

    Keras's own random layers vary pictures unless they are told not to, and flip in both
    directions at once or not at all. Here ``network(pictures)`` is inference, and the two flips
    are drawn apart. Pixels from beyond an edge are those of the edge; values between pixels are
    interpolated linearly.

    Shape: ``(batch, height, width, channels)`` to the same.

    Parameters
    ----------
    flip : {"horizontal", "vertical", "both"} or None, default=None
        Directions in which every second picture is mirrored.
    shift : float, default=0.0
        Largest shift, as a share of height and width, drawn for each of them.
    zoom : float, default=0.0
        Largest zoom: what is seen is between ``1 - zoom`` and ``1 + zoom`` of the picture's
        height and width.
    name, trainable, dtype
        As in every Keras layer.
    """

    def __init__(
        self,
        flip: str | None = None,
        shift: float = 0.0,
        zoom: float = 0.0,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.flip = flip
        self.shift = shift
        self.zoom = zoom
        layers = keras.layers
        self.steps: list[Any] = [layers.RandomFlip(mode) for mode in _FLIPS[flip]]
        if zoom:
            self.steps.append(layers.RandomZoom(zoom, fill_mode="nearest"))
        if shift:
            self.steps.append(layers.RandomTranslation(shift, shift, fill_mode="nearest"))

    def build(self, input_shape: Any) -> None:
        """Build the steps, which have no weights."""
        for step in self.steps:
            step.build(input_shape)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Vary the pictures, each on its own, if this is training."""
        if training:
            for step in self.steps:
                inputs = step(inputs, training=True)
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the pictures."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` takes."""
        return super().get_config() | {"flip": self.flip, "shift": self.shift, "zoom": self.zoom}
