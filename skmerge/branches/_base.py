"""The base of all branches: the tensor of one input goes in, its features come out.

Keras is imported when a network is built, never when a spec is made.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from numbers import Integral
from typing import Any, ClassVar

from sklearn.base import BaseEstimator

from skmerge._errors import short_repr
from skmerge._spec import InputSpec


class Branch(BaseEstimator, ABC):
    """Specification of the subnetwork that reads one input."""

    #: whether it reads rows in the same way if the spec has more ids and codes than they have, and
    #: a length that varies: then one network serves the training rows of all folds
    builds_for_more: ClassVar[bool] = False

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


def check_widths(name: str, owner: str, widths: Any) -> None:
    """Raise if a parameter is not a tuple of widths of layers.

    Parameters
    ----------
    name : str
        The parameter.
    owner : str
        What has the parameter, for the message.
    widths : object
        The value of the parameter.

    Raises
    ------
    ValueError
        If it is not an iterable of integers of at least 1, a string included.
    """
    valid = isinstance(widths, Iterable) and not isinstance(widths, str | bytes)
    if valid:
        valid = all(isinstance(width, Integral) and int(width) >= 1 for width in widths)
    if not valid:
        raise ValueError(
            f"The {name!r} parameter of {owner} must be a tuple of widths of at least 1, such as "
            f"(64,) or (64, 32). Got {short_repr(widths)}."
        )
