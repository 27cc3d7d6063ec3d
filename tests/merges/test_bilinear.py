"""The initial weights of the bilinear merge: products of many inputs neither vanish nor explode."""

import keras
import numpy as np
import pytest

from skmerge.merges import Bilinear


@pytest.mark.parametrize("n_inputs", [2, 3, 5])
@pytest.mark.parametrize("width", [2, 64])
@pytest.mark.parametrize("rank", [1, 4, 16])
def test_output_has_about_the_scale_of_the_inputs(n_inputs, width, rank):
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    rows = [rng.normal(size=(500, width)).astype("float32") for _ in range(n_inputs)]
    features = [keras.Input((width,)) for _ in rows]
    model = keras.Model(features, Bilinear(units=64, rank=rank).join(features))
    output = np.asarray(model(rows))
    assert 0.5 < output.std() < 2.5
    assert abs(output.mean()) < 0.5


def test_each_input_has_a_part_of_its_own():
    keras.utils.set_random_seed(0)
    features = [keras.Input((3,)), keras.Input((3,))]
    model = keras.Model(features, Bilinear().join(features))
    rng = np.random.default_rng(0)
    zero, x = np.zeros((50, 3), "float32"), rng.normal(size=(50, 3)).astype("float32")
    for rows in ([x, zero], [zero, x]):
        assert np.all(np.asarray(model(rows)).std(axis=0) > 0.05), "a plain product would be 0"
