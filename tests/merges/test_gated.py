"""The gates of the gated merge: readable, between 0 and 1, closed to absent inputs."""

import keras
import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from skmerge.merges import Gated

WIDTHS = [3, 5, 4]


def gated(optional=(), **options):
    """Return a model of the merge, and one of its gates."""
    features = [keras.Input((width,)) for width in WIDTHS]
    given = {position: keras.Input((1,)) for position in optional}
    output = Gated(**options).join(features, presence=[given.get(i) for i in range(3)])
    model = keras.Model([*features, *given.values()], output)
    return model, keras.Model(model.inputs, model.get_layer("gates").output)


def rows_of(n_rows=6):
    rng = np.random.default_rng(0)
    return [rng.normal(size=(n_rows, width)).astype("float32") for width in WIDTHS]


def test_gates_depend_on_all_inputs():
    _, gates = gated()
    rows = rows_of()
    before = np.asarray(gates(rows))
    assert before.shape == (6, 3, 5)
    assert np.all((before > 0) & (before < 1))
    for position in range(3):
        changed = [x + (i == position) for i, x in enumerate(rows)]
        assert np.all(np.abs(gates(changed) - before).max(axis=(0, 2)) > 1e-3)


def test_gates_of_absent_inputs_are_closed():
    model, gates = gated(optional=[0, 2], units=4)
    rows = rows_of()
    present = np.array(
        [[1, 0, 1], [0, 1, 1], [0, 0, 1], [1, 1, 1], [1, 1, 1], [0, 0, 1]], "float32"
    )
    read = np.asarray(gates([*rows, present[:, [0]], present[:, [1]]]))
    assert_array_equal(read.max(axis=2) > 0, present[:, [0, 2, 1]].astype(bool))

    values = np.tanh(rows[1] @ np.asarray(model.get_layer("value_1").kernel))
    output = model([*rows, present[:, [0]], present[:, [1]]])
    assert_allclose(output[2], read[2, 1] * values[2], rtol=1e-5, atol=1e-6)


def test_row_without_any_input_gives_zeros():
    model, _ = gated(optional=[0, 1, 2])
    absent = [np.zeros((6, 1), "float32")] * 3
    assert_array_equal(model([*rows_of(), *absent]), np.zeros((6, 5)))
