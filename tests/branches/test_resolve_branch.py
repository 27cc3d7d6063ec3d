"""What a user may write for a branch."""

import pytest

from skmerge import ConvBranch, DenseBranch, KerasBranch
from skmerge.branches import BRANCHES, resolve_branch


@pytest.mark.parametrize("name", BRANCHES)
def test_short_name_is_a_new_branch_of_defaults(name):
    branch = resolve_branch(name)
    assert type(branch) is BRANCHES[name]
    assert branch is not resolve_branch(name)


def test_branch_is_itself():
    branch = ConvBranch((8,))
    assert resolve_branch(branch) is branch


def test_keras_objects_become_keras_branches():
    from keras import Sequential, layers

    for network in (Sequential([layers.Dense(2)]), layers.Flatten()):
        branch = resolve_branch(network)
        assert type(branch) is KerasBranch
        assert branch.network is network


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("cnov", r"one of \['attention', 'conv', 'conv1d', .*Got 'cnov'\. Did you mean 'conv'\?"),
        (None, "Got None"),
        (3, "Got 3"),
        (["conv"], r"Got \['conv'\]"),
        (DenseBranch, "Got <class"),
        (lambda: None, r"as KerasBranch\(function\).*Got <function"),
    ],
)
def test_anything_else_is_an_error(value, message):
    with pytest.raises(ValueError, match=message):
        resolve_branch(value)
