"""The merge that lays the features of all branches side by side."""

from __future__ import annotations

from typing import Any

from skmerge.merges._base import Merge


class Concat(Merge):
    """All features side by side: ``[x_1; ...; x_k]``, in the order of the inputs.

    Parameters
    ----------
    units : int, default=None
        Width that each branch is projected to first. None projects no branch.

    Examples
    --------
    >>> from skmerge.merges import Concat
    >>> Concat()
    Concat()
    """

    needs_equal_widths = False

    def _join(self, features: list[Any], presence: list[Any]) -> Any:
        from keras import layers

        return layers.Concatenate(name="concat")(features)
