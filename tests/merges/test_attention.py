"""Attention over the inputs: its weights can be read, and absent inputs have no part in it."""

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skmerge.merges import AttentionMerge

WIDTHS = [3, 5, 4]


def attending(optional=(), **options):
    """Return a model of the merge, and one of its gates."""
    features = [keras.Input((width,)) for width in WIDTHS]
    given = {position: keras.Input((1,)) for position in optional}
    presence = [given.get(i) for i in range(3)]
    output = AttentionMerge(**options).join(features, presence=presence)
    model = keras.Model([*features, *given.values()], output)
    return model, keras.Model(model.inputs, model.get_layer("gates").output)


def rows_of(n_rows=6):
    rng = np.random.default_rng(0)
    return [rng.normal(size=(n_rows, width)).astype("float32") for width in WIDTHS]


def column(*values):
    return np.array(values, dtype="float32")[:, np.newaxis]


@pytest.mark.parametrize("n_layers", [1, 2])
def test_weights_of_each_head_and_of_the_class_token_sum_to_one(n_layers):
    model, gates = attending(n_layers=n_layers, n_heads=2)
    read = np.asarray(gates(rows_of()))
    assert read.shape == (6, 3, 2)
    assert np.all(read > 0)
    assert np.all(read.sum(axis=1) < 1)

    # where all values are one constant, what is heard is that constant times the sum of all weights
    values = model.get_layer(f"block_{n_layers - 1}_value")
    values.use_bias, values.bias = True, np.full(6, 2.0, "float32")
    values.kernel.assign(0 * values.kernel)
    heard = keras.Model(model.inputs, model.get_layer(f"block_{n_layers - 1}_output").input)
    assert_allclose(heard(rows_of()), np.full((6, 6), 2.0), rtol=1e-5)


@pytest.mark.parametrize("n_layers", [1, 3])
def test_absent_inputs_have_no_weight_and_no_effect(n_layers):
    model, gates = attending(optional=[0, 2], n_layers=n_layers)
    rows = rows_of()
    presence = [column(1, 0, 1, 0, 1, 0), column(1, 1, 0, 0, 1, 1)]
    read = np.asarray(gates([*rows, *presence]))
    assert_array_equal(read[:, 0] > 0, np.repeat(presence[0] > 0, 4, axis=1))
    assert_array_equal(read[:, 2] > 0, np.repeat(presence[1] > 0, 4, axis=1))

    before = np.asarray(model([*rows, *presence]))
    rows[0] += 100
    after = np.asarray(model([*rows, *presence]))
    lacks = presence[0][:, 0] == 0
    assert_array_equal(after[lacks], before[lacks])
    assert np.all(np.abs(after - before)[~lacks].max(axis=1) > 1e-3)


@pytest.mark.parametrize("n_layers", [1, 2])
def test_rows_without_any_input_are_all_the_same(n_layers):
    model, gates = attending(optional=[0, 1, 2], n_layers=n_layers)
    absent = [np.zeros((6, 1), "float32")] * 3
    assert_array_equal(gates([*rows_of(), *absent]), np.zeros((6, 3, 4)))
    output = np.asarray(model([*rows_of(), *absent]))
    assert np.isfinite(output).all()
    assert_allclose(output, np.tile(output[:1], (6, 1)), rtol=1e-6)


def test_inputs_are_told_apart():
    model, _ = attending()
    rows = rows_of()
    for token in (0, 1, 2):
        model.get_layer(f"token_{token}").bias.assign(np.full(5, float(token)))
    before = np.asarray(model([0 * x for x in rows]))
    model.get_layer("token_2").bias.assign(np.arange(5.0))
    assert np.abs(model([0 * x for x in rows]) - before).max() > 1e-3


def test_dropout_is_for_training_only():
    model, _ = attending(dropout=0.5, n_layers=2)
    rows = rows_of()
    assert_array_equal(model(rows), model(rows))
    assert np.abs(model(rows, training=True) - model(rows)).max() > 1e-3


@pytest.mark.parametrize(("units", "n_heads"), [(5, 4), (2, 4), (6, 3)])
def test_heads_need_not_divide_the_units(units, n_heads):
    model, gates = attending(units=units, n_heads=n_heads, n_layers=2)
    assert model.output_shape == (None, units)
    assert gates.output_shape == (None, 3, n_heads)
