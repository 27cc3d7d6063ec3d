"""The user's own Keras merging layer as a merge, rebuilt for every network."""

from __future__ import annotations

from typing import Any

from skmerge.branches._rebuild import HoldsNetwork, rebuilt
from skmerge.merges._base import Merge


class KerasMerge(HoldsNetwork, Merge):
    """A Keras layer or model that takes the list of all features.

    Outputs of higher rank than ``(batch, units)`` are flattened.

    Parameters
    ----------
    network : keras.layers.Layer or callable
        A merging layer such as ``keras.layers.Add()``, any layer or model that takes a list of
        tensors, or a function without arguments that makes one. It is rebuilt for every
        network.
    units : int, default=None
        Width that each branch is projected to first. None projects only branches of unequal
        widths for Keras's own elementwise layers and its dot product, to the widest.

    Examples
    --------
    >>> from skmerge.merges import KerasMerge
    >>> KerasMerge("not a layer", units=8)
    KerasMerge(network='not a layer', units=8)
    """

    _parameter_constraints = Merge._parameter_constraints | {"network": "no_validation"}

    def __init__(self, network: Any, units: int | None = None) -> None:
        self.network = network
        self.units = units

    @property
    def needs_equal_widths(self) -> bool:
        """Whether the layer is one of Keras's that work unit by unit."""
        from keras import layers

        unit_by_unit = (
            layers.Add,
            layers.Average,
            layers.Dot,
            layers.Maximum,
            layers.Minimum,
            layers.Multiply,
            layers.Subtract,
        )
        return isinstance(self.network, unit_by_unit)

    def _join(self, features: list[Any], presence: list[Any]) -> Any:
        from skmerge.branches.dense import flat

        output = rebuilt(self.network)(features)
        if getattr(output, "shape", None) is None:
            raise ValueError(
                "The network of a KerasMerge must give one tensor. "
                f"{self.network!r} returns {type(output).__name__} of {len(output)}."
            )
        return flat(output)
