"""The layers of Keras's kind: all known by name once the package is imported."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import skmerge._layers
from skmerge import InputSpec, build_network
from skmerge._layers import Blend, WideTable, WideWords
from skmerge._spec import WideSpec
from skmerge._wide._features import TableFeatures, WordFeatures


def test_every_layer_is_exported_and_registered_under_a_name_of_its_own():
    exported = {getattr(skmerge._layers, name) for name in skmerge._layers.__all__}
    assert {cls.__module__.rpartition(".")[0] for cls in exported} == {"skmerge._layers"}
    defined = {
        cls
        for module in vars(skmerge._layers).values()
        if getattr(module, "__name__", "").startswith("skmerge._layers.")
        for cls in vars(module).values()
        if isinstance(cls, type)
        and issubclass(cls, keras.layers.Layer)
        and cls.__module__ == module.__name__
    }
    assert defined == exported
    registered = {keras.saving.get_registered_name(cls): cls for cls in defined}
    assert len(registered) == len(defined)
    for name, cls in registered.items():
        assert keras.saving.get_registered_object(name) is cls


def test_networks_load_in_another_process_after_one_import(tmp_path):
    from skmerge import AttentionBranch, ConvBranch

    network = build_network(
        [
            InputSpec("photo", "image", (8, 8, 3), "uint8", optional=True),
            InputSpec("note", "text", (5,), "int32", vocabulary_size=9),
            InputSpec("table", "tabular", (2,), code_columns=(1,), cardinalities=(3,)),
        ],
        {"photo": ConvBranch((4,), flip="both"), "note": AttentionBranch(8, pooling="cls")},
        merge="attention",
        input_dropout=0.2,
        wide={"note": WideSpec(n_pairs=16), "table": WideSpec(n_bins=4, n_crossed=2)},
    )
    network.save(tmp_path / "network.keras")
    code = (
        "import keras, skmerge._layers; "
        f"model = keras.saving.load_model({str(tmp_path / 'network.keras')!r}); "
        "print(model.count_params())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) == network.count_params()


RNG = np.random.default_rng(0)
IDS = RNG.integers(0, 9, (40, 6)).astype("int32")
TABLE = np.concatenate([RNG.normal(3, 2, (40, 2)), RNG.integers(0, 3, (40, 2))], axis=1)
TABLE = TABLE[:, [2, 0, 3, 1]].astype("float32")  # codes in the first and third column
LOGITS = RNG.normal(size=(40, 2)).astype("float32")

#: what makes a layer, and what it reads
WIDE = {
    "words": (lambda: WideWords(9, 0, 2), [IDS]),
    "words and pairs": (lambda: WideWords(9, 16, 2), [IDS]),
    "table": (lambda: WideTable((1, 3), (0, 2), (3, 3), 4, 2), [TABLE]),
    "numbers": (lambda: WideTable((1, 3), (), (), 0, 2), [TABLE]),
    "crossed": (lambda: WideTable((1, 3), (0,), (3,), 4, 2, n_crossed=2), [TABLE]),
    "codes": (lambda: WideTable((), (0, 2), (3, 3), 0, 2), [TABLE]),
    "blend": (Blend, [LOGITS, LOGITS[::-1], LOGITS**2]),
    "blend of two": (lambda: Blend(2), [LOGITS, LOGITS[::-1], LOGITS**2]),
    "blend of all": (lambda: Blend(3), [LOGITS, LOGITS[::-1], LOGITS**2]),
}


@pytest.fixture(params=WIDE)
def wide(request):
    """A network of one wide layer with weights drawn at random, and its arguments."""
    make, arrays = WIDE[request.param]
    tensors = [keras.Input(array.shape[1:], dtype=str(array.dtype)) for array in arrays]
    layer = make()
    output = layer(tensors if isinstance(layer, Blend) else tensors[0])
    network = keras.Model(tensors, output)
    assert network.output_shape == (None, 2)
    layer.set_weights([RNG.uniform(0.5, 1, w.shape).astype(w.dtype) for w in layer.weights])
    return network, arrays


class TestWideLayers:
    def test_their_weights_are_not_trained(self, wide):
        network, _ = wide
        assert network.weights
        assert not network.trainable_weights

    def test_they_are_made_again_from_their_config(self, wide):
        network, arrays = wide
        again = keras.Model.from_config(network.get_config())
        again.set_weights(network.get_weights())
        expected = network(arrays, training=False)
        assert np.ptp(expected) > 0
        assert_array_equal(again(arrays, training=False), expected)

    def test_they_are_saved_with_their_weights(self, wide, tmp_path):
        network, arrays = wide
        network.save(tmp_path / "network.keras")
        loaded = keras.saving.load_model(tmp_path / "network.keras")
        assert_array_equal(loaded(arrays), network(arrays))

    def test_they_know_the_shape_of_their_output(self, wide):
        network, arrays = wide
        layer, shapes = network.layers[-1], [(None, *array.shape[1:]) for array in arrays]
        given = shapes if isinstance(layer, Blend) else shapes[0]
        assert layer.compute_output_shape(given) == (None, 2)

    @pytest.mark.parametrize("name", [name for name in WIDE if "blend" not in name])
    def test_they_say_nothing_until_their_weights_are_set(self, name):
        make, (array,) = WIDE[name]
        assert_array_equal(make()(array), 0)


def test_wide_layers_are_exact_where_the_network_computes_in_half_precision():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        network = build_network(
            [
                InputSpec("note", "text", (6,), "int32", "embedding", vocabulary_size=9),
                InputSpec("table", "tabular", (4,), code_columns=(0, 2), cardinalities=(3, 3)),
            ],
            wide={"note": WideSpec(n_pairs=16), "table": WideSpec(n_bins=4, n_crossed=2)},
        )
    finally:
        keras.config.set_dtype_policy(before)
    for name, array in (("note", IDS), ("table", TABLE)):
        layer = network.get_layer(f"{name}-wide")
        again = type(layer).from_config(layer.get_config() | {"dtype": "float32"})
        again(array)
        for each in (layer, again):
            each.set_weights(
                [np.linspace(0, 1, int(np.prod(w.shape))).reshape(w.shape) for w in each.weights]
            )
        assert layer(array).dtype == "float32"
        assert_array_equal(layer(array), again(array))
    outputs = network({"note": np.zeros_like(IDS), "table": TABLE})
    assert np.isfinite(outputs).all()


class TestBlend:
    def test_it_is_the_first_alone_until_it_is_set(self):
        zeros = np.zeros_like(LOGITS)
        assert_array_equal(Blend()([LOGITS, zeros, zeros]), LOGITS)
        assert_array_equal(Blend()([LOGITS]), LOGITS)

    def test_of_several_factors_all_but_the_first_are_zero_until_they_are_set(self):
        assert_array_equal(Blend(3)([LOGITS, LOGITS**2, LOGITS[::-1]]), LOGITS)
        assert_array_equal(Blend(2)([LOGITS, LOGITS**2, LOGITS[::-1]]), LOGITS + LOGITS[::-1])

    @pytest.mark.parametrize("n_scaled", [1, 2, 3])
    def test_each_of_the_first_has_a_factor_and_the_others_have_none(self, n_scaled):
        parts = [LOGITS, LOGITS[::-1], LOGITS**2]
        blend = Blend(n_scaled)
        blend(parts)
        factors, bias = np.array([0.25, 3, -2], "float32")[:n_scaled], np.array([1, -1], "float32")
        assert [tuple(weight.shape) for weight in blend.weights] == [()] * n_scaled + [(2,)]
        blend.set_weights([*factors, bias])
        expected = bias + sum(
            (factors[i] if i < n_scaled else 1) * part for i, part in enumerate(parts)
        )
        assert_allclose(blend(parts), expected, rtol=1e-5, atol=1e-5)

    def test_its_config_says_how_many_have_factors(self):
        blend = Blend(3, name="mix", trainable=False, dtype="float32")
        again = Blend.from_config(blend.get_config())
        assert again.n_scaled == 3
        assert again.name == "mix"
        assert again.get_config() == blend.get_config()
        assert Blend.from_config(Blend().get_config()).n_scaled == 1


@pytest.mark.parametrize("roomy", [False, True], ids=["as fitted", "with room"])
class TestWideLayersAreTheLinearModel:
    @pytest.mark.parametrize("n_pairs", [0, 16])
    def test_of_words_and_pairs(self, n_pairs, roomy):
        features = WordFeatures(InputSpec("note", "text", (6,), vocabulary_size=9), n_pairs)
        features.fit(IDS)
        built = InputSpec("note", "text", (None,), vocabulary_size=12 if roomy else 9)
        weights = RNG.normal(size=(features.n_features, 3))
        layer = WideWords(built.vocabulary_size, n_pairs, 3)
        others = RNG.integers(0, 9, (30, 8)).astype("int32")
        others[0], others[1, 1:], others[2] = 0, 0, 1
        layer(others)
        layer.set_weights(features.values(weights, built))
        expected = features.transform(others) @ weights
        assert_array_equal(expected[[0, 2]], 0)
        assert_allclose(layer(others), expected, rtol=1e-4, atol=1e-5)

    @pytest.mark.parametrize(("n_bins", "n_crossed"), [(0, 0), (4, 0), (4, 3), (0, 3)])
    @pytest.mark.parametrize(
        ("codes", "cardinalities"), [((0, 2), (3, 4)), ((), ())], ids=["codes", "no codes"]
    )
    def test_of_tables(self, codes, cardinalities, n_bins, n_crossed, roomy):
        def spec(room):
            more = tuple(count + room for count in cardinalities)
            return InputSpec("t", "tabular", (4,), code_columns=codes, cardinalities=more)

        features, built = TableFeatures(spec(0), n_bins, n_crossed), spec(2 if roomy else 0)
        features.fit(TABLE)
        weights = RNG.normal(size=(features.n_features, 3))
        layer = WideTable(
            built.number_columns, codes, built.cardinalities, n_bins, 3, n_crossed=n_crossed
        )
        others = TABLE * np.float32([1, 4, 1, -2])  # numbers beyond those fitted on, codes the same
        layer(others)
        layer.set_weights(features.values(weights, built))
        assert_allclose(layer(others), features.transform(others) @ weights, rtol=1e-4, atol=1e-5)
