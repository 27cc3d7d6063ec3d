"""Feature-wise modulation: which input is modulated, by what, and where training starts."""

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skmerge.merges import FiLM

WIDTHS = [3, 5, 4]


def film(**options):
    """Return a model of nothing but the merge."""
    features = [keras.Input((width,)) for width in WIDTHS]
    return keras.Model(features, FiLM(**options).join(features))


def draw_weights(model):
    rng = np.random.default_rng(1)
    for weight in model.weights:
        weight.assign(rng.normal(size=weight.shape))


def rows_of(n_rows=6):
    rng = np.random.default_rng(0)
    return [rng.normal(size=(n_rows, width)).astype("float32") for width in WIDTHS]


@pytest.mark.parametrize("target", [0, 1, 2])
def test_target_is_scaled_and_shifted_by_all_others(target):
    model = film(target=target)
    draw_weights(model)
    assert model.output_shape == (None, WIDTHS[target])
    assert model.get_layer("delta").kernel.shape[0] == sum(WIDTHS) - WIDTHS[target]

    rows = rows_of()

    def modulated(x):
        return np.asarray(model([*rows[:target], x, *rows[target + 1 :]]))

    x = rows[target]
    shift = modulated(0 * x)
    assert_allclose(modulated(2 * x) - shift, 2 * (modulated(x) - shift), rtol=1e-4, atol=1e-4)
    for position in {0, 1, 2} - {target}:
        before = modulated(x)
        rows[position] = rows[position] + 1
        assert np.abs(modulated(x) - before).max(axis=0).min() > 1e-3


@pytest.mark.parametrize("target", [0, 2])
def test_training_starts_from_the_target_as_it_is(target):
    assert_array_equal(film(target=target)(rows_of()), rows_of()[target])


def test_target_may_be_projected():
    model = film(target=1, units=7)
    kernel = np.asarray(model.get_layer("project_1").kernel)
    assert_allclose(model(rows_of()), rows_of()[1] @ kernel, rtol=1e-5, atol=1e-6)
