"""The merges to compare: what the user names, or every mode that can join the inputs at hand.

Enters: the `merges` argument. Leaves: merges by label.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from skmerge._errors import short_repr
from skmerge._spec import InputSpec
from skmerge.branches import DenseBranch
from skmerge.merges import MERGES, KerasMerge, Merge, MergeList, resolve_merge

_WIDTH = 64


def merge_label(merge: Any) -> str:
    """Return what to call a merge in a table.

    Parameters
    ----------
    merge : str, Merge, keras.layers.Layer or list of these
        The merge.

    Returns
    -------
    str
        Its short name if all its parameters are at their defaults, otherwise its repr; those of
        a list with ``" + "`` between them.

    Examples
    --------
    >>> from skmerge.inspection._modes import merge_label
    >>> from skmerge.merges import Multiply
    >>> merge_label(["concat", Multiply(units=8)])
    'concat + Multiply(units=8)'
    """
    if isinstance(merge, str):
        return merge
    if isinstance(merge, list):
        return " + ".join(map(merge_label, merge))
    if isinstance(merge, MergeList) and merge.units is None:
        return " + ".join(map(merge_label, merge.merges))
    if isinstance(merge, KerasMerge) and merge.units is None:
        merge = merge.network
    if not isinstance(merge, Merge):
        return str(getattr(merge, "name", None) or getattr(merge, "__name__", type(merge).__name__))
    for name, mode in MERGES.items():
        if type(merge) is mode and merge.get_params() == mode().get_params():
            return name
    return " ".join(repr(merge).split())


def merges_to_compare(merges: Any, own: Any, specs: Mapping[str, InputSpec]) -> dict[str, Any]:
    """Return the merges by label.

    Parameters
    ----------
    merges : None, sequence or mapping
        As `compare_merges` takes it.
    own : str, Merge, keras.layers.Layer or list of these
        The merge of the user's estimator.
    specs : mapping of str to InputSpec
        The inputs.

    Returns
    -------
    dict of str to merge
        The merges, in order.

    Raises
    ------
    ValueError
        If `merges` is none of what it can be, names a merge twice, or one that cannot join these
        inputs.
    """
    if merges is None:
        fitting = {name: name for name in MERGES if why_not(name, specs) is None}
        label = merge_label(resolve_merge(own))
        return fitting if label in MERGES else {label: own, **fitting}
    if isinstance(merges, Mapping):
        labelled = {str(label): merge for label, merge in merges.items()}
    elif isinstance(merges, Sequence) and not isinstance(merges, str):
        labelled = {merge_label(merge): merge for merge in merges}
        if len(labelled) < len(merges):
            names = [merge_label(merge) for merge in merges]
            raise ValueError(
                f"Each of 'merges' must have a label of its own. Got {names}. Give a dict that "
                "maps labels to merges."
            )
    else:
        raise ValueError(
            "The 'merges' must be a list of merges, a dict that maps labels to merges, or None for "
            f"all modes. Got {short_repr(merges)}."
        )
    if not labelled:
        raise ValueError("The 'merges' must hold at least one merge. Got none.")
    for label, merge in labelled.items():
        reason = why_not(merge, specs)
        if reason is not None:
            raise ValueError(
                f"Merge {label!r} cannot join the {len(specs)} inputs {list(specs)}. {reason}"
            )
    return labelled


def why_not(merge: Any, specs: Mapping[str, InputSpec]) -> str | None:
    """Say why a merge cannot join these inputs, by building it on features of one width.

    Parameters
    ----------
    merge : str, Merge, keras.layers.Layer or list of these
        The merge. Networks of the user's own are not tried: they may depend on the widths.
    specs : mapping of str to InputSpec
        The inputs.

    Returns
    -------
    str or None
        The reason, None if it can.

    Raises
    ------
    ValueError
        If it is no merge at all.
    """
    merge = resolve_merge(merge)
    if _holds_keras(merge):
        return None
    from skmerge.network import build_network
    from skmerge.training._seeds import seeded_build

    stand_ins = [
        InputSpec(name, "array", (_WIDTH,), optional=spec.optional) for name, spec in specs.items()
    ]
    try:
        with seeded_build(0):
            build_network(stand_ins, dict.fromkeys(specs, DenseBranch(())), merge, head=None)
    except ValueError as error:
        return str(error.__cause__ or error)
    return None


def _holds_keras(merge: Merge) -> bool:
    parts = merge.merges if isinstance(merge, MergeList) else []
    return isinstance(merge, KerasMerge) or any(map(_holds_keras, parts))
