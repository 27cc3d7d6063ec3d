"""The base of all merges: the features of every branch go in, one vector of features comes out.

Keras is imported when a network is built, never when a spec is made.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from sklearn.base import BaseEstimator


class Merge(BaseEstimator, ABC):
    """Specification of how the features of two or more branches become one vector.

    Every merge has a parameter `units`, the width that each branch is projected to first by a
    linear layer of its own. None projects only where `needs_equal_widths` is True and the
    branches differ, to the widest of them.
    """

    #: whether ``_join`` needs features of one width
    needs_equal_widths: ClassVar[bool]
    units: int | None

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
            If this merge cannot join that many branches.
        """
        presence = [None] * len(features) if presence is None else presence
        return self._join(self._project(features), presence)

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
            units = max(widths)
        return [
            keras.layers.Dense(units, use_bias=False, name=f"project_{position}")(feature)
            for position, feature in enumerate(features)
        ]
