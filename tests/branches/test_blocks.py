"""Blocks of convolutions: each against its formula in NumPy and SciPy."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.signal import correlate2d

from skmerge.branches._blocks import (
    BLOCKS,
    Convolution,
    InceptionWidths,
    inception_paths,
    inception_widths,
)

SHAPE = (5, 4, 3)
MAPS = np.random.default_rng(0).normal(size=(2, *SHAPE)).astype("float32")


def network_of(add_block, *arguments, normalized=False, shape=SHAPE, activation="relu"):
    """Network of one block, called "block", with random values for all that it has."""
    import keras

    keras.utils.set_random_seed(0)
    rows = keras.Input(shape)
    block = add_block(rows, *arguments, Convolution(activation, normalized), "block")
    network = keras.Model(rows, block)
    rng = np.random.default_rng(1)
    network.set_weights([rng.normal(size=each.shape) for each in network.get_weights()])
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.moving_variance.assign(rng.uniform(0.5, 2, layer.moving_variance.shape))
    return network


def relu(values):
    return np.maximum(values, 0)


def convolved(network, name, maps):
    """Convolution of the layer of that name, normalised if a layer of normalisation follows."""
    layer = network.get_layer(name)
    kernel = np.asarray(layer.kernel, "float64")
    out = np.zeros((*maps.shape[:3], kernel.shape[-1]))
    for row in range(len(maps)):
        for read, written in np.ndindex(*kernel.shape[2:]):
            out[row, :, :, written] += correlate2d(
                maps[row, :, :, read], kernel[:, :, read, written], mode="same"
            )
    if layer.use_bias:
        return out + np.asarray(layer.bias)
    normal = network.get_layer(f"{name}-normalized")
    mean, variance = np.asarray(normal.moving_mean), np.asarray(normal.moving_variance)
    scaled = (out - mean) / np.sqrt(variance + normal.epsilon)
    return scaled * np.asarray(normal.gamma) + np.asarray(normal.beta)


def largest_around(maps):
    padded = np.pad(maps, [(0, 0), (1, 1), (1, 1), (0, 0)], constant_values=-np.inf)
    height, width = maps.shape[1:3]
    shifted = [padded[:, i : i + height, j : j + width] for i in range(3) for j in range(3)]
    return np.max(shifted, axis=0)


def plain(network, maps):
    return relu(convolved(network, "block", maps))


def inception(network, maps):
    def path(start, *names):
        for name in names:
            start = relu(convolved(network, f"block-{name}", start))
        return start

    paths = [
        path(maps, "1x1"),
        path(maps, "3x3-reduced", "3x3"),
        path(maps, "5x5-reduced", "5x5"),
        path(largest_around(maps), "pool-projected"),
    ]
    return np.concatenate(paths, axis=-1)


def residual(network, maps):
    change = convolved(network, "block-conv_2", relu(convolved(network, "block-conv_1", maps)))
    names = [layer.name for layer in network.layers]
    if "block-projected" in names:
        maps = convolved(network, "block-projected", maps)
    return relu(change + maps)


FORMULAS = [
    ("plain", 3, 2, plain),
    ("plain", (1, 5), 4, plain),
    ("inception", 3, 4, inception),
    ("inception", 3, 19, inception),
    ("residual", 3, 3, residual),
    ("residual", 3, 5, residual),
    ("residual", (3, 1), 2, residual),
]


@pytest.mark.parametrize("normalized", [False, True])
@pytest.mark.parametrize(("block", "kernel_size", "n_filters", "formula"), FORMULAS)
def test_block_is_its_formula(block, kernel_size, n_filters, formula, normalized):
    network = network_of(BLOCKS[block], n_filters, kernel_size, normalized=normalized)
    expected = formula(network, MAPS.astype("float64"))
    assert expected.shape == (2, *SHAPE[:2], n_filters)
    assert (expected > 0).mean() > 0.1
    assert_allclose(network(MAPS), expected, rtol=1e-4, atol=1e-4)


def test_every_block_has_a_formula():
    assert {block for block, *_ in FORMULAS} == set(BLOCKS)


def test_block_without_activation_is_linear():
    for block in BLOCKS:
        network = network_of(BLOCKS[block], 4, 3, activation=None)
        zero, once, twice = (np.asarray(network(scale * MAPS[:1])) for scale in (0, 1, 2))
        if block != "inception":  # whose max pooling is not linear
            assert_allclose(twice - once, once - zero, rtol=1e-3, atol=1e-3)
        assert (once < 0).any()


def test_residual_block_of_zero_weights_is_the_identity():
    network = network_of(BLOCKS["residual"], 3, 3)
    network.set_weights([np.zeros_like(each) for each in network.get_weights()])
    assert "block-projected" not in [layer.name for layer in network.layers]
    assert_allclose(network(np.abs(MAPS)), np.abs(MAPS), rtol=1e-6)


def test_widths_of_googlenets_first_block_have_its_weights():
    # Szegedy 2015, table 1, row "inception (3a)"; the count by hand from its widths
    widths = InceptionWidths(64, 96, 128, 16, 32, 32)
    assert inception_widths(256) == widths
    by_hand = (
        (192 * 64 + 64)
        + (192 * 96 + 96)
        + (9 * 96 * 128 + 128)
        + (192 * 16 + 16)
        + (25 * 16 * 32 + 32)
        + (192 * 32 + 32)
    )
    network = network_of(inception_paths, widths, shape=(28, 28, 192))
    assert network.output_shape == (None, 28, 28, 256)
    assert network.count_params() == by_hand == 163_696


def test_inception_widths_add_up_and_none_is_empty():
    for n_filters in range(4, 200):
        widths = inception_widths(n_filters)
        assert min(widths) >= 1
        assert widths.one + widths.three + widths.five + widths.pooled == n_filters
        assert widths.reduced_three <= widths.three
        assert widths.reduced_five <= widths.five
