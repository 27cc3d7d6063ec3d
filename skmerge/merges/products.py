"""Merges that compare branches pair by pair, by one number for each pair."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from skmerge.merges._base import Merge


class Dot(Merge):
    """Dot product of each pair of branches: ``sum(x_i * x_j)`` for every ``i < j``.

    Gives features of shape ``(batch, n_pairs)``: one number for two branches, three for three,
    six for four; pairs in the order (1, 2), (1, 3), ..., (2, 3), ...

    Parameters
    ----------
    units : int, default=None
        Width that each branch is projected to first. None projects only branches of unequal
        widths, to the widest.

    Examples
    --------
    >>> from skmerge.merges import Dot
    >>> Dot(units=16)
    Dot(units=16)
    """

    needs_equal_widths = True

    def _join(self, features: list[Any], presence: list[Any]) -> Any:
        return _dot_of_pairs(features)


class Cosine(Merge):
    """Cosine of the angle between each pair of branches, for every ``i < j``.

    Gives features of shape ``(batch, n_pairs)`` between -1 and 1, pairs in the order (1, 2),
    (1, 3), ..., (2, 3), ... The cosine with a zero vector is 0 and has a zero gradient.

    Parameters
    ----------
    units : int, default=None
        Width that each branch is projected to first. None projects only branches of unequal
        widths, to the widest.

    Examples
    --------
    >>> from skmerge.merges import Cosine
    >>> Cosine()
    Cosine()
    """

    needs_equal_widths = True

    def _join(self, features: list[Any], presence: list[Any]) -> Any:
        from skmerge._layers import UnitVectors

        # float32 also under mixed precision, where squares of small features would vanish
        units = [
            UnitVectors(dtype="float32", name=f"unit_{position}")(feature)
            for position, feature in enumerate(features)
        ]
        return _dot_of_pairs(units, dtype="float32")


def _dot_of_pairs(features: list[Any], dtype: str | None = None) -> Any:
    from keras import layers

    products = [
        layers.Dot(axes=1, dtype=dtype, name=f"dot_{i}_{j}")([features[i], features[j]])
        for i, j in combinations(range(len(features)), 2)
    ]
    return products[0] if len(products) == 1 else layers.Concatenate(name="pairs")(products)
