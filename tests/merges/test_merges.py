"""Every merge mode against its formula in NumPy, with branches of equal and unequal widths."""

from itertools import combinations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skmerge.merges import (
    ALIASES,
    MERGES,
    Average,
    Concat,
    Cosine,
    Dot,
    KerasMerge,
    Maximum,
    MergeList,
    Minimum,
    Multiply,
    Subtract,
    Sum,
    resolve_merge,
)


def dot(features):
    return np.stack([(x * y).sum(axis=1) for x, y in combinations(features, 2)], axis=1)


def cosine(features):
    return dot([x / np.linalg.norm(x, axis=1, keepdims=True) for x in features])


FORMULAS = {
    Concat: lambda features: np.concatenate(features, axis=1),
    Sum: lambda features: sum(features),
    Subtract: lambda features: features[0] - features[1],
    Multiply: lambda features: np.prod(features, axis=0),
    Average: lambda features: np.mean(features, axis=0),
    Maximum: lambda features: np.max(features, axis=0),
    Minimum: lambda features: np.min(features, axis=0),
    Dot: dot,
    Cosine: cosine,
}
ANY_NUMBER = [merge for merge in FORMULAS if merge is not Subtract]


def rows_of(widths, n_rows=5):
    rng = np.random.default_rng(0)
    return [rng.normal(size=(n_rows, width)).astype("float32") for width in widths]


def joining(merge, widths, n_present=0):
    """Return a model of nothing but the merge."""
    import keras

    features = [keras.Input((width,)) for width in widths]
    present = [keras.Input((1,)) for _ in range(n_present)]
    presence = present + [None] * (len(features) - n_present) if n_present else None
    return keras.Model(features + present, merge.join(features, presence=presence))


def projected(model, rows):
    """Return the features as the model's own projections make them."""
    weights = [model.get_layer(f"project_{i}").kernel for i in range(len(rows))]
    return [x @ np.asarray(weight) for x, weight in zip(rows, weights, strict=True)]


def test_table_has_every_mode():
    assert set(FORMULAS) == set(MERGES.values())


@pytest.mark.parametrize(
    ("mode", "n_inputs"),
    [*((mode, 2) for mode in FORMULAS), *((mode, 4) for mode in ANY_NUMBER)],
)
class TestFormula:
    def test_of_equal_widths_has_no_weights(self, mode, n_inputs):
        rows = rows_of([3] * n_inputs)
        model = joining(mode(), [3] * n_inputs)
        assert model.weights == []
        assert_allclose(model(rows), FORMULAS[mode](rows), rtol=1e-4, atol=1e-6)

    def test_of_unequal_widths_projects_to_the_widest(self, mode, n_inputs):
        widths = [3, 5, 2, 4][:n_inputs]
        rows = rows_of(widths)
        model = joining(mode(), widths)
        if mode is Concat:
            features = rows
            assert model.weights == []
        else:
            features = projected(model, rows)
            assert [x.shape[1] for x in features] == [5] * n_inputs
            assert len(model.trainable_weights) == n_inputs
        assert_allclose(model(rows), FORMULAS[mode](features), rtol=1e-4, atol=1e-6)

    def test_of_given_units_projects_every_input(self, mode, n_inputs):
        rows = rows_of([3] * n_inputs)
        model = joining(mode(units=2), [3] * n_inputs)
        features = projected(model, rows)
        assert [x.shape[1] for x in features] == [2] * n_inputs
        assert_allclose(model(rows), FORMULAS[mode](features), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("mode", FORMULAS)
def test_weights_of_a_merge_are_built_once(mode):
    widths = [3, 4]
    rows = rows_of(widths)
    model = joining(mode(units=2), widths)
    n_weights = len(model.weights)
    assert_array_equal(model(rows), model(rows))
    assert len(model.weights) == n_weights


@pytest.mark.parametrize("mode", FORMULAS)
def test_every_projection_learns(mode):
    import tensorflow as tf

    rows = rows_of([3, 4])
    model = joining(mode(units=2), [3, 4])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum((model(rows) - 0.5) ** 3)
    for gradient in tape.gradient(loss, model.trainable_variables):
        assert np.isfinite(gradient).all()
        assert np.any(gradient)


@pytest.mark.parametrize("mode", FORMULAS)
def test_presence_may_be_given(mode):
    rows = rows_of([3, 3])
    model = joining(mode(), [3, 3], n_present=1)
    present = np.ones((5, 1), dtype="float32")
    assert_allclose(model([*rows, present]), FORMULAS[mode](rows), rtol=1e-4, atol=1e-6)


def test_cosine_with_a_zero_vector_is_zero_and_learns_nothing():
    import tensorflow as tf

    x = tf.constant([[0.0, 0.0], [3.0, 4.0]])
    y = tf.constant([[1.0, 2.0], [6.0, 8.0]])
    model = joining(Cosine(), [2, 2])
    with tf.GradientTape() as tape:
        tape.watch([x, y])
        cosines = model([x, y])
    assert_allclose(cosines, [[0], [1]], atol=1e-6)
    for gradient in tape.gradient(cosines, [x, y]):
        assert_allclose(gradient, np.zeros((2, 2)), atol=1e-6)


def test_cosine_of_small_vectors_survives_mixed_precision():
    import keras

    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        model = joining(Cosine(), [2, 2])
    finally:
        keras.mixed_precision.set_global_policy("float32")
    small = np.array([[3e-4, 4e-4]], dtype="float32")
    assert_allclose(model([small, small]), [[1]], rtol=1e-3)


@pytest.mark.parametrize("n_inputs", [3, 5])
def test_subtract_is_for_two(n_inputs):
    with pytest.raises(ValueError, match=rf"exactly two.*Got {n_inputs}\. Use 'concat' or 'sum'"):
        joining(Subtract(), [2] * n_inputs)


@pytest.mark.parametrize("mode", FORMULAS)
def test_one_branch_is_nothing_to_merge(mode):
    with pytest.raises(ValueError, match=r"at least two branches\. Got 1"):
        joining(mode(), [2])


@pytest.mark.parametrize("units", [0, -1, 2.5, "8"])
def test_units_are_a_width(units):
    with pytest.raises(ValueError, match="'units' parameter of Multiply"):
        joining(Multiply(units=units), [2, 2])


def test_list_of_modes_lays_their_outputs_side_by_side():
    rows = rows_of([3, 3, 3])
    model = joining(resolve_merge(["sum", "cos", Concat()]), [3, 3, 3])
    expected = np.concatenate([mode(rows) for mode in (FORMULAS[Sum], cosine, FORMULAS[Concat])], 1)
    assert_allclose(model(rows), expected, rtol=1e-4, atol=1e-6)


def test_modes_of_a_list_have_projections_of_their_own():
    rows = rows_of([3, 2])
    model = joining(resolve_merge([["sum", "dot"], "multiply"]), [3, 2])
    inner = model.get_layer("merge_0")
    parts = [
        FORMULAS[Sum](projected(inner.get_layer("merge_0"), rows)),
        dot(projected(inner.get_layer("merge_1"), rows)),
        FORMULAS[Multiply](projected(model.get_layer("merge_1"), rows)),
    ]
    assert len(model.weights) == 6
    assert_allclose(model(rows), np.concatenate(parts, axis=1), rtol=1e-4, atol=1e-6)


def test_list_of_one_mode_is_that_mode():
    rows = rows_of([2, 2])
    assert_allclose(joining(MergeList([Sum()]), [2, 2])(rows), rows[0] + rows[1], rtol=1e-6)


def test_list_may_project_for_all_its_modes():
    rows = rows_of([3, 2])
    model = joining(MergeList([Sum(), Multiply()], units=4), [3, 2])
    x, y = projected(model, rows)
    assert len(model.weights) == 2
    assert_allclose(model(rows), np.concatenate([x + y, x * y], axis=1), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", [*MERGES, *ALIASES])
def test_short_name_is_a_new_merge_of_defaults(name):
    merge = resolve_merge(name)
    assert type(merge) is MERGES[ALIASES.get(name, name)]
    assert merge.units is None
    assert merge is not resolve_merge(name)


def test_merge_is_itself_and_a_keras_layer_becomes_one():
    from keras import layers

    merge = Sum(units=3)
    assert resolve_merge(merge) is merge
    layer = layers.Add()
    assert isinstance(resolve_merge(layer), KerasMerge)
    assert resolve_merge(layer).network is layer
    (entry,) = resolve_merge([layer]).merges
    assert entry.network is layer


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            "multply",
            r"one of \['concat', .*'cosine'\], a Merge, a Keras layer or a list of those\.",
        ),
        ("multply", r"Got 'multply'\. Did you mean 'multiply'\?"),
        ("concatenat", r"Did you mean 'concatenate'\?"),
        (["sum", "dto"], r"Got 'dto'\. Did you mean 'dot'\?"),
        ([], r"Got \[\]"),
        (None, "Got None"),
        (Sum, "Got <class"),
        (("sum", "dot"), r"Got \('sum', 'dot'\)"),
    ],
)
def test_anything_else_is_an_error(value, message):
    with pytest.raises(ValueError, match=message):
        resolve_merge(value)
