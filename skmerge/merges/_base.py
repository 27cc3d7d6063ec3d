"""The base of all merges: the features of every branch go in, one vector of features comes out.

Keras is imported when a network is built, never when a spec is made.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from numbers import Integral
from typing import Any, ClassVar

from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval


class Merge(BaseEstimator, ABC):
    """Specification of how the features of two or more branches become one vector.

    Parameters
    ----------
    units : int, default=None
        Width that each branch is projected to first, by a linear layer of its own. None projects
        only where `needs_equal_widths` is True and the branches differ, to the widest of them.
    """

    _parameter_constraints: dict[str, Any] = {
        "units": [Interval(Integral, 1, None, closed="left"), None]
    }

    #: whether the formula itself maps the features to `units`: `_join` gets them as they are
    maps_in_join: ClassVar[bool] = False

    def __init__(self, units: int | None = None) -> None:
        self.units = units

    @property
    @abstractmethod
    def needs_equal_widths(self) -> bool:
        """Whether `_join` needs features of one width; a class attribute will do."""

    #: whether it joins what each branch's own head predicts, before the activation
    joins_predictions: ClassVar[bool] = False

    def join(self, features: list[Any], *, presence: list[Any] | None = None) -> Any:
        """Add this merge's layers to the network.

        Parameters
        ----------
        features : list of KerasTensor of shape (batch, units_i)
            The features of each branch, at least two.
        presence : list of KerasTensor of shape (batch, 1) or None, default=None
            For each branch, 1.0 where the row has that input and 0.0 where it lacks it, or
            None where it never lacks.

        Returns
        -------
        KerasTensor of shape (batch, units)
            The merged features.

        Raises
        ------
        ValueError
            If this merge cannot join that many branches, or a parameter is not valid.
        """
        self._validate_params()
        if len(features) < 2:
            raise ValueError(f"A merge joins at least two branches. Got {len(features)}.")
        presence = [None] * len(features) if presence is None else presence
        projected = features if self.maps_in_join else self._project(features)
        return self._join(projected, presence)

    @abstractmethod
    def _join(self, features: list[Any], presence: list[Any]) -> Any:
        """Join features, of equal widths if `needs_equal_widths`."""

    def _project(self, features: list[Any]) -> list[Any]:
        """Bring features to the width `units` by one linear layer each, where needed."""
        import keras

        widths = [feature.shape[-1] for feature in features]
        units = self.units
        if units is None:
            if not self.needs_equal_widths or len(set(widths)) == 1:
                return features
            units = widest(features)
        return [
            keras.layers.Dense(units, use_bias=False, name=f"project_{position}")(feature)
            for position, feature in enumerate(features)
        ]


def widest(features: list[Any]) -> int:
    """Return the width of the widest features.

    Parameters
    ----------
    features : list of KerasTensor of shape (batch, units_i)
        The features of each branch.

    Returns
    -------
    int
        The largest ``units_i``.
    """
    return max(feature.shape[-1] for feature in features)


def stacked_presence(presence: list[Any]) -> Any:
    """Return the presence of all inputs in one tensor.

    Parameters
    ----------
    presence : list of KerasTensor of shape (batch, 1) or None
        For each input, 1.0 where the row has it and 0.0 where it lacks it, or None where it never
        lacks.

    Returns
    -------
    KerasTensor of shape (batch, n_inputs, 1) or None
        The same with ones in place of None; None if no row lacks any input.
    """
    from keras import ops

    given = [present for present in presence if present is not None]
    if not given:
        return None
    always = ops.ones_like(given[0])
    return ops.stack([always if present is None else present for present in presence], axis=1)


def join_in_network(
    merge: Merge, features: list[Any], *, presence: list[Any] | None = None, name: str
) -> Any:
    """Join features inside a network of their own, so that names of layers cannot collide.

    Parameters
    ----------
    merge : Merge
        How to join.
    features : list of KerasTensor of shape (batch, units_i)
        The features of each branch.
    presence : list of KerasTensor of shape (batch, 1) or None, default=None
        For each branch, where rows have the input, or None.
    name : str
        Name of the network, a layer of the one around it.

    Returns
    -------
    KerasTensor of shape (batch, units)
        The merged features.

    Raises
    ------
    ValueError
        If this merge cannot join such features, or joins them to no vectors of one width.
    """
    import keras

    given = [None] * len(features) if presence is None else presence
    inner_features = [
        keras.Input(feature.shape[1:], dtype=feature.dtype, name=f"features-{position}")
        for position, feature in enumerate(features)
    ]
    inner_presence = [
        None if present is None else keras.Input((1,), name=f"present-{position}")
        for position, present in enumerate(given)
    ]
    output = merge.join(inner_features, presence=inner_presence)
    shape = getattr(output, "shape", None)
    if shape is None or len(shape) != 2 or shape[1] is None:
        raise ValueError(
            f"A merge must give one vector of features a row, of shape (batch, units). Got {shape}."
        )
    if any(output is feature for feature in inner_features):
        output = keras.layers.Identity(name="passed")(output)
    inner = [*inner_features, *inner_presence]
    outer = [*features, *given]
    read = [position for position, tensor in enumerate(inner) if _is_read(tensor)]
    inner, outer = [inner[position] for position in read], [outer[position] for position in read]
    return keras.Model(inner, output, name=name)(outer)


def _is_read(tensor: Any) -> bool:
    """Say whether a layer reads an input, for Keras 3.11 to 3.13 refuse one that none does."""
    return tensor is not None and bool(tensor._keras_history.operation._outbound_nodes)
