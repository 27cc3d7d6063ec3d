"""What a network is built from, and the room that it is built with.

Enters: specs of inputs, branches, a merge, a head and a target. Leaves: a Keras model that is not
compiled. Training rows drawn from the same table differ a little in their words and categories;
built with some room, one network serves them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import keras

from skmerge._sharing import resolve_branches
from skmerge._spec import InputSpec, TargetSpec, WideSpec
from skmerge.branches import Branch
from skmerge.network import build_network


@dataclass
class NetworkPlan:
    """All that is needed to build a network again.

    Parameters
    ----------
    specs : tuple of InputSpec
        The inputs.
    branches : mapping of str to branch, or None
        As `skmerge.build_network` takes them.
    merge : str, Merge, Keras layer or list
        As `skmerge.build_network` takes it.
    head : tuple of int, Keras layer or None
        As `skmerge.build_network` takes it.
    target : TargetSpec
        What the network predicts.
    dropout, input_dropout : float
        As `skmerge.build_network` takes them.
    normalize_features : bool
        As `skmerge.build_network` takes it.
    wide : mapping of str to WideSpec, or None
        As `skmerge.build_network` takes it.
    auxiliary : float
        Weight of the mean loss of what each input predicts alone; 0 for no such predictions.
    n_members : int
        As `skmerge.build_network` takes it.
    """

    specs: tuple[InputSpec, ...]
    branches: Any
    merge: Any
    head: Any
    target: TargetSpec
    dropout: float
    input_dropout: float = 0.0
    normalize_features: bool = False
    wide: Mapping[str, WideSpec] | None = None
    auxiliary: float = 0.0
    n_members: int = 1

    def build(self) -> keras.Model:
        """Build the network, with room in the inputs whose branches allow it.

        Returns
        -------
        keras.Model
            The network, not compiled.
        """
        return build_network(
            self.roomy_specs(),
            self.branches,
            self.merge,
            self.head,
            self.target,
            dropout=self.dropout,
            input_dropout=self.input_dropout,
            normalize_features=self.normalize_features,
            wide=self.wide,
            alone=self.auxiliary > 0,
            n_members=self.n_members,
        )

    def roomy_specs(self) -> tuple[InputSpec, ...]:
        """Return the specs that the network is built for.

        Returns
        -------
        tuple of InputSpec
            The same inputs, those of branches that build for more with more ids and codes, by an
            eighth at most, and with a length that varies.
        """
        branches, owners = resolve_branches(self.inputs, self.branches or {})
        return tuple(roomy(spec, branches[owners[spec.name]]) for spec in self.specs)

    @property
    def inputs(self) -> dict[str, InputSpec]:
        """The inputs by name.

        Returns
        -------
        dict of str to InputSpec
            The specs.
        """
        return {spec.name: spec for spec in self.specs}


def roomy(spec: InputSpec, branch: Branch) -> InputSpec:
    """Return the spec that a branch is built for.

    Parameters
    ----------
    spec : InputSpec
        Description of the input.
    branch : Branch
        What reads it.

    Returns
    -------
    InputSpec
        The same where the branch does not build for more.
    """
    spec = replace(spec, feature_names=(), tokens=())
    if not branch.builds_for_more:
        return spec
    if spec.vocabulary_size is not None:
        spec = replace(spec, vocabulary_size=_with_room(spec.vocabulary_size))
    if spec.cardinalities:
        spec = replace(spec, cardinalities=tuple(map(_with_room, spec.cardinalities)))
    is_sequence = spec.step_mask or (spec.vocabulary_size is not None and len(spec.shape) == 1)
    return replace(spec, shape=(None, *spec.shape[1:])) if is_sequence else spec


def _with_room(count: int) -> int:
    """Round up to a multiple of 4, and of an eighth of the power of two below."""
    step = max(4, 1 << max(count.bit_length() - 4, 0))
    return -(-count // step) * step
