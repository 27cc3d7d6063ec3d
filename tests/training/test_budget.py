"""A bound on the weights of a network: kept to, and of no effect on others or afterwards."""

import threading

import keras
import pytest

from skmerge.training._budget import at_most


def dense():
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(4)])


def test_as_many_weights_as_allowed_are_made():
    with at_most(16):
        assert dense().count_params() == 16


def test_one_more_is_refused_before_it_takes_memory():
    with at_most(15), pytest.raises(ValueError, match="at most 15 weights"):
        dense()
    with at_most(15), pytest.raises(ValueError, match="at most 15 weights"):
        keras.Sequential([keras.Input((3,), dtype="int32"), keras.layers.Embedding(10**13, 64)])


def test_nothing_is_left_behind():
    with at_most(0), pytest.raises(ValueError, match="at most"):
        dense()
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.LayerNormalization()(keras.layers.Dense(4)(inputs)))
    assert model.count_params() == 24


def test_other_threads_build_what_they_like():
    built = []
    with at_most(0):
        thread = threading.Thread(target=lambda: built.append(dense()))
        thread.start()
        thread.join()
    assert built[0].count_params() == 16
