"""ConvBranch: pictures of every size, their scale, blocks in stages, and variation in training."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skmerge import ConvBranch, InputSpec, MergedNetClassifier, build_network
from skmerge.network import TargetSpec

PICTURES = InputSpec("x", "image", (8, 6, 3), "uint8")


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
        batch_normalization=False,
        pooling=pooling,
    )


def test_classic_form_is_convolutions_and_pools_in_turn():
    spec = InputSpec("x", "image", (16, 16, 3), "uint8")
    network = branch_network(spec, ConvBranch((32, 64), batch_normalization=False))
    kinds = [type(layer).__name__ for layer in network.layers]
    kept = [kind for kind in kinds if kind not in {"InputLayer", "Rescaling"}]
    assert kept == [*["Conv2D", "MaxPooling2D"] * 2, "GlobalMaxPooling2D", "Dense"]


def test_by_default_four_stages_are_normalised():
    spec = InputSpec("x", "image", (32, 32, 3), "uint8")
    network = branch_network(spec, ConvBranch())
    kinds = [type(layer).__name__ for layer in network.layers]
    kept = [kind for kind in kinds if kind not in {"InputLayer", "Rescaling"}]
    stage = ["Conv2D", "BatchNormalization", "Activation", "MaxPooling2D"]
    assert kept == [*stage * 4, "GlobalMaxPooling2D", "Dense"]
    widths = [network.get_layer(f"conv_{stage}").filters for stage in (1, 2, 3, 4)]
    assert widths == [16, 32, 64, 64]


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


def names_and_shapes(network):
    return {
        layer.name: [tuple(weight.shape) for weight in layer.weights]
        for layer in network.layers
        if layer.weights or "pool" in layer.name or "activated" in layer.name
    }


def test_plain_stages_are_single_convolutions():
    expected = {
        "conv_1": [(3, 3, 3, 32), (32,)],
        "pool_1": [],
        "conv_2": [(3, 3, 32, 64), (64,)],
        "pool_2": [],
        "dense_1": [(64, 64), (64,)],
    }
    plain = ConvBranch((32, 64), batch_normalization=False)
    assert names_and_shapes(branch_network(PICTURES, plain)) == expected
    normalized = names_and_shapes(branch_network(PICTURES, ConvBranch((2,), ())))
    assert normalized == {
        "conv_1": [(3, 3, 3, 2)],
        "conv_1-normalized": [(2,)] * 4,
        "conv_1-activated": [],
        "pool_1": [],
    }


@pytest.mark.parametrize(("block", "per_block"), [("plain", 1), ("inception", 6), ("residual", 2)])
@pytest.mark.parametrize("depth", [1, 3])
def test_depth_is_the_number_of_blocks_in_each_stage(block, per_block, depth):
    import keras

    branch = ConvBranch((8, 8), (), block=block, depth=depth)
    network = branch_network(InputSpec("x", "image", (8, 6, 8)), branch)
    kinds = [type(layer) for layer in network.layers]
    assert kinds.count(keras.layers.Conv2D) == 2 * depth * per_block
    shrinking = [layer for layer in network.layers if layer.name.startswith("pool_")]
    assert [layer.output.shape[1:3] for layer in shrinking] == [(4, 3), (2, 1)]


ROWS = [
    (ConvBranch((4, 9), (3,), block="inception", depth=2, batch_normalization=True), PICTURES, 3),
    (
        ConvBranch((4,), (), block="inception", batch_normalization=False, pooling="flatten"),
        PICTURES,
        4 * 3 * 4,
    ),
    (ConvBranch((2, 3), (), block="residual", depth=2, batch_normalization=False), PICTURES, 3),
    (ConvBranch((3,), (), block="residual", batch_normalization=True), PICTURES, 3),
    (ConvBranch((4,), (), block="residual"), InputSpec("x", "image", (5, 4), "int32"), 4),
    (ConvBranch((4,), (), block="inception"), InputSpec("x", "image", (1, 1, 1)), 4),
    (ConvBranch((2,), (), depth=3, flip="both", shift=0.2, zoom=0.2), PICTURES, 2),
    (ConvBranch((2,), (), flip="vertical"), InputSpec("x", "image", (5, 4), "uint8"), 2),
    (ConvBranch((2,), (), shift=0.5), InputSpec("x", "image", (5, 4), "float64"), 2),
    (
        ConvBranch((4,), (), block="inception", flip="horizontal", shift=0.1, zoom=0.1),
        InputSpec("x", "image", (None, None, 3), "uint8"),
        4,
    ),
]


def pictures_of(spec, n_rows=4):
    rng = np.random.default_rng(0)
    shape = (n_rows, *(length or 5 for length in spec.shape))
    return (rng.random(shape) * (255 if spec.dtype != "float32" else 1)).astype(spec.dtype)


@pytest.mark.parametrize(("branch", "spec", "width"), ROWS)
def test_branch_gives_vectors_learns_and_is_saved(branch, spec, width, tmp_path):
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(0)
    network = build_network([spec], {"x": branch}, head=(), target=TargetSpec("regression", 1))
    rows = {"x": pictures_of(spec)}
    features = np.asarray(network.get_layer("x")(rows["x"]))
    assert features.shape == (4, width)
    assert features.dtype == "float32"

    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(network(rows, training=True) ** 2)
    for gradient in tape.gradient(loss, network.trainable_variables):
        assert np.isfinite(tf.convert_to_tensor(gradient)).all()

    network.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras")
    assert_allclose(loaded(rows), network(rows), rtol=1e-6)
    assert loaded.count_params() == network.count_params()


@pytest.mark.parametrize(
    ("branch", "message"),
    [
        (ConvBranch(block="inceptoin"), r"'block' parameter of ConvBranch.*Got 'inceptoin'"),
        (ConvBranch((8, 3), block="inception"), r"at least 4 in each stage.*Got \(8, 3\)"),
        (ConvBranch(depth=0), r"'depth' parameter of ConvBranch.*Got 0"),
        (ConvBranch(flip="left"), r"'flip' parameter of ConvBranch.*Got 'left'"),
        (ConvBranch(shift=1.0), r"'shift' parameter of ConvBranch.*Got 1\.0"),
        (ConvBranch(zoom=-0.1), r"'zoom' parameter of ConvBranch.*Got -0\.1"),
    ],
)
def test_what_is_no_valid_parameter_is_said(branch, message):
    with pytest.raises(ValueError, match=message):
        build_network([PICTURES], {"x": branch})


def seen_in_training(picture, n_draws=300, **variation):
    """What the first convolution reads of one picture, in many steps of training."""
    import keras

    keras.utils.set_random_seed(0)
    spec = InputSpec("x", "image", picture.shape)
    branch = ConvBranch((1,), (), kernel_size=1, pool_size=1, pooling="flatten", **variation)
    layer = branch_network(spec, branch).get_layer("varied")
    return np.asarray(layer(np.repeat(picture[np.newaxis], n_draws, axis=0), training=True))


CORNERS = np.arange(4, dtype="float32").reshape(2, 2, 1)


@pytest.mark.parametrize(
    ("flip", "expected"),
    [
        ("horizontal", [[0, 1, 2, 3], [1, 0, 3, 2]]),
        ("vertical", [[0, 1, 2, 3], [2, 3, 0, 1]]),
        ("both", [[0, 1, 2, 3], [1, 0, 3, 2], [2, 3, 0, 1], [3, 2, 1, 0]]),
    ],
)
def test_flips_are_drawn_for_each_picture_and_direction(flip, expected):
    seen = seen_in_training(CORNERS, flip=flip).reshape(-1, 4)
    views, counts = np.unique(seen, axis=0, return_counts=True)
    assert_array_equal(views, expected)
    assert (np.abs(counts / len(seen) - 1 / len(expected)) < 0.1).all()


def test_shift_is_at_most_that_share_of_height_and_width():
    rows, columns = np.meshgrid(np.arange(10.0), np.arange(20.0), indexing="ij")
    seen = seen_in_training(np.stack([rows, columns], axis=-1), shift=0.2)
    shifts = seen[:, 5, 10] - [5, 10]
    assert (np.abs(shifts).max(axis=0) <= [2, 4]).all()
    assert (np.abs(shifts).max(axis=0) > [1.8, 3.6]).all()
    assert abs(np.corrcoef(shifts.T)[0, 1]) < 0.2
    assert seen[..., 0].min() == 0
    assert seen[..., 0].max() == 9


def test_zoom_keeps_the_middle_and_the_aspect():
    rows, columns = np.meshgrid(np.arange(-5.0, 6), np.arange(-10.0, 11), indexing="ij")
    seen = seen_in_training(np.stack([rows, columns], axis=-1), zoom=0.3)
    assert_allclose(seen[:, 5, 10], 0, atol=1e-5)
    factors = seen[:, 6, 11]
    assert_allclose(factors[:, 0], factors[:, 1], rtol=1e-4)
    assert 0.7 <= factors.min() < 0.75
    assert 1.25 < factors.max() <= 1.3


VARIED = ConvBranch((4,), (4,), flip="both", shift=0.2, zoom=0.2)


def test_pictures_vary_in_training_and_at_no_other_time():
    network = branch_network(PICTURES, VARIED)
    pictures = pictures_of(PICTURES)
    first, second = (np.asarray(network(pictures, training=True)) for _ in range(2))
    assert not np.allclose(first, second)
    plain = branch_network(PICTURES, ConvBranch((4,), (4,)))
    plain.set_weights(network.get_weights())
    for outputs in (network(pictures), network(pictures, training=False)):
        assert_array_equal(outputs, plain(pictures))


@pytest.fixture(scope="module")
def task():
    rng = np.random.default_rng(0)
    return {"photo": rng.integers(0, 256, (30, 6, 5, 3), dtype="uint8")}, rng.integers(0, 2, 30)


def fitted(task, branch, seed=0):
    X, y = task
    estimator = MergedNetClassifier(
        branches={"photo": branch}, head=(), epochs=2, dropout=0, random_state=seed
    )
    return estimator.fit(X, y)


def test_one_seed_gives_one_variation(task):
    first, again, other = (fitted(task, VARIED, seed).predict_proba(task[0]) for seed in (0, 0, 1))
    assert_array_equal(first, again)
    assert not np.allclose(first, other)


def test_predictions_do_not_vary_and_survive_pickle(task):
    estimator = fitted(task, VARIED)
    predicted = estimator.predict_proba(task[0])
    assert_array_equal(estimator.predict_proba(task[0]), predicted)
    copy = pickle.loads(pickle.dumps(estimator))
    assert_array_equal(copy.predict_proba(task[0]), predicted)
    # what comes next is drawn alike too
    for each in (estimator, copy):
        each.partial_fit(*task)
    assert_array_equal(copy.predict_proba(task[0]), estimator.predict_proba(task[0]))


def test_variation_reaches_what_is_learned(task):
    unvaried = ConvBranch((4,), (4,))
    assert not np.allclose(
        fitted(task, VARIED).predict_proba(task[0]), fitted(task, unvaried).predict_proba(task[0])
    )
