"""Blocks of convolutions: maps go in, maps of the same height and width come out.

Maps are tensors of shape ``(batch, height, width, filters)``. A new kind of block is one function
here and one line in `BLOCKS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

#: an inception block has this many paths, each at least one filter wide
N_PATHS = 4


@dataclass(frozen=True)
class Convolution:
    """Convolutions that keep height and width, and what follows each of them.

    Parameters
    ----------
    activation : str or None
        Name of the Keras activation.
    batch_normalization : bool
        Whether outputs are normalised before the activation; the convolution then has no bias.
    """

    activation: str | None
    batch_normalization: bool

    def __call__(
        self, maps: Any, n_filters: int, kernel_size: Any, name: str, *, activated: bool = True
    ) -> Any:
        """Add one convolution.

        Parameters
        ----------
        maps : KerasTensor of shape (batch, height, width, n_maps)
            What it reads.
        n_filters : int
            Number of filters.
        kernel_size : int or tuple of int
            Height and width of a filter, in pixels.
        name : str
            Name of the layer, and start of the names of those after it.
        activated : bool, default=True
            Whether the activation follows.

        Returns
        -------
        KerasTensor of shape (batch, height, width, n_filters)
            The maps.
        """
        from keras import layers

        activation = self.activation if activated else None
        normalized = self.batch_normalization
        maps = layers.Conv2D(
            n_filters,
            kernel_size,
            padding="same",
            activation=None if normalized else activation,
            use_bias=not normalized,
            name=name,
        )(maps)
        if normalized:
            maps = layers.BatchNormalization(name=f"{name}-normalized")(maps)
            if activated:
                maps = self.activate(maps, name)
        return maps

    def activate(self, maps: Any, name: str) -> Any:
        """Add the activation alone.

        Parameters
        ----------
        maps : KerasTensor of shape (batch, height, width, n_maps)
            What it reads.
        name : str
            Start of the layer's name.

        Returns
        -------
        KerasTensor of shape (batch, height, width, n_maps)
            The maps.
        """
        from keras import layers

        return layers.Activation(self.activation, name=f"{name}-activated")(maps)


def plain_block(
    maps: Any, n_filters: int, kernel_size: Any, convolution: Convolution, name: str
) -> Any:
    """Add one convolution.

    Parameters
    ----------
    maps : KerasTensor of shape (batch, height, width, n_maps)
        What the block reads.
    n_filters : int
        Number of filters.
    kernel_size : int or tuple of int
        Height and width of a filter, in pixels.
    convolution : Convolution
        Adds a convolution with what follows it.
    name : str
        Name of the layer.

    Returns
    -------
    KerasTensor of shape (batch, height, width, n_filters)
        The maps.
    """
    return convolution(maps, n_filters, kernel_size, name)


def residual_block(
    maps: Any, n_filters: int, kernel_size: Any, convolution: Convolution, name: str
) -> Any:
    """Add two convolutions, and what they read to what they make of it.

    With convolutions ``W_1``, ``W_2`` and the activation ``s``, the block is
    ``s(W_2 s(W_1 x) + x)`` (He 2016, eq. 1), or ``s(W_2 s(W_1 x) + W_s x)`` with a 1 x 1
    convolution ``W_s`` where `maps` are not `n_filters` wide (eq. 2). Normalisation follows each
    convolution, ``W_s`` too, so that it comes before the addition.

    Parameters
    ----------
    maps : KerasTensor of shape (batch, height, width, n_maps)
        What the block reads.
    n_filters : int
        Number of filters of each convolution.
    kernel_size : int or tuple of int
        Height and width of a filter of the two convolutions, in pixels.
    convolution : Convolution
        Adds a convolution with what follows it.
    name : str
        Name of the addition, and start of the names of the other layers.

    Returns
    -------
    KerasTensor of shape (batch, height, width, n_filters)
        The maps.
    """
    from keras import layers

    change = convolution(maps, n_filters, kernel_size, f"{name}-conv_1")
    change = convolution(change, n_filters, kernel_size, f"{name}-conv_2", activated=False)
    if maps.shape[-1] != n_filters:
        maps = convolution(maps, n_filters, 1, f"{name}-projected", activated=False)
    return convolution.activate(layers.Add(name=name)([change, maps]), name)


class InceptionWidths(NamedTuple):
    """Numbers of filters in an inception block.

    Parameters
    ----------
    one : int
        Of the path of one 1 x 1 convolution.
    reduced_three, three : int
        Of the 1 x 1 reduction before the 3 x 3 convolution, and of that convolution.
    reduced_five, five : int
        The same for the 5 x 5 convolution.
    pooled : int
        Of the 1 x 1 convolution after max pooling.
    """

    one: int
    reduced_three: int
    three: int
    reduced_five: int
    five: int
    pooled: int


def inception_widths(n_filters: int) -> InceptionWidths:
    """Share the width of an inception block among its paths.

    The shares are those of the first block of GoogLeNet, "3a" (Szegedy 2015, table 1), whose
    256 filters are 64, 128, 32 and 32: a quarter, a half, an eighth and an eighth, where the
    3 x 3 path takes what rounding leaves over. Reductions have three quarters of the width of
    the 3 x 3 path (96 of 128) and half of that of the 5 x 5 path (16 of 32). No width is below 1.

    Parameters
    ----------
    n_filters : int
        Width of the block, at least 4.

    Returns
    -------
    InceptionWidths
        The width of each convolution.
    """
    one, five, pooled = max(1, n_filters // 4), max(1, n_filters // 8), max(1, n_filters // 8)
    three = n_filters - one - five - pooled
    return InceptionWidths(one, max(1, 3 * three // 4), three, max(1, five // 2), five, pooled)


def inception_block(
    maps: Any, n_filters: int, kernel_size: Any, convolution: Convolution, name: str
) -> Any:
    """Add four paths side by side, whose maps are concatenated.

    Parameters
    ----------
    maps : KerasTensor of shape (batch, height, width, n_maps)
        What the block reads.
    n_filters : int
        Width of the concatenation, at least 4, shared as `inception_widths` says.
    kernel_size : int or tuple of int
        Ignored: the paths have sizes of their own.
    convolution : Convolution
        Adds a convolution with what follows it.
    name : str
        Name of the concatenation, and start of the names of the other layers.

    Returns
    -------
    KerasTensor of shape (batch, height, width, n_filters)
        The maps.
    """
    return inception_paths(maps, inception_widths(n_filters), convolution, name)


def inception_paths(maps: Any, widths: InceptionWidths, convolution: Convolution, name: str) -> Any:
    """Add the four paths of an inception block (Szegedy 2015, fig. 2b).

    A 1 x 1 convolution; a 1 x 1 reduction before a 3 x 3 convolution; the same before a 5 x 5
    convolution; and a 1 x 1 convolution after 3 x 3 max pooling. The activation follows each
    convolution, reductions too.

    Parameters
    ----------
    maps : KerasTensor of shape (batch, height, width, n_maps)
        What the block reads.
    widths : InceptionWidths
        The width of each convolution.
    convolution : Convolution
        Adds a convolution with what follows it.
    name : str
        Name of the concatenation, and start of the names of the other layers.

    Returns
    -------
    KerasTensor of shape (batch, height, width, n_filters)
        The maps of the four paths, in this order.
    """
    from keras import layers

    one = convolution(maps, widths.one, 1, f"{name}-1x1")
    three = convolution(maps, widths.reduced_three, 1, f"{name}-3x3-reduced")
    three = convolution(three, widths.three, 3, f"{name}-3x3")
    five = convolution(maps, widths.reduced_five, 1, f"{name}-5x5-reduced")
    five = convolution(five, widths.five, 5, f"{name}-5x5")
    pooled = layers.MaxPooling2D(3, strides=1, padding="same", name=f"{name}-pool")(maps)
    pooled = convolution(pooled, widths.pooled, 1, f"{name}-pool-projected")
    return layers.Concatenate(name=name)([one, three, five, pooled])


BLOCKS: dict[str, Callable[..., Any]] = {
    "plain": plain_block,
    "inception": inception_block,
    "residual": residual_block,
}
