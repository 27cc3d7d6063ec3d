"""What a user writes for a merge: names, merges, Keras layers and lists of them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skmerge.merges import (
    ALIASES,
    MERGES,
    Compare,
    Concat,
    KerasMerge,
    Merge,
    MergeList,
    Multiply,
    Sum,
    join_in_network,
    resolve_merge,
)


def rows_of(widths, n_rows=5):
    rng = np.random.default_rng(0)
    return [rng.normal(size=(n_rows, width)).astype("float32") for width in widths]


def joining(merge, widths):
    """Return a model of nothing but the merge."""
    import keras

    features = [keras.Input((width,)) for width in widths]
    return keras.Model(features, merge.join(features))


def projected(model, rows):
    """Return the features as the model's own projections make them."""
    weights = [model.get_layer(f"project_{i}").kernel for i in range(len(rows))]
    return [x @ np.asarray(weight) for x, weight in zip(rows, weights, strict=True)]


def dot(x, y):
    return (x * y).sum(axis=1, keepdims=True)


def test_list_of_modes_lays_their_outputs_side_by_side():
    rows = rows_of([3, 3])
    model = joining(resolve_merge(["sum", "cos", Concat()]), [3, 3])
    x, y = rows
    cosine = dot(x, y) / np.sqrt(dot(x, x) * dot(y, y))
    expected = np.concatenate([x + y, cosine, x, y], axis=1)
    assert_allclose(model(rows), expected, rtol=1e-5, atol=1e-6)


def test_modes_of_a_list_have_projections_of_their_own():
    rows = rows_of([3, 2])
    model = joining(resolve_merge([["sum", "dot"], "multiply"]), [3, 2])
    inner = model.get_layer("merge_0")
    parts = [
        sum(projected(inner.get_layer("merge_0"), rows)),
        dot(*projected(inner.get_layer("merge_1"), rows)),
        np.prod(projected(model.get_layer("merge_1"), rows), axis=0),
    ]
    assert len(model.weights) == 6
    assert_allclose(model(rows), np.concatenate(parts, axis=1), rtol=1e-5, atol=1e-6)


def test_modes_with_gates_keep_them_apart_in_a_list():
    import keras

    rows = rows_of([3, 4])
    model = joining(resolve_merge(["gated", "attention", "film"]), [3, 4])
    parts = [model.get_layer(f"merge_{position}") for position in range(3)]
    assert_allclose(
        model(rows), np.concatenate([part(rows) for part in parts], axis=1), rtol=1e-5, atol=1e-6
    )
    for part, shape in zip(parts[:2], [(5, 2, 4), (5, 2, 4)], strict=True):
        gates = keras.Model(part.inputs, part.get_layer("gates").output)(rows)
        assert gates.shape == shape


def test_list_of_one_mode_is_that_mode():
    rows = rows_of([2, 2])
    assert_allclose(joining(MergeList([Sum()]), [2, 2])(rows), rows[0] + rows[1], rtol=1e-6)


def test_list_may_project_for_all_its_modes():
    rows = rows_of([3, 2])
    model = joining(MergeList([Sum(), Multiply()], units=4), [3, 2])
    x, y = projected(model, rows)
    assert len(model.weights) == 2
    assert_allclose(model(rows), np.concatenate([x + y, x * y], axis=1), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", [*MERGES, *ALIASES])
def test_short_name_is_a_new_merge_of_defaults(name):
    merge = resolve_merge(name)
    assert type(merge) is MERGES[ALIASES.get(name, name)]
    assert merge.units is None
    assert merge is not resolve_merge(name)


def test_merge_is_itself_and_a_keras_layer_becomes_one():
    from keras import layers

    merge = Compare(units=3)
    assert resolve_merge(merge) is merge
    layer = layers.Add()
    assert isinstance(resolve_merge(layer), KerasMerge)
    assert resolve_merge(layer).network is layer
    (entry,) = resolve_merge([layer]).merges
    assert entry.network is layer


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("multply", r"one of \['concat', .*'gated', .*\], a Merge, a Keras layer or a list of"),
        ("multply", r"Got 'multply'\. Did you mean 'multiply'\?"),
        ("gatd", r"Got 'gatd'\. Did you mean 'gated'\?"),
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


class Passing(Merge):
    """The features of the second input, as they are."""

    needs_equal_widths = False

    def _join(self, features, presence):
        return features[1]


def test_a_merge_may_leave_inputs_unread_and_pass_one_through():
    """Whatever reads nothing is no input of the merge's own network, as Keras 3.11 wants it."""
    import keras
    from keras import layers

    inputs = [keras.Input((3,)), keras.Input((3,)), keras.Input((1,))]
    *features, present = [layers.Identity()(each) for each in inputs]
    joined = join_in_network(Passing(), features, presence=[present, None], name="merge")
    model = keras.Model(inputs, joined)
    rows = rows_of([3, 3, 1])
    assert_allclose(model(rows), rows[1])
    assert [each.name for each in model.get_layer("merge").inputs] == ["features-1"]
