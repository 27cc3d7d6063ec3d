import keras
import numpy as np
import pytest

from skmerge._calls import CallLog, replaced_calls, sublayers


@pytest.fixture(scope="module")
def network():
    inner = keras.Sequential([keras.layers.Dense(2, name="dense")], name="inner")
    return keras.Sequential([keras.Input((3,)), inner, keras.layers.ReLU(name="relu")])


def test_calls_are_kept_with_what_they_return(network):
    rows = np.arange(6.0, dtype="float32").reshape(2, 3)
    dense = dict(sublayers(network))["inner/dense"]
    log = CallLog()
    with replaced_calls({dense: log.keeping}):
        output = network(rows)
    (given,), (returned,) = log.inputs, log.outputs
    np.testing.assert_array_equal(given, rows)
    np.testing.assert_allclose(np.maximum(returned, 0), output)


def test_a_call_is_replaced_only_within_the_context(network):
    rows = np.ones((2, 3), dtype="float32")
    before = np.asarray(network(rows))
    relu = network.get_layer("relu")
    with replaced_calls({relu: lambda call: lambda inputs: 0 * call(inputs) + 5}):
        np.testing.assert_array_equal(network(rows), np.full((2, 2), 5))
        with replaced_calls({relu: lambda call: lambda inputs: call(inputs) + 1}):
            np.testing.assert_array_equal(network(rows), np.full((2, 2), 6))
        np.testing.assert_array_equal(network(rows), np.full((2, 2), 5))
    np.testing.assert_array_equal(network(rows), before)


def test_calls_are_put_back_after_an_error(network):
    relu = network.get_layer("relu")
    with pytest.raises(ZeroDivisionError), replaced_calls({relu: lambda call: lambda _: 1 / 0}):
        network(np.ones((2, 3), dtype="float32"))
    assert "call" not in vars(relu)


def test_layers_of_networks_and_wrappers_are_found_by_path(network):
    assert [name for name, _ in sublayers(network)] == ["inner", "inner/dense", "relu"]
    wrapped = keras.layers.Bidirectional(keras.layers.GRU(2, name="gru"))
    assert {"forward_gru", "backward_gru"} <= {name for name, _ in sublayers(wrapped)}
