"""The merge that compares two branches: how they are, how they differ, what they share."""

from __future__ import annotations

from typing import Any

from skmerge.merges._base import Merge


class Compare(Merge):
    """Comparison of a pair: ``[u; v; |u - v|; u * v]`` (InferSent [1]_, section 3.1).

    For two inputs that are alike, such as two pictures of which the network should say whether
    they show the same: with ``branches={"back": "front"}`` both go through the same weights.

    Parameters
    ----------
    units : int, default=None
        Width that each branch is projected to first. None projects only branches of unequal
        widths, to the widest.
    symmetric : bool, default=False
        If True, ``[u + v; |u - v|; u * v]``, the same for ``(u, v)`` and ``(v, u)``. Both branches
        must then be of one width, and go through one projection, if any. The whole network gives
        the same for swapped inputs if they share a branch, are encoded alike (by default, numbers
        are scaled by the rows of each input), and no row lacks one.

    References
    ----------
    .. [1] A. Conneau, D. Kiela, H. Schwenk, L. Barrault, A. Bordes, "Supervised Learning of
       Universal Sentence Representations from Natural Language Inference Data", EMNLP 2017,
       arXiv:1705.02364.

    Examples
    --------
    >>> from skmerge.merges import Compare
    >>> Compare(symmetric=True)
    Compare(symmetric=True)
    """

    _parameter_constraints = Merge._parameter_constraints | {"symmetric": ["boolean"]}

    needs_equal_widths = True
    maps_in_join = True

    def __init__(self, units: int | None = None, symmetric: bool = False) -> None:
        self.units = units
        self.symmetric = symmetric

    def _join(self, features: list[Any], presence: list[Any]) -> Any:
        from keras import layers, ops

        if len(features) != 2:
            raise ValueError(
                f"'compare' joins exactly two inputs. Got {len(features)}. Use 'concat' or "
                "'multiply', or leave inputs out."
            )
        u, v = self._project_alike(features) if self.symmetric else self._project(features)
        selves = [u + v] if self.symmetric else [u, v]
        return layers.Concatenate(name="compare")([*selves, ops.abs(u - v), u * v])

    def _project_alike(self, features: list[Any]) -> list[Any]:
        from keras import layers

        widths = [feature.shape[-1] for feature in features]
        if widths[0] != widths[1]:
            raise ValueError(
                f"'compare' can be symmetric only for branches of one width. Got {widths}. Share "
                "one branch between the inputs, as in branches={'back': 'front'}, or set "
                "symmetric=False."
            )
        if self.units is None:
            return features
        projection = layers.Dense(self.units, use_bias=False, name="project")
        return [projection(feature) for feature in features]
