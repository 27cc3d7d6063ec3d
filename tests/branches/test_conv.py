"""ConvBranch: pictures of every size, and their scale."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skmerge import ConvBranch, InputSpec, build_network


def branch_network(spec, branch):
    return build_network([spec], {"x": branch}, head=()).get_layer("x")


def one_weight(pooling="flatten"):
    """Branch whose features are the pixels times its only weight."""
    return ConvBranch(
        (1,),
        (),
        kernel_size=1,
        pool_size=1,
        activation=None,
        pooling=pooling,
    )


def test_classic_form_is_convolutions_and_pools_in_turn():
    spec = InputSpec("x", "image", (16, 16, 3), "uint8")
    network = branch_network(spec, ConvBranch())
    kinds = [type(layer).__name__ for layer in network.layers]
    kept = [kind for kind in kinds if kind in {"Conv2D", "MaxPooling2D", "Dense"}]
    assert kept == ["Conv2D", "MaxPooling2D", "Conv2D", "MaxPooling2D", "Dense"]


@pytest.mark.parametrize(
    ("shape", "pool_size", "left"),
    [
        ((1, 1), 2, (1, 1)),
        ((3, 5), 2, (1, 1)),
        ((8, 8), 2, (2, 2)),
        ((9, 1), 2, (2, 1)),
        ((12, 12), (3, 1), (1, 12)),
        ((2, 9), 4, (1, 1)),
        ((5, 5), 1, (5, 5)),
    ],
)
def test_pooling_stops_at_one_pixel(shape, pool_size, left):
    spec = InputSpec("x", "image", (*shape, 1))
    branch = ConvBranch((2, 3), (), pool_size=pool_size, pooling="flatten")
    assert branch_network(spec, branch).output_shape == (None, left[0] * left[1] * 3)


def test_bytes_are_read_as_fractions_of_255():
    network = branch_network(InputSpec("x", "image", (2, 2, 1), "uint8"), one_weight())
    picture = np.array([[[[0], [51]], [[204], [255]]]], dtype="uint8")
    weight = np.asarray(network.get_layer("conv_1").kernel).item()
    assert_allclose(network(picture), weight * np.array([[0, 0.2, 0.8, 1]]), rtol=1e-5)


def test_numbers_of_other_types_are_read_as_they_are():
    network = branch_network(InputSpec("x", "image", (1, 2), "int32"), one_weight())
    weight = np.asarray(network.get_layer("conv_1").kernel).item()
    assert_allclose(network(np.array([[[-3, 200]]])), weight * np.array([[-3, 200]]), rtol=1e-5)


@pytest.mark.parametrize(
    ("pooling", "pooled"),
    [("average", lambda maps: maps.mean(axis=(1, 2))), ("max", lambda maps: maps.max(axis=(1, 2)))],
)
def test_global_pooling_is_over_all_positions(pooling, pooled):
    network = branch_network(InputSpec("x", "image", (4, 3, 1)), one_weight(pooling))
    pictures = np.random.default_rng(0).normal(size=(2, 4, 3, 1)).astype("float32")
    weight = np.asarray(network.get_layer("conv_1").kernel).item()
    assert_allclose(network(pictures), pooled(weight * pictures), rtol=1e-4, atol=1e-6)
