"""Merges that combine the features of all branches unit by unit."""

from __future__ import annotations

from abc import ABC
from typing import Any, ClassVar

from skmerge.merges._base import Merge


class _UnitByUnit(Merge, ABC):
    """A merge by the Keras layer that it names, of any number of branches."""

    needs_equal_widths = True
    _layer: ClassVar[str]

    def _join(self, features: list[Any], presence: list[Any]) -> Any:
        from keras import layers

        return getattr(layers, self._layer)(name=type(self).__name__.lower())(features)


class Sum(_UnitByUnit):
    """Sum of the branches, unit by unit.

    The result is ``x_1 + ... + x_k``.

    Parameters
    ----------
    units : int, default=None
        Width that each branch is projected to first. None projects only branches of unequal
        widths, to the widest.

    Examples
    --------
    >>> from skmerge.merges import Sum
    >>> Sum(units=32)
    Sum(units=32)
    """

    _layer = "Add"


class Multiply(_UnitByUnit):
    """Product of the branches, unit by unit.

    The result is ``x_1 * ... * x_k``.

    Parameters
    ----------
    units : int, default=None
        Width that each branch is projected to first. None projects only branches of unequal
        widths, to the widest.

    Examples
    --------
    >>> from skmerge.merges import Multiply
    >>> Multiply(units=32)
    Multiply(units=32)
    """

    _layer = "Multiply"


class Average(_UnitByUnit):
    """Mean of the branches, unit by unit.

    The result is ``(x_1 + ... + x_k) / k``.

    Parameters
    ----------
    units : int, default=None
        Width that each branch is projected to first. None projects only branches of unequal
        widths, to the widest.

    Examples
    --------
    >>> from skmerge.merges import Average
    >>> Average(units=32)
    Average(units=32)
    """

    _layer = "Average"


class Maximum(_UnitByUnit):
    """Largest value among the branches, unit by unit: ``max(x_1, ..., x_k)``.

    Parameters
    ----------
    units : int, default=None
        Width that each branch is projected to first. None projects only branches of unequal
        widths, to the widest.

    Examples
    --------
    >>> from skmerge.merges import Maximum
    >>> Maximum(units=32)
    Maximum(units=32)
    """

    _layer = "Maximum"


class Minimum(_UnitByUnit):
    """Smallest value among the branches, unit by unit: ``min(x_1, ..., x_k)``.

    Parameters
    ----------
    units : int, default=None
        Width that each branch is projected to first. None projects only branches of unequal
        widths, to the widest.

    Examples
    --------
    >>> from skmerge.merges import Minimum
    >>> Minimum(units=32)
    Minimum(units=32)
    """

    _layer = "Minimum"


class Subtract(Merge):
    """Difference of two branches, unit by unit: ``x_1 - x_2``, in the order of the inputs.

    Parameters
    ----------
    units : int, default=None
        Width that each branch is projected to first. None projects only branches of unequal
        widths, to the widest.

    Examples
    --------
    >>> from skmerge.merges import Subtract
    >>> Subtract(units=32)
    Subtract(units=32)
    """

    needs_equal_widths = True

    def _join(self, features: list[Any], presence: list[Any]) -> Any:
        from keras import layers

        if len(features) != 2:
            raise ValueError(
                f"'subtract' joins exactly two inputs. Got {len(features)}. Use 'concat' "
                "or 'sum', or leave inputs out."
            )
        return layers.Subtract(name="subtract")(features)
