"""The network: names, shared branches, absent inputs, head and target, order of variables."""

import random

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal

from skmerge import (
    ConvBranch,
    DenseBranch,
    EmbeddingBranch,
    InputSpec,
    KerasBranch,
    MultiInput,
    TargetSpec,
    build_network,
)
from skmerge._reading import deep_logits
from skmerge._spec import WideSpec
from skmerge.network import network_inputs, wire_names

REGRESSION = TargetSpec("regression", 2)
PHOTO = InputSpec("photo", "image", (6, 6, 1), "uint8", "conv", optional=True)
NOTE = InputSpec("note", "text", (4,), "int32", "embedding", vocabulary_size=8, optional=True)
AGE = InputSpec("age", "array", (2,))
SPECS = [PHOTO, NOTE, AGE]


def vectors(*names, width=2, **options):
    return [InputSpec(name, "array", (width,), **options) for name in names]


def rows_of(n_rows=6, seed=0):
    rng = np.random.default_rng(seed)
    return MultiInput(
        {
            "photo": rng.integers(0, 256, (n_rows, 6, 6, 1)).astype("uint8"),
            "note": rng.integers(0, 8, (n_rows, 4)).astype("int32"),
            "age": rng.normal(size=(n_rows, 2)).astype("float32"),
        },
        {spec.name: spec for spec in SPECS},
        {"photo": rng.random(n_rows) < 0.5, "note": rng.random(n_rows) < 0.5},
    )


def layer_names(network):
    return [layer.name for layer in network.layers]


def test_network_reads_arrays_by_name_and_survives_saving(tmp_path):
    import keras

    X = rows_of()
    network = build_network(SPECS, merge=["concat", "cosine"], dropout=0.1)
    network.compile("adam", "binary_crossentropy")
    network.fit(network_inputs(X), np.arange(6) % 2, batch_size=4, verbose=0)
    predictions = network.predict(network_inputs(X), verbose=0)
    assert predictions.shape == (6, 1)
    assert predictions.dtype == "float32"
    network.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras")
    assert_allclose(loaded.predict(network_inputs(X), verbose=0), predictions, rtol=1e-5)


def test_each_input_is_the_layer_of_its_name():
    network = build_network(SPECS)
    for spec in SPECS:
        branch = network.get_layer(spec.name)
        assert branch.output_shape == (None, 64)
        assert branch.input_shape == (None, *spec.shape)
    assert network.get_layer("merge").output_shape == (None, 192)
    assert network.get_layer("head").output_shape == (None, 64)
    assert network.layers[-1] is network.get_layer("output")


def test_branches_are_merged_in_the_order_of_the_specs():
    specs = vectors("b", "a")
    branches = {"a": DenseBranch(()), "b": DenseBranch(())}
    network = build_network(specs, branches, "subtract", None, REGRESSION)
    network.get_layer("output").set_weights([np.eye(2), np.zeros(2)])
    a, b = np.array([[1.0, 2.0]]), np.array([[5.0, 9.0]])
    assert_allclose(network({"a": a, "b": b}), b - a)


def test_specs_may_come_as_mapping():
    spec = InputSpec("tabular", "tabular", (2,))
    network = build_network({"left": spec, "right": spec})
    assert {tensor.name for tensor in network.inputs} == {"left", "right"}


def test_one_input_passes_through_the_merge():
    network = build_network([AGE], merge="multiply", head=())
    assert layer_names(network) == ["age-input", "age", "age-features", "merged-features", "output"]


@pytest.mark.parametrize("merge", ["concat", "sum", "cosine"])
def test_same_arguments_give_the_same_variables_in_the_same_order(merge):
    built = []
    for _ in range(3):
        random.seed(0)
        built.append(
            build_network(
                [*SPECS, *vectors("x", "y")],
                {"photo": ConvBranch((2,), (3,), batch_normalization=True), "y": "x"},
                [merge, "dot"],
                head=(4, 3),
                dropout=0.5,
            )
        )
    expected = [np.asarray(variable) for variable in built[0].variables]
    for network in built[1:]:
        found = [np.asarray(variable) for variable in network.variables]
        assert [v.path for v in network.weights] == [v.path for v in built[0].weights]
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_array_equal(one, other)


def test_weights_of_a_network_fit_into_one_built_anew():
    X = network_inputs(rows_of())
    first, second = (build_network(SPECS, merge=["sum", "cosine"]) for _ in range(2))
    assert not np.allclose(first(X), second(X))
    second.set_weights(first.get_weights())
    assert_array_equal(first(X), second(X))


@pytest.mark.parametrize(
    "names",
    [
        ["photo", "note_2", "4th", "Sepal.Width"],
        ["front door", "front/door", "front_door", "front_door_2"],
        ["", " ", "é", "_", "写真", "a:0", "./up"],
        ["merge", "head", "output", "merge_2"],
        ["photo", "photo_present", "photo-input", "photo-absent"],
        ["dense_1", "concat", "merged-dropout", "project_0", "hidden", "MERGE", "Merge"],
    ],
)
def test_any_string_is_a_name(names):
    specs = vectors(*names, optional=True)
    X = MultiInput(
        {name: np.full((2, 2), i, "float32") for i, name in enumerate(names)},
        {spec.name: spec for spec in specs},
    )
    wires = wire_names(specs)
    assert list(wires) == names
    assert len(set(wires.values())) == len(names)
    network = build_network(specs, merge=["sum", "concat"], dropout=0.1)
    arrays = network_inputs(X)
    assert len(arrays) == 2 * len(names)
    assert network(arrays).shape == (2, 1)
    fuller = build_network(
        specs, dict.fromkeys(names, DenseBranch((8,))), normalize_features=True, wide={}, alone=True
    )
    assert fuller(arrays).shape == (2, 1)
    assert {f"{wire}-alone" for wire in wires.values()} < set(layer_names(fuller))
    for name in names:
        assert network.get_layer(wires[name]).input_shape == (None, 2)
        assert arrays[wires[name]] is X[name]


def test_ordinary_names_stay_as_they_are():
    names = ["photo", "4th", "Sepal.Width", "front_door"]
    assert wire_names(vectors(*names)) == {name: name for name in names}
    wires = wire_names(vectors("front door", "merge", *names))
    assert wires["front_door"] == "front_door"
    assert (wires["front door"], wires["merge"]) == ("front_door_2", "merge_2")


def test_network_inputs_are_the_arrays_themselves_and_float_masks():
    matrix = scipy.sparse.csr_matrix(np.eye(3, dtype="float32"))
    lazy = np.zeros((3, 2), "float16")
    specs = {
        "words": InputSpec("words", "tags", (3,), sparse=True, optional=True),
        "whole": InputSpec("whole", "array", (2,), "float16", optional=True),
    }
    X = MultiInput({"words": matrix, "whole": lazy}, specs, {"words": [True, False, True]})
    arrays = network_inputs(X)
    assert scipy.sparse.issparse(arrays["words"])
    assert arrays["whole"] is lazy
    assert_array_equal(arrays["words_present"], [[1], [0], [1]])
    assert_array_equal(arrays["whole_present"], np.ones((3, 1)))
    assert arrays["words_present"].dtype == arrays["whole_present"].dtype == "float32"


class TestAbsent:
    def build(self):
        specs = vectors("x", optional=True) + vectors("y")
        branches = {"x": DenseBranch(()), "y": DenseBranch(())}
        network = build_network(specs, branches, "sum", None, REGRESSION)
        network.get_layer("output").set_weights([np.eye(2), np.zeros(2)])
        return network

    def arrays(self, present):
        x = np.array([[1.0, 2.0], [3.0, 4.0]], "float32")
        return {"x": x, "x_present": np.array(present, "float32")[:, None], "y": 10 * x}

    def test_features_of_absent_inputs_are_one_learned_vector(self):
        network = self.build()
        assert_allclose(network(self.arrays([1, 0])), [[11, 22], [30, 40]])
        network.get_layer("x-absent").set_weights([np.array([7.0, 8.0])])
        assert_allclose(network(self.arrays([1, 0])), [[11, 22], [37, 48]])

    def test_vector_learns_from_absent_rows_alone(self):
        import tensorflow as tf

        network = self.build()
        vector = network.get_layer("x-absent").absent
        for present, learns in (([1, 1], False), ([1, 0], True)):
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(network(self.arrays(present)))
            gradient = tape.gradient(loss, vector.value)
            assert bool(np.any(gradient)) is learns

    def test_shared_branches_have_vectors_of_their_own(self):
        specs = vectors("front", "back", optional=True)
        network = build_network(specs, {"back": "front"}, head=())
        assert network.get_layer("front-absent") is not network.get_layer("back-absent")


class TestSharing:
    def test_shared_branch_is_one_set_of_weights(self):
        specs = vectors("front", "back", "side")
        branches = {"front": DenseBranch((3,)), "back": "front", "side": "back"}
        network = build_network(specs, branches, "sum", (), REGRESSION)
        assert [v.path for v in network.weights] == [
            "dense_1/kernel",
            "dense_1/bias",
            "output/kernel",
            "output/bias",
        ]
        assert "back" not in layer_names(network)
        x, zeros = np.ones((1, 2), "float32"), np.zeros((1, 2), "float32")
        names = ["front", "back", "side"]
        outputs = [network({n: x if n == name else zeros for n in names}) for name in names]
        assert_allclose(outputs[0], outputs[1], rtol=1e-6)
        assert_allclose(outputs[0], outputs[2], rtol=1e-6)

    def test_weights_may_be_shared_with_a_later_input(self):
        network = build_network(vectors("front", "back"), {"front": "back"}, "cosine")
        assert "front" not in layer_names(network)

    def test_one_branch_given_twice_is_built_twice(self):
        branch = DenseBranch((3,))
        network = build_network(
            vectors("front", "back"), {"front": branch, "back": branch}, head=()
        )
        assert len(network.get_layer("front").weights) == 2
        assert len(network.weights) == 6

    def test_short_name_of_a_branch_wins_over_an_input(self):
        specs = [InputSpec("dense", "image", (4, 4, 1), default_branch="conv"), *vectors("x")]
        network = build_network(specs, {"x": "dense"})
        assert network.get_layer("x").weights != network.get_layer("dense").weights

    @pytest.mark.parametrize(
        ("specs", "difference"),
        [
            ([InputSpec("b", "image", (3,))], r"shape is \(3,\), that of 'a' is \(2,\)"),
            (vectors("b", dtype="float64"), "dtype is 'float64', that of 'a' is 'float32'"),
            (vectors("b", vocabulary_size=9), "vocabulary_size is 9, that of 'a' is None"),
            (vectors("b", code_columns=(0,)), r"code_columns is \(0,\)"),
            (vectors("b", sparse=True), "sparse is True, that of 'a' is False"),
        ],
    )
    def test_inputs_that_share_must_be_alike(self, specs, difference):
        with pytest.raises(ValueError, match=f"'b' can share the branch of 'a' only.*{difference}"):
            build_network([*vectors("a"), *specs], {"b": "a"})

    @pytest.mark.parametrize(
        ("branches", "circle"),
        [
            ({"a": "a"}, "'a' -> 'a'"),
            ({"a": "b", "b": "a"}, "'a' -> 'b' -> 'a'"),
            ({"a": "b", "b": "c", "c": "b"}, "'a' -> 'b' -> 'c' -> 'b'"),
        ],
    )
    def test_circles_are_errors(self, branches, circle):
        with pytest.raises(ValueError, match=f"Got a circle: {circle}"):
            build_network(vectors("a", "b", "c"), branches)


def sub_model(network, layer):
    import keras

    return keras.Model(network.input, network.get_layer(layer).output)


def normalised(rows, gamma, beta, epsilon=1e-3):
    deviations = rows - rows.mean(axis=1, keepdims=True)
    variance = (deviations**2).mean(axis=1, keepdims=True)
    return gamma * deviations / np.sqrt(variance + epsilon) + beta


def normalised_wires(network):
    names = layer_names(network)
    return {name.removesuffix("-normalized") for name in names if name.endswith("-normalized")}


class TestNormalizedFeatures:
    PAIR = vectors("left", "right", width=3, optional=True)
    BRANCHES = {name: DenseBranch((8,)) for name in ("left", "right")}
    ROWS = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")

    def arrays(self, left, right, present=(1, 1)):
        masks = [np.full((len(left), 1), value, "float32") for value in present]
        return {
            "left": left,
            "right": right,
            "left_present": masks[0],
            "right_present": masks[1],
        }

    def test_features_are_those_of_the_branch_normalised_by_row(self):
        network = build_network(self.PAIR, self.BRANCHES, normalize_features=True)
        rng = np.random.default_rng(1)
        arrays = self.arrays(*self.ROWS)
        for name in ("left", "right"):
            gamma, beta = rng.uniform(0.5, 2, (2, 8)).astype("float32")
            network.get_layer(f"{name}-normalized").set_weights([gamma, beta])
            expected = normalised(np.asarray(network.get_layer(name)(arrays[name])), gamma, beta)
            features = sub_model(network, f"{name}-features")(arrays)
            assert_allclose(features, expected, rtol=1e-4, atol=1e-4)

    def test_by_default_they_are_as_the_branch_gives_them(self):
        network = build_network(self.PAIR, self.BRANCHES)
        assert not normalised_wires(network)
        arrays = self.arrays(*self.ROWS)
        expected = network.get_layer("left")(arrays["left"])
        assert_array_equal(sub_model(network, "left-features")(arrays), expected)

    def test_the_vector_of_an_absent_input_is_not_normalised(self):
        network = build_network(self.PAIR, self.BRANCHES, normalize_features=True)
        learned = np.arange(8, dtype="float32")
        network.get_layer("left-absent").set_weights([learned])
        features = sub_model(network, "left-features")(self.arrays(*self.ROWS, present=(0, 1)))
        assert_array_equal(features, np.tile(learned, (5, 1)))

    def test_a_shared_branch_shares_its_normalisation_and_treats_its_inputs_alike(self):
        branches = {"left": DenseBranch((8,)), "right": "left"}
        network = build_network(self.PAIR, branches, normalize_features=True)
        assert normalised_wires(network) == {"left"}
        rng = np.random.default_rng(1)
        gamma, beta = rng.uniform(0.5, 2, (2, 8))
        network.get_layer("left-normalized").set_weights([gamma, beta])
        one, other = self.ROWS
        features = [
            [
                np.asarray(sub_model(network, f"{name}-features")(arrays))
                for name in ("left", "right")
            ]
            for arrays in (self.arrays(one, other), self.arrays(other, one))
        ]
        assert_array_equal(features[0], features[1][::-1])
        assert not np.allclose(features[0][0], features[0][1])
        expected = normalised(np.asarray(network.get_layer("left")(other)), gamma, beta)
        assert_allclose(features[0][1], expected, rtol=1e-4, atol=1e-4)

    def test_branches_alike_but_not_shared_have_one_each(self):
        network = build_network(self.PAIR, self.BRANCHES, normalize_features=True)
        assert normalised_wires(network) == {"left", "right"}

    @pytest.mark.parametrize(
        ("branch", "merge", "expected"),
        [
            (DenseBranch((8,)), "concat", {"left", "right"}),
            (DenseBranch((7,)), "concat", {"right"}),
            (DenseBranch(()), "concat", {"right"}),
            ("keras", "concat", {"right"}),
            (DenseBranch((8,)), "gated", {"left", "right"}),
            (DenseBranch((8,)), ["multiply", "sum"], {"left", "right"}),
            (DenseBranch((8,)), "late", set()),
        ],
    )
    def test_which_branches_are_normalised(self, branch, merge, expected):
        import keras

        if branch == "keras":
            branch = KerasBranch(keras.Sequential([keras.layers.Dense(16)]))
        network = build_network(
            self.PAIR, self.BRANCHES | {"left": branch}, merge, normalize_features=True
        )
        assert normalised_wires(network) == expected

    def test_a_single_input_is_not_normalised(self):
        network = build_network(
            vectors("x"), {"x": DenseBranch((8,))}, normalize_features=True, wide={}
        )
        assert not normalised_wires(network)

    def test_they_learn(self):
        network = build_network(vectors("x", "y"), normalize_features=True)
        trained = {variable.path for variable in network.trainable_variables}
        assert {"x-normalized/gamma", "x-normalized/beta"} < trained


class TestAlone:
    SPECS = vectors("x", "y", "z", optional=True)

    def network(self, specs=SPECS, **changes):
        settings = {"dropout": 0.3, "wide": {}, "alone": True, "normalize_features": True}
        return build_network(specs, **(settings | changes))

    def arrays(self, n_rows=5):
        rng = np.random.default_rng(0)
        rows = {name: rng.normal(size=(n_rows, 2)).astype("float32") for name in "xyz"}
        masks = {f"{name}_present": np.float32(rng.random((n_rows, 1)) < 0.6) for name in "xyz"}
        return rows | masks

    def test_each_input_predicts_by_a_linear_layer_on_its_features(self):
        network, arrays = self.network(target=REGRESSION), self.arrays()
        for name in "xyz":
            layer = network.get_layer(f"{name}-alone")
            layer.set_weights([np.asarray(layer.kernel), np.array([0.5, -0.5])])
            features = np.asarray(sub_model(network, f"{name}-features")(arrays))
            expected = features @ np.asarray(layer.kernel) + [0.5, -0.5]
            found = sub_model(network, f"{name}-alone")(arrays)
            assert found.dtype == "float32"
            assert_allclose(found, expected, rtol=1e-4, atol=1e-5)

    def test_what_they_say_counts_once_it_is_given_a_factor(self):
        network, arrays = self.network(target=REGRESSION), self.arrays()
        parts = [
            np.asarray(sub_model(network, name)(arrays))
            for name in ("deep", "x-alone", "y-alone", "z-alone")
        ]
        assert_allclose(network(arrays), parts[0], rtol=1e-6)
        factors, bias = np.array([0.5, 2, 0, -1], "float32"), np.array([1, 3], "float32")
        network.get_layer("blend").set_weights([*factors, bias])
        expected = np.tensordot(factors, parts, axes=1) + bias
        assert_allclose(network(arrays), expected, rtol=1e-4, atol=1e-5)

    def test_the_deep_reading_is_what_has_factors_the_merged_first(self):
        network, arrays = self.network(wide={"y": WideSpec(n_bins=4)}), self.arrays()
        names = ("deep", "x-alone", "y-alone", "z-alone")
        expected = [np.asarray(sub_model(network, name)(arrays)) for name in names]
        found = deep_logits(network)(arrays)
        assert len(found) == 4
        for one, other in zip(found, expected, strict=True):
            assert_array_equal(one, other)

    def test_the_deep_reading_of_one_input_is_of_all_rows(self):
        network = self.network(vectors("x"))
        arrays = {"x": self.arrays()["x"]}
        network.get_layer("blend").set_weights([np.float32(9), np.float32([9])])
        found = deep_logits(network)(arrays)
        assert found.shape == (5, 1)
        assert_array_equal(found, sub_model(network, "deep")(arrays))
        assert deep_logits(build_network(vectors("x"))) is None

    @pytest.mark.parametrize(
        "changes",
        [
            {"wide": None},
            {"alone": False},
            {"merge": "late"},
            {"specs": vectors("x")},
        ],
        ids=["no wide part", "not asked for", "late", "one input"],
    )
    def test_there_are_none(self, changes):
        network = self.network(**changes)
        assert not [name for name in layer_names(network) if "alone" in name]
        if changes.get("wide", {}) is not None:
            assert network.get_layer("blend").n_scaled == 1

    def test_of_a_shared_branch_each_input_predicts_by_itself(self):
        network = self.network(branches={"y": "x"})
        layers = [network.get_layer(f"{name}-alone") for name in "xy"]
        assert not np.allclose(*(np.asarray(layer.kernel) for layer in layers))

    def test_dropout_comes_before_each(self):
        names = layer_names(self.network())
        assert {f"{name}-alone-dropout" for name in "xyz"} < set(names)
        assert not [name for name in layer_names(self.network(dropout=0)) if "dropout" in name]

    def test_it_is_saved_whole(self, tmp_path):
        import keras

        network, arrays = self.network(wide={"y": WideSpec(n_bins=4)}), self.arrays()
        network.get_layer("blend").set_weights([*np.float32([0.5, 2, 0.3, 1]), np.float32([1])])
        network.save(tmp_path / "network.keras")
        loaded = keras.saving.load_model(tmp_path / "network.keras")
        assert_allclose(loaded(arrays), network(arrays), rtol=1e-6)
        assert len(deep_logits(loaded)(arrays)) == 4


class TestHead:
    @pytest.mark.parametrize("head", [None, (), []])
    def test_no_head(self, head):
        assert "head" not in layer_names(build_network(SPECS, head=head))

    def test_widths_are_layers_with_dropout_after_each(self):
        network = build_network(SPECS, head=[5, 3], dropout=0.2)
        assert network.get_layer("merged-dropout").rate == 0.2
        head = network.get_layer("head")
        assert layer_names(head)[1:] == ["dense_1", "dense_1-dropout", "dense_2", "dense_2-dropout"]
        assert head.get_layer("dense_1").activation.__name__ == "relu"
        assert head.output_shape == (None, 3)

    def test_users_network_is_rebuilt(self):
        from keras import Sequential, layers

        head = Sequential([layers.Dense(5, activation="tanh"), layers.Reshape((5, 1))])
        networks = [build_network(SPECS, head=head) for _ in range(2)]
        assert not head.built
        assert networks[0].get_layer("head").output_shape == (None, 5)
        kernels = [np.asarray(network.get_layer("head").weights[0]) for network in networks]
        assert not np.allclose(*kernels)

    def test_branch_may_be_a_head(self):
        kept = KerasBranch(lambda: None)
        with pytest.raises(ValueError, match=r"returned None"):
            build_network(SPECS, head=kept)
        network = build_network(SPECS, head=DenseBranch((4,), activation="tanh"))
        assert network.get_layer("head").output_shape == (None, 4)

    @pytest.mark.parametrize("head", ["64", 64, {"a": 1}])
    def test_anything_else_is_an_error(self, head):
        with pytest.raises(ValueError, match=f"'head' must be a tuple of widths.*Got {head!r}"):
            build_network(SPECS, head=head)

    def test_widths_are_at_least_one(self):
        with pytest.raises(ValueError, match=r"'head' parameter.*Got \(8, 0\)"):
            build_network(SPECS, head=(8, 0))


@pytest.mark.parametrize(
    ("target", "check"),
    [
        (TargetSpec("binary", 1), lambda p: (p > 0) & (p < 1)),
        (TargetSpec("multiclass", 3), lambda p: np.isclose(p.sum(axis=1), 1)),
        (TargetSpec("multilabel", 4), lambda p: (p > 0) & (p < 1)),
        (TargetSpec("regression", 2), np.isfinite),
    ],
)
def test_output_fits_the_target_also_under_mixed_precision(target, check):
    import keras

    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        network = build_network(SPECS, target=target, merge=["sum", "cosine"])
    finally:
        keras.mixed_precision.set_global_policy("float32")
    predictions = np.asarray(network(network_inputs(rows_of())))
    assert predictions.shape == (6, target.n_outputs)
    assert predictions.dtype == "float32"
    assert np.all(check(predictions))


def test_branch_instances_and_keras_objects_mix():
    from keras import Sequential, layers

    branches = {
        "photo": Sequential([layers.Flatten(), layers.Dense(3)]),
        "note": EmbeddingBranch(3, (2,)),
    }
    network = build_network(SPECS, branches, "multiply")
    assert network.get_layer("photo").output_shape == (None, 3)
    assert network.get_layer("note").output_shape == (None, 2)
    assert network.get_layer("merge").output_shape == (None, 64)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"specs": []}, "at least one input"),
        ({"specs": {}}, "at least one input"),
        ({"specs": vectors("x", "x")}, r"name of its own\. Got \['x', 'x'\]"),
        (
            {"branches": {"foto": "conv"}},
            r"inputs, which are \['photo', 'note', 'age'\]\. Got 'foto'\. Did you mean 'photo'\?",
        ),
        (
            {"branches": {"photo": "cnov"}},
            r"branch of input 'photo' must be one of \['attention', .*input \(\['note', 'age'\]\)"
            r".*Got 'cnov'\. Did you mean 'conv'\?",
        ),
        ({"branches": {"photo": "note_"}}, r"Got 'note_'\. Did you mean 'note'\?"),
        ({"branches": {"photo": 3}}, r"Input 'photo': A branch must be one of .*Got 3"),
        (
            {"specs": vectors("x", default_branch="spectral")},
            "branch of input 'x' must be one of.*Got 'spectral'",
        ),
        ({"merge": "gatd"}, r"The 'merge' parameter must be one of \['concat'.*Got 'gatd'"),
        ({"dropout": 1.0}, r"'dropout' must be at least 0 and below 1\. Got 1\.0"),
        ({"input_dropout": -1}, r"'input_dropout' must be at least 0 and below 1\. Got -1"),
        ({"merge": "subtract"}, r"Subtract\(\) cannot join.*'photo': 64, 'note': 64, 'age': 64"),
        ({"branches": {"age": "conv"}}, r"Input 'age': ConvBranch\(\) cannot read InputSpec\("),
        ({"specs": vectors("x", dtype="<U5")}, "Input 'x': .*<U5"),
    ],
)
def test_mistakes_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        build_network(**{"specs": SPECS, **arguments})


def test_branch_of_ones_own_must_give_vectors():
    class Lazy(DenseBranch):
        def build(self, tensor, spec):
            return tensor

    network = build_network([AGE], {"age": Lazy()}, head=())
    assert network.get_layer("age").output_shape == (None, 2)
    with pytest.raises(ValueError, match=r"shape \(batch, units\)\. Got \(None, 6, 6, 1\)"):
        build_network([PHOTO], {"photo": Lazy()})
