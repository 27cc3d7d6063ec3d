"""Which branch reads which input: its own, or that of another input.

Enters: the inputs' specs and the user's `branches`. Leaves: the branches to build, and for each
input the name of the one whose branch reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skmerge._errors import did_you_mean
from skmerge._spec import InputSpec
from skmerge.branches import BRANCHES, Branch, resolve_branch

_SHARED_FIELDS = (
    "shape",
    "dtype",
    "vocabulary_size",
    "code_columns",
    "cardinalities",
    "sparse",
    "step_mask",
)


def resolve_branches(
    specs: Mapping[str, InputSpec], branches: Mapping[str, Any]
) -> tuple[dict[str, Branch], dict[str, str]]:
    """Return the branches, and for each input the name of the input whose branch reads it."""
    for name in branches:
        if name not in specs:
            raise ValueError(
                f"'branches' must name inputs, which are {list(specs)}. Got {name!r}."
                f"{did_you_mean(name, specs)}"
            )
    values = {name: branches.get(name, spec.default_branch) for name, spec in specs.items()}
    shares = {
        name: value
        for name, value in values.items()
        if isinstance(value, str) and value in specs and value not in BRANCHES
    }
    owners = {name: _owner(name, shares) for name in specs}
    for name, owner in owners.items():
        _check_alike(specs[name], specs[owner])
    own = {name: _branch(name, values[name], specs) for name in specs if name not in shares}
    return own, owners


def _owner(name: str, shares: Mapping[str, str]) -> str:
    path = [name]
    while path[-1] in shares:
        path.append(shares[path[-1]])
        if path[-1] in path[:-1]:
            raise ValueError(
                "Of inputs that share a branch, one must have a branch of its own. Got a circle: "
                f"{' -> '.join(map(repr, path))}. Give one of them a branch such as 'dense'."
            )
    return path[-1]


def _check_alike(spec: InputSpec, owner: InputSpec) -> None:
    for field in _SHARED_FIELDS:
        ours, theirs = getattr(spec, field), getattr(owner, field)
        if ours != theirs:
            raise ValueError(
                f"Input {spec.name!r} can share the branch of {owner.name!r} only if both hold "
                f"alike arrays. Its {field} is {ours!r}, that of {owner.name!r} is {theirs!r}. "
                "Encode both alike, or give each a branch of its own."
            )


def _branch(name: str, value: Any, specs: Mapping[str, InputSpec]) -> Branch:
    if isinstance(value, str) and value not in BRANCHES:
        others = [other for other in specs if other != name]
        raise ValueError(
            f"The branch of input {name!r} must be one of {sorted(BRANCHES)}, the name of another "
            f"input ({others}), a Branch, or a Keras model or layer. Got {value!r}."
            f"{did_you_mean(value, [*BRANCHES, *others])}"
        )
    try:
        return resolve_branch(value)
    except ValueError as error:
        raise ValueError(f"Input {name!r}: {error}") from error
