"""The base of all branches: the tensor of one input goes in, its features come out.

Keras is imported when a network is built, never when a spec is made.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from sklearn.base import BaseEstimator

from skmerge._spec import InputSpec


class Branch(BaseEstimator, ABC):
    """Specification of the subnetwork that reads one input."""

    @abstractmethod
    def build(self, tensor: Any, spec: InputSpec) -> Any:
        """Add this branch's layers to the network.

        Parameters
        ----------
        tensor : KerasTensor of shape (batch, *spec.shape)
            The input, of dtype ``spec.dtype``; a sparse tensor where ``spec.sparse``.
        spec : InputSpec
            Description of the input.

        Returns
        -------
        KerasTensor of shape (batch, units)
            The features of this input, float32.

        Raises
        ------
        ValueError
            If this branch cannot read such an input.
        """
