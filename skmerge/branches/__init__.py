"""The subnetworks that read one input each.

Enters: what a user writes for a branch. Leaves: a `Branch`. A new kind of branch is one file
here and one line in `BRANCHES`.
"""

from __future__ import annotations

from typing import Any

from skmerge._errors import did_you_mean, short_repr
from skmerge.branches._base import Branch
from skmerge.branches._rebuild import is_keras_layer
from skmerge.branches.attention import AttentionBranch
from skmerge.branches.conv import ConvBranch
from skmerge.branches.conv1d import Conv1DBranch
from skmerge.branches.dense import DenseBranch
from skmerge.branches.embedding import EmbeddingBranch
from skmerge.branches.keras_branch import KerasBranch
from skmerge.branches.recurrent import RecurrentBranch

__all__ = [
    "BRANCHES",
    "AttentionBranch",
    "Branch",
    "Conv1DBranch",
    "ConvBranch",
    "DenseBranch",
    "EmbeddingBranch",
    "KerasBranch",
    "RecurrentBranch",
    "resolve_branch",
]

BRANCHES: dict[str, type[Branch]] = {
    "attention": AttentionBranch,
    "conv": ConvBranch,
    "conv1d": Conv1DBranch,
    "dense": DenseBranch,
    "embedding": EmbeddingBranch,
    "recurrent": RecurrentBranch,
}


def resolve_branch(value: Any) -> Branch:
    """Turn what a user writes for a branch into a `Branch`.

    Parameters
    ----------
    value : str, Branch, keras.Model or keras.layers.Layer
        A short name, a branch (returned as it is), or a Keras object (for a `KerasBranch`).

    Returns
    -------
    Branch
        The branch.

    Raises
    ------
    ValueError
        If it is none of these.

    Examples
    --------
    >>> from skmerge.branches import resolve_branch
    >>> resolve_branch("conv")
    ConvBranch()
    """
    if isinstance(value, Branch):
        return value
    if isinstance(value, str) and value in BRANCHES:
        return BRANCHES[value]()
    if is_keras_layer(value):
        return KerasBranch(value)
    raise ValueError(
        f"A branch must be one of {sorted(BRANCHES)}, a Branch, or a Keras model or layer (as "
        f"KerasBranch(function) if a function makes it). Got {short_repr(value)}."
        f"{did_you_mean(value, BRANCHES) if isinstance(value, str) else ''}"
    )
