"""Maps against convolutions by hand, and how they are drawn."""

import keras
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

from skmerge import (
    ColumnRouter,
    ConvBranch,
    FeatureMapDisplay,
    KerasBranch,
    MergedNetClassifier,
    MultiInput,
)
from skmerge.inspection._feature_maps import _grid

QUICK = {"epochs": 1, "head": (4,), "random_state": 0}


@pytest.fixture(autouse=True)
def _no_figure_is_left():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(0)
    return MultiInput(
        {
            "photo": rng.integers(0, 256, (24, 7, 6, 3), dtype="uint8"),
            "scan": rng.normal(size=(24, 6, 6)).astype("float32"),
            "table": rng.normal(size=(24, 2)).astype("float32"),
        },
        masks={"scan": np.arange(24) != 5},
    )


@pytest.fixture(scope="module")
def labels():
    return np.random.default_rng(1).integers(0, 2, 24)


def fitted_with(pictures, labels, **branches):
    names = [name for name in pictures if name in branches or name == "table"]
    return MergedNetClassifier(branches=branches, **QUICK).fit(pictures.select(names), labels)


@pytest.fixture(scope="module")
def plain(pictures, labels):
    branch = ConvBranch((5, 20), (4,), batch_normalization=False)
    return fitted_with(pictures, labels, photo=branch)


def convolved(picture, kernel, bias):
    """A convolution that keeps the size, in plain NumPy: Keras's has no flipped kernel."""
    height, width, _ = picture.shape
    size = kernel.shape[0]
    padded = np.pad(picture, ((size // 2,) * 2, (size // 2,) * 2, (0, 0)))
    maps = np.zeros((kernel.shape[3], height, width))
    for row in range(height):
        for column in range(width):
            window = padded[row : row + size, column : column + size]
            maps[:, row, column] = np.tensordot(window, kernel, 3) + bias
    return maps


def test_activations_are_those_of_the_convolution(plain, pictures):
    display = FeatureMapDisplay.from_estimator(plain, pictures, row=3)
    kernel, bias = plain.model_.get_layer("photo").get_layer("conv_1").get_weights()
    expected = np.maximum(convolved(pictures["photo"][3] / 255, kernel, bias), 0)
    assert display.layer == "conv_1"
    assert display.n_maps == 5
    np.testing.assert_array_equal(display.numbers, range(5))
    np.testing.assert_allclose(display.maps, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(display.picture, pictures["photo"][3] / 255)


def test_activations_come_after_normalisation_and_activation(pictures, labels):
    branch = ConvBranch((4,), (), batch_normalization=True)
    classifier = fitted_with(pictures, labels, photo=branch)
    display = FeatureMapDisplay.from_estimator(classifier, pictures)
    network = classifier.model_.get_layer("photo")
    reached = keras.Model(network.input, network.get_layer("conv_1-activated").output)
    expected = np.moveaxis(np.asarray(reached(pictures["photo"][:1]))[0], -1, 0)
    assert display.layer == "conv_1"
    np.testing.assert_allclose(display.maps, expected, rtol=1e-5)
    assert display.maps.min() >= 0


def test_the_strongest_maps_are_drawn_in_their_order(plain, pictures):
    whole = FeatureMapDisplay.from_estimator(plain, pictures, layer="conv_2", max_maps=20)
    some = FeatureMapDisplay.from_estimator(plain, pictures, layer="conv_2", max_maps=6)
    strength = np.abs(whole.maps).mean(axis=(1, 2))
    expected = np.sort(np.argsort(-strength, kind="stable")[:6])
    np.testing.assert_array_equal(some.numbers, expected)
    np.testing.assert_array_equal(some.maps, whole.maps[expected])
    assert "the 6 strongest of 20 maps" in some.ax_.get_title(loc="left")
    assert "all 20 maps" in whole.ax_.get_title(loc="left")


def test_filters_of_three_channels_are_colours(plain, pictures):
    display = FeatureMapDisplay.from_estimator(plain, pictures, what="filters")
    kernel, _ = plain.model_.get_layer("photo").get_layer("conv_1").get_weights()
    np.testing.assert_array_equal(display.maps, np.moveaxis(kernel, -1, 0))
    shown = display.axes_[2].images[0].get_array()
    np.testing.assert_allclose(shown, kernel[..., 2] / (2 * np.abs(kernel).max()) + 0.5, rtol=1e-5)


def test_other_filters_are_their_mean_over_the_channels(plain, pictures):
    display = FeatureMapDisplay.from_estimator(
        plain, pictures, what="filters", layer="conv_2", max_maps=20
    )
    kernel, _ = plain.model_.get_layer("photo").get_layer("conv_2").get_weights()
    np.testing.assert_allclose(display.maps, np.moveaxis(kernel.mean(axis=2), -1, 0), rtol=1e-5)
    norm = display.axes_[0].images[0].norm
    assert norm.vmin == -norm.vmax, "white is 0"


@pytest.mark.parametrize("block", ["inception", "residual"])
def test_blocks_show_each_of_their_convolutions(block, pictures, labels):
    classifier = fitted_with(pictures, labels, photo=ConvBranch((8,), (), block=block))
    network = classifier.model_.get_layer("photo")
    names = [each.name for each in network.layers if isinstance(each, keras.layers.Conv2D)]
    assert len(names) >= 2
    for name in names:
        display = FeatureMapDisplay.from_estimator(classifier, pictures, layer=name)
        assert display.maps.shape == (network.get_layer(name).filters, 7, 6)


def test_convolutions_within_networks_of_the_users_are_named_by_path(pictures, labels):
    body = keras.Sequential([keras.layers.Conv2D(3, 2, name="first")], name="body")
    network = keras.Sequential([body, keras.layers.GlobalMaxPooling2D()], name="mine")
    classifier = fitted_with(pictures, labels, photo=KerasBranch(network))
    display = FeatureMapDisplay.from_estimator(classifier, pictures, row=2)
    assert display.layer == "mine/body/first"
    kernel, bias = network_weights(classifier, "first")
    window = pictures["photo"][2, :2, :2].astype("float32")
    np.testing.assert_allclose(
        display.maps[:, 0, 0], np.tensordot(window, kernel, 3) + bias, rtol=1e-4
    )
    assert display.axes_[0].images[0].cmap.name == "RdBu_r", "values below 0 are not clipped"


def network_weights(classifier, name):
    weights = {weight.path: weight.numpy() for weight in classifier.model_.weights}
    found = [value for path, value in weights.items() if f"{name}/" in path]
    return sorted(found, key=lambda value: -value.ndim)


@keras.saving.register_keras_serializable(package="test_feature_maps")
class Subclassed(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.convolution = keras.layers.Conv2D(2, 3, name="hidden")
        self.pooling = keras.layers.GlobalAveragePooling2D()

    def call(self, pictures):
        return self.pooling(self.convolution(pictures))


def test_subclassed_models_are_seen_into(pictures, labels):
    classifier = fitted_with(pictures, labels, photo=Subclassed(name="own"))
    display = FeatureMapDisplay.from_estimator(classifier, pictures)
    assert display.layer == "own/hidden"
    assert display.maps.shape == (2, 5, 4)


def test_a_shared_branch_shows_the_picture_of_the_input_named(pictures, labels):
    X = MultiInput({"front": pictures["photo"], "back": pictures["photo"][::-1].copy()})
    branches = {"front": ConvBranch((3,), ()), "back": "front"}
    classifier = MergedNetClassifier(branches=branches, **QUICK).fit(X, labels)
    front = FeatureMapDisplay.from_estimator(classifier, X, input="front", row=0)
    back = FeatureMapDisplay.from_estimator(classifier, X, input="back", row=23)
    np.testing.assert_array_equal(front.maps, back.maps)
    other = FeatureMapDisplay.from_estimator(classifier, X, input="back", row=0)
    assert not np.array_equal(front.maps, other.maps)
    with pytest.raises(ValueError, match=r"read the inputs \['front', 'back'\].* input='front'"):
        FeatureMapDisplay.from_estimator(classifier, X)


def test_a_pipeline_and_pictures_of_rank_two(labels):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"scan": list(rng.integers(0, 256, (24, 6, 6), dtype="uint8"))})
    network = MergedNetClassifier(branches={"scan": ConvBranch((2,), ())}, **QUICK)
    pipeline = make_pipeline(ColumnRouter({"scan": "image"}), network).fit(frame, labels)
    display = FeatureMapDisplay.from_estimator(pipeline, frame, row=1)
    np.testing.assert_array_equal(display.picture[..., 0], frame["scan"][1] / 255)
    assert display.maps.shape == (2, 6, 6)


def test_a_row_without_the_picture_is_refused(pictures, labels):
    classifier = fitted_with(pictures, labels, scan=ConvBranch((2,), ()))
    assert FeatureMapDisplay.from_estimator(classifier, pictures, row=4).input == "scan"
    with pytest.raises(ValueError, match="Row 5 lacks input 'scan'"):
        FeatureMapDisplay.from_estimator(classifier, pictures, row=5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layer": "conv1"}, r"\['conv_1', 'conv_2'\].* Got 'conv1'. Did you mean 'conv_1'"),
        ({"layer": "dense_1"}, r"'dense_1' must make maps .* Got \(4,\). Choose one of \['conv_1'"),
        (
            {"layer": "pool_1", "what": "filters"},
            r"one of the convolutions \['conv_1', 'conv_2'\]\.",
        ),
        ({"what": "weights"}, r"'what' must be one of \['activations', 'filters'\]"),
        ({"input": "foto"}, r"\['photo', 'table'\]. Got 'foto'. Did you mean 'photo'"),
        ({"input": "table"}, r"no convolution over pictures in the branch of 'table'"),
    ],
)
def test_what_cannot_be_drawn_is_named(plain, pictures, arguments, message):
    with pytest.raises(ValueError, match=message):
        FeatureMapDisplay.from_estimator(plain, pictures, **arguments)


def test_networks_without_convolutions_and_unfitted_ones_are_refused(pictures, labels):
    classifier = fitted_with(pictures, labels)
    with pytest.raises(ValueError, match=r"in any of the branches of \['table'\]"):
        FeatureMapDisplay.from_estimator(classifier, pictures)
    with pytest.raises(NotFittedError):
        FeatureMapDisplay.from_estimator(MergedNetClassifier(), pictures)


def test_other_layers_can_be_named_too(plain, pictures):
    display = FeatureMapDisplay.from_estimator(plain, pictures, layer="pool_1")
    assert display.maps.shape == (5, 3, 3)


def test_axes_hold_picture_and_maps(plain, pictures):
    display = FeatureMapDisplay.from_estimator(plain, pictures, row=2)
    assert display.axes_.shape == (5,)
    assert display.figure_ is display.ax_.figure
    assert [ax.get_title(loc="left") for ax in display.axes_] == ["0", "1", "2", "3", "4"]
    assert display.picture_ax_.get_xlabel() == "photo, row 2"
    display.figure_.canvas.draw()
    for ax in display.axes_:
        box = ax.get_window_extent()
        assert display.figure_.bbox.contains(box.x0, box.y0)
        assert display.figure_.bbox.contains(box.x1, box.y1)


def test_the_users_axes_are_drawn_in(plain, pictures):
    _, (left, right) = plt.subplots(1, 2)
    display = FeatureMapDisplay.from_estimator(plain, pictures, ax=right)
    assert display.ax_ is right
    assert display.axes_[0] in right.child_axes
    assert display.plot(ax=left) is display
    assert display.ax_ is left


@pytest.mark.parametrize("n_maps", [1, 2, 3, 5, 7, 12, 16, 17, 30, 64])
def test_the_grid_holds_all_maps_without_an_empty_row(n_maps):
    n_rows, n_columns = _grid(n_maps)
    assert n_rows * n_columns >= n_maps
    assert (n_rows - 1) * n_columns < n_maps
    assert n_rows <= n_columns
