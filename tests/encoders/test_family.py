"""The family's short names, and what every encoder of it keeps to."""

import inspect

import pytest
from sklearn.base import clone

from skmerge.encoders import ENCODERS, TextEncoder, resolve_encoder
from skmerge.encoders._base import Encoder


def test_short_names_are_the_kinds():
    assert sorted(ENCODERS) == ["array", "image", "sequence", "tabular", "tags", "text"]
    assert {name: encoder.kind for name, encoder in ENCODERS.items()} == {n: n for n in ENCODERS}


@pytest.mark.parametrize("name", ["array", "image", "sequence", "tabular", "tags", "text"])
def test_a_short_name_stands_for_a_new_encoder(name):
    encoder = resolve_encoder(name)
    assert type(encoder) is ENCODERS[name]
    assert resolve_encoder(name) is not encoder
    assert encoder.get_params() == clone(encoder).get_params()


def test_an_encoder_stands_for_itself():
    encoder = TextEncoder(max_length=3)
    assert resolve_encoder(encoder) is encoder


@pytest.mark.parametrize("name", ["array", "image", "sequence", "tabular", "tags", "text"])
def test_every_encoder_is_concrete_and_named(name):
    encoder = ENCODERS[name]
    assert issubclass(encoder, Encoder)
    assert not inspect.isabstract(encoder)
    assert isinstance(encoder.default_branch, str)


def test_a_typo_gets_the_kinds_and_the_nearest_one():
    with pytest.raises(ValueError, match=r"one of \['array', .*Got 'txet'. Did you mean 'text'"):
        resolve_encoder("txet")


@pytest.mark.parametrize("value", [None, 3, TextEncoder, ["text"], {}], ids=repr)
def test_other_values_are_errors(value):
    with pytest.raises(ValueError, match="An encoder must be one of"):
        resolve_encoder(value)
