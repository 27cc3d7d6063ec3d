"""The merge modes: how the features of all branches become one vector.

Enters: what a user writes for a merge. Leaves: a `Merge`. A new mode is one class here and one
line in `MERGES`.
"""

from __future__ import annotations

from typing import Any

from skmerge._errors import did_you_mean, short_repr
from skmerge.branches._rebuild import is_keras_layer
from skmerge.merges._base import Merge, join_in_network
from skmerge.merges.attention import AttentionMerge
from skmerge.merges.bilinear import Bilinear
from skmerge.merges.compare import Compare
from skmerge.merges.concat import Concat
from skmerge.merges.elementwise import Average, Maximum, Minimum, Multiply, Subtract, Sum
from skmerge.merges.film import FiLM
from skmerge.merges.gated import Gated
from skmerge.merges.keras_merge import KerasMerge
from skmerge.merges.late import Late
from skmerge.merges.many import MergeList
from skmerge.merges.mrnn import MRNN
from skmerge.merges.products import Cosine, Dot

__all__ = [
    "ALIASES",
    "MERGES",
    "MRNN",
    "AttentionMerge",
    "Average",
    "Bilinear",
    "Compare",
    "Concat",
    "Cosine",
    "Dot",
    "FiLM",
    "Gated",
    "KerasMerge",
    "Late",
    "Maximum",
    "Merge",
    "MergeList",
    "Minimum",
    "Multiply",
    "Subtract",
    "Sum",
    "join_in_network",
    "resolve_merge",
]

MERGES: dict[str, type[Merge]] = {
    "concat": Concat,
    "sum": Sum,
    "subtract": Subtract,
    "multiply": Multiply,
    "average": Average,
    "maximum": Maximum,
    "minimum": Minimum,
    "dot": Dot,
    "cosine": Cosine,
    "compare": Compare,
    "gated": Gated,
    "bilinear": Bilinear,
    "film": FiLM,
    "attention": AttentionMerge,
    "mrnn": MRNN,
    "late": Late,
}

#: names that Keras 1 and Keras itself use for the same modes
ALIASES = {
    "concatenate": "concat",
    "add": "sum",
    "mul": "multiply",
    "ave": "average",
    "avg": "average",
    "max": "maximum",
    "min": "minimum",
    "cos": "cosine",
}


def resolve_merge(value: Any) -> Merge:
    """Turn what a user writes for a merge into a `Merge`.

    Parameters
    ----------
    value : str, Merge, keras.layers.Layer or list of these
        A short name or its alias, a merge (returned as it is), a Keras layer that takes a list
        (for a `KerasMerge`), or a list (for a `MergeList`).

    Returns
    -------
    Merge
        The merge.

    Raises
    ------
    ValueError
        If it is none of these.

    Examples
    --------
    >>> from skmerge.merges import resolve_merge
    >>> resolve_merge("add")
    Sum()
    >>> resolve_merge(["concat", "dot"])
    MergeList(merges=[Concat(), Dot()])
    """
    if isinstance(value, Merge):
        return value
    if isinstance(value, str) and ALIASES.get(value, value) in MERGES:
        return MERGES[ALIASES.get(value, value)]()
    if isinstance(value, list) and value:
        return MergeList([resolve_merge(entry) for entry in value])
    if is_keras_layer(value):
        return KerasMerge(value)
    hint = did_you_mean(value, [*MERGES, *ALIASES]) if isinstance(value, str) else ""
    raise ValueError(
        f"The 'merge' parameter must be one of {list(MERGES)}, a Merge, a Keras layer or a list of "
        f"those. Got {short_repr(value)}.{hint}"
    )
