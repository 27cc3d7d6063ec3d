"""KerasBranch: the user's own networks are rebuilt, kept apart, copied and pickled."""

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from skmerge import InputSpec, KerasBranch, MergedNetClassifier, MultiInput, build_network

SPEC = InputSpec("x", "array", (3,))
ROWS = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")


def functional():
    from keras import Input, Model, layers

    inputs = Input((3,), name="numbers")
    hidden = layers.Dense(4, activation="tanh", name="hidden")(inputs)
    return Model(inputs, layers.Add()([hidden, layers.Dense(4)(hidden)]), name="twice")


def unbuilt_sequential():
    from keras import Sequential, layers

    return Sequential([layers.Dense(4, name="hidden"), layers.Dense(2)])


def sequential():
    from keras import Input, Sequential, layers

    return Sequential([Input((3,)), layers.Dense(4, name="hidden"), layers.Dense(2)])


def nested():
    from keras import Sequential, layers

    return Sequential([functional(), Sequential([layers.Dense(2)], name="inner")])


def layer():
    from keras import layers

    return layers.Dense(2)


def compiled():
    network = sequential()
    network.compile("sgd", loss=lambda y, predicted: (y - predicted) ** 2)
    return network


def subclassed(with_config=True):
    import keras

    class TwoLayers(keras.Model):
        def __init__(self, units, **options):
            super().__init__(**options)
            self.units = units
            self.hidden = keras.layers.Dense(units)
            self.last = keras.layers.Dense(2)

        def call(self, inputs):
            return self.last(self.hidden(inputs))

        if with_config:

            def get_config(self):
                return super().get_config() | {"units": self.units}

    return TwoLayers(4)


def functional_subclass():
    import keras

    class Tower(keras.Model):
        def __init__(self, width):
            inputs = keras.Input((width,))
            super().__init__(inputs, keras.layers.Dense(2)(inputs))

    return Tower(3)


NETWORKS = [
    functional,
    unbuilt_sequential,
    sequential,
    nested,
    layer,
    compiled,
    subclassed,
    functional_subclass,
]
PICKLABLE = [functional, unbuilt_sequential, sequential, nested, layer, compiled]


def branch_network(branch, spec=SPEC):
    return build_network([spec], {spec.name: branch}, head=()).get_layer(spec.name)


@pytest.mark.parametrize("make", NETWORKS, ids=lambda make: make.__name__)
def test_users_network_is_rebuilt_and_left_alone(make):
    network = make()
    network(ROWS)
    before = [np.array(weight) for weight in network.get_weights()]
    first, second = (branch_network(KerasBranch(network)) for _ in range(2))
    assert first.output_shape == (None, network(ROWS).shape[1])
    assert len(first.weights) == len(second.weights) == len(before)
    assert not {id(weight) for weight in first.weights} & {id(weight) for weight in network.weights}
    assert not np.allclose(first(ROWS), second(ROWS))
    for weight, old in zip(first.trainable_weights, before, strict=True):
        assert weight.shape == old.shape
        weight.assign(np.full(weight.shape, 7.0))
    assert_array_equal(np.concatenate([w.ravel() for w in network.get_weights()]), ravel(before))


def ravel(weights):
    return np.concatenate([weight.ravel() for weight in weights])


@pytest.mark.parametrize("make", NETWORKS, ids=lambda make: make.__name__)
def test_kept_weights_are_those_of_now(make):
    network = make()
    branch = KerasBranch(network, weights="keep")
    network(ROWS)
    network.set_weights([weight + 1 for weight in network.get_weights()])
    assert_allclose(branch_network(branch)(ROWS), network(ROWS), rtol=1e-6)


def test_weights_that_are_not_there_cannot_be_kept():
    with pytest.raises(ValueError, match=r"weights='keep'.*is not built"):
        branch_network(KerasBranch(unbuilt_sequential(), weights="keep"))


@pytest.mark.parametrize("trainable", [None, True, False])
def test_trainable_decides_what_training_changes(trainable):
    network = sequential()
    network.layers[0].trainable = False
    branch = branch_network(KerasBranch(network, trainable=trainable))
    assert len(branch.trainable_weights) == {None: 2, True: 4, False: 0}[trainable]
    assert len(network.trainable_weights) == 2


def test_function_makes_a_network_for_each_build():
    made = []

    def make():
        made.append(subclassed(with_config=False))
        return made[-1]

    networks = [branch_network(KerasBranch(make)) for _ in range(2)]
    assert len(made) == 2
    assert networks[0].layers[-1] is made[0]


def test_layers_of_equal_names_do_not_collide():
    specs = [InputSpec(name, "array", (3,)) for name in ("left", "hidden", "twice")]
    branches = {"left": functional(), "hidden": functional(), "twice": sequential()}
    network = build_network(specs, branches)
    assert network({spec.name: ROWS for spec in specs}).shape == (4, 1)


def test_pictures_stay_bytes_and_words_stay_ids():
    from keras import Sequential, layers

    pictures = InputSpec("x", "image", (2, 2, 1), "uint8")
    features = branch_network(KerasBranch(layers.Flatten()), pictures)(
        np.array([[[[0], [9]], [[128], [255]]]], dtype="uint8")
    )
    assert_array_equal(features, np.array([[0, 9, 128, 255]], dtype="float32"))
    assert np.asarray(features).dtype == "float32"

    words = InputSpec("x", "text", (4,), "int32", vocabulary_size=9)
    bag = Sequential([layers.Embedding(9, 3), layers.LSTM(2)])
    assert branch_network(KerasBranch(bag), words).output_shape == (None, 2)
    ids = branch_network(KerasBranch(layers.Identity()), words)(np.ones((1, 4), "int32"))
    assert np.asarray(ids).dtype == "float32"


@pytest.mark.parametrize(
    ("spec", "width"), [(InputSpec("x", "array", (2, 3)), 6), (InputSpec("x", "array", ()), 1)]
)
def test_outputs_of_any_rank_become_vectors(spec, width):
    from keras import layers

    assert branch_network(KerasBranch(layers.Identity()), spec).output_shape == (None, width)


@pytest.mark.parametrize("size", [(6, 5), (None, None)])
def test_maps_are_averaged_over_their_positions(size):
    from keras import layers

    pictures = np.random.default_rng(0).integers(0, 256, (2, 6, 5, 3)).astype("uint8")
    spec = InputSpec("x", "image", (*size, 3), "uint8")
    network = branch_network(KerasBranch(layers.Conv2D(4, 3)), spec)
    assert network.output_shape == (None, 4)
    maps = network.layers[1](pictures.astype("float32"))
    assert_allclose(network(pictures), np.mean(maps, axis=(1, 2)), rtol=1e-4)


def test_positions_are_kept_by_a_network_that_flattens_them():
    from keras import Sequential, layers

    network = Sequential([layers.Conv2D(4, 3), layers.Flatten()])
    spec = InputSpec("x", "image", (6, 5, 3))
    assert branch_network(KerasBranch(network), spec).output_shape == (None, 4 * 3 * 4)


def two_inputs():
    from keras import Input, Model, layers

    inputs = [Input((3,), name="a"), Input((3,), name="b")]
    return Model(inputs, layers.Add()(inputs))


def two_outputs():
    from keras import Input, Model, layers

    inputs = Input((3,))
    return Model(inputs, [layers.Dense(2)(inputs), layers.Dense(2)(inputs)])


def varying_output():
    from keras import Sequential, layers

    return Sequential([layers.Embedding(5, 2)])


def wrong_shape():
    from keras import Input, Sequential, layers

    return Sequential([Input((4, 4, 1)), layers.Flatten()], name="of_pictures")


@pytest.mark.parametrize(
    ("branch", "spec", "message"),
    [
        (two_inputs, SPEC, r"must have one input\..*has 2: \['a', 'b'\]"),
        (two_outputs, SPEC, r"must have one output\..*returns list of 2"),
        (wrong_shape, SPEC, r"of_pictures.*reads rows of shape \(4, 4, 1\).*shape \(3,\)"),
        (
            varying_output,
            InputSpec("x", "text", (None,), "int32", vocabulary_size=5),
            r"rows of one size.*\(None, None, 2\).*pooling layer",
        ),
        (
            lambda: subclassed(with_config=False),
            SPEC,
            r"must be rebuilt.*Define get_config\(\) on TwoLayers.*or give a function",
        ),
        (lambda: "a network", SPEC, r"function without arguments.*Got 'a network'"),
        (lambda: lambda: "a network", SPEC, r"function without arguments.*returned 'a network'"),
    ],
)
def test_networks_that_cannot_be_branches_say_why(branch, spec, message):
    with pytest.raises(ValueError, match=message):
        branch_network(KerasBranch(branch()), spec)


@pytest.mark.parametrize("make", NETWORKS, ids=lambda make: make.__name__)
@pytest.mark.parametrize("copied", [clone, copy.copy, copy.deepcopy])
def test_copies_of_a_branch_read_the_same_network(make, copied):
    branch = KerasBranch(make(), weights="fresh", trainable=False)
    other = copied({"x": branch})["x"] if copied is copy.deepcopy else copied(branch)
    assert other is not branch
    assert other.network is branch.network
    assert other.trainable is False


@pytest.mark.parametrize("make", PICKLABLE, ids=lambda make: make.__name__)
@pytest.mark.parametrize("is_built", [False, True])
def test_pickle_holds_configuration_and_weights(make, is_built):
    network = make()
    if is_built:
        network(ROWS)
    branch = KerasBranch(network, weights="keep")
    other = pickle.loads(pickle.dumps(branch))
    assert other.network is not network
    assert other.weights == "keep"
    if is_built:
        assert_allclose(other.network(ROWS), network(ROWS), rtol=1e-6)
    else:
        assert other.network.built == network.built


def test_pickling_does_not_need_scikeras_or_mind_it():
    import scikeras.wrappers  # noqa: F401

    branch = KerasBranch(unbuilt_sequential())
    assert pickle.loads(pickle.dumps(branch)).network.built is False
    assert copy.deepcopy({"x": branch})["x"].network is branch.network


def small_body():
    from keras import Input, Model, layers

    inputs = Input((None, None, 3))
    maps = layers.Conv2D(4, 3, strides=2)(layers.Rescaling(1 / 127.5, offset=-1)(inputs))
    return Model(inputs, layers.BatchNormalization()(maps), name="body")


@pytest.fixture(scope="module")
def task():
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (24, 9, 8, 3)).astype("uint8")
    return {"photo": pictures}, np.arange(24) % 2


def classifier(branch):
    return MergedNetClassifier(
        branches={"photo": branch}, head=(), epochs=1, learning_rate=0.1, random_state=0
    )


def test_frozen_body_of_a_weights_file_stays_as_it_was(task, tmp_path):
    trained = small_body()
    rng = np.random.default_rng(1)
    trained.set_weights([rng.uniform(0.5, 1.5, each.shape) for each in trained.get_weights()])
    trained.save_weights(tmp_path / "body.weights.h5")
    body = small_body()
    body.load_weights(tmp_path / "body.weights.h5")

    fitted = {
        trainable: classifier(KerasBranch(body, weights="keep", trainable=trainable)).fit(*task)
        for trainable in (False, True)
    }
    for trainable, estimator in fitted.items():
        branch = estimator.model_.get_layer("photo")
        same = [
            np.array_equal(now, before)
            for now, before in zip(branch.get_weights(), trained.get_weights(), strict=True)
        ]
        assert all(same) != trainable
        assert any(same) != trainable
    features = fitted[False].model_.get_layer("photo")(task[0]["photo"])
    expected = np.mean(trained(task[0]["photo"].astype("float32")), axis=(1, 2))
    assert_allclose(features, expected, rtol=1e-4, atol=1e-5)


def test_each_fit_rebuilds_the_body_from_its_seed(task):
    body = small_body()
    before = body.get_weights()
    first, second = (classifier(body).fit(*task) for _ in range(2))
    assert_array_equal(first.predict_proba(task[0]), second.predict_proba(task[0]))
    for now, then in zip(body.get_weights(), before, strict=True):
        assert_array_equal(now, then)


def test_search_decides_whether_a_body_is_frozen(task):
    body = small_body()
    X, y = MultiInput(task[0]), task[1]
    search = GridSearchCV(
        classifier(KerasBranch(body, weights="keep")),
        {"branches__photo__trainable": [False, True]},
        cv=2,
        refit=lambda results: 0,
        error_score="raise",
    ).fit(X, y)
    best = search.best_estimator_
    for now, before in zip(
        best.model_.get_layer("photo").get_weights(), body.get_weights(), strict=True
    ):
        assert_array_equal(now, before)
    assert_array_equal(clone(best).fit(X, y).predict_proba(X), best.predict_proba(X))


@pytest.mark.slow
def test_body_of_keras_applications_is_a_branch(tmp_path):
    import keras

    make = keras.applications.MobileNetV2
    options = {"include_top": False, "input_shape": (32, 32, 3), "alpha": 0.35}
    body = make(weights=None, **options)
    spec = InputSpec("photo", "image", (32, 32, 3), "uint8")
    for application in (body, make(weights=None, pooling="avg", **options)):
        network = branch_network(KerasBranch(application), spec)
        assert network.output_shape == (None, 1280)
        assert len(network.trainable_weights) > 100

    pictures = np.random.default_rng(0).integers(0, 256, (12, 32, 32, 3)).astype("uint8")
    X, y = MultiInput({"photo": pictures}), np.arange(12) % 2
    estimator = classifier(KerasBranch(body, weights="keep", trainable=False)).fit(X, y)
    branch = estimator.model_.get_layer("photo")
    assert branch.trainable_weights == []
    for now, before in zip(branch.get_weights(), body.get_weights(), strict=True):
        assert_array_equal(now, before)

    predicted = estimator.predict_proba(X)
    assert_array_equal(pickle.loads(pickle.dumps(estimator)).predict_proba(X), predicted)
    estimator.model_.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras")
    inputs = {"photo": pictures}
    assert_allclose(loaded(inputs), estimator.model_(inputs), rtol=1e-5)
