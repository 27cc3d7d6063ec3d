"""Files of estimators: what comes back, what is refused, and that nothing in them is run."""

import copy
import io
import json
import os
import pickle
import re
import stat
import zipfile

import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from sklearn.ensemble import VotingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import skmerge
from skmerge import (
    ArrayEncoder,
    ColumnRouter,
    ConvBranch,
    KerasBranch,
    MergedNetClassifier,
    MergedNetRegressor,
    ModelFileError,
)
from skmerge._persistence import _archive, _file
from skmerge.branches import Branch
from skmerge.merges import Gated

RNG = np.random.default_rng(0)
N_ROWS = 40
WORDS = ["small", "large", "wool", "red", "blue", "torn", "warm", "soft"]


def picture():
    return Image.fromarray(RNG.integers(0, 256, (8, 8, 3), dtype=np.uint8))


FRAME = pd.DataFrame(
    {
        "age": RNG.normal(40, 9, N_ROWS),
        "city": RNG.choice(["Bergen", "Oslo", "Ålesund"], N_ROWS),
        "when": pd.date_range("2024-01-01", periods=N_ROWS, freq="7h"),
        "note": [" ".join(RNG.choice(WORDS, 6)) for _ in range(N_ROWS)],
        "photo": [picture() for _ in range(N_ROWS)],
        "tags": [list(RNG.choice(WORDS, 2)) for _ in range(N_ROWS)],
        "curve": list(RNG.normal(size=(N_ROWS, 4))),
    }
)
FRAME.loc[3, "age"] = np.nan
LABELS = np.where(FRAME["age"].fillna(0) > 40, "old", "young")
SMALL = {"head": (4,), "epochs": 1, "random_state": 0}


class Doubled(Branch):
    """A branch of a user's own."""

    def __init__(self, factor=2.0):
        self.factor = factor

    def build(self, tensor, spec):
        from keras import layers

        return layers.Rescaling(self.factor)(layers.Dense(3)(tensor))


def shout(cells):
    return cells


@pytest.fixture(scope="module")
def fitted():
    """Return a classifier with an input of each kind, and a linear model beside the network."""
    estimator = MergedNetClassifier(
        "gated", early_stopping=True, n_iter_no_change=1, branches={"photo": "conv"}, **SMALL
    )
    return estimator.fit(FRAME, LABELS)


@pytest.fixture(scope="module")
def path(fitted, tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "model.skmerge"
    fitted.save(path)
    return path


def saved(estimator, tmp_path, **options):
    estimator.save(tmp_path / "model.skmerge")
    return skmerge.load(tmp_path / "model.skmerge", **options)


def test_loaded_it_predicts_the_same(fitted, path):
    loaded = skmerge.load(path)
    assert_array_equal(loaded.predict_proba(FRAME), fitted.predict_proba(FRAME))
    assert_array_equal(loaded.predict(FRAME), fitted.predict(FRAME))
    assert loaded.get_params().keys() == fitted.get_params().keys()
    assert repr(loaded) == repr(fitted)
    assert repr(loaded.router_) == repr(fitted.router_)
    assert loaded.history_ == fitted.history_
    assert_array_equal(loaded.classes_, fitted.classes_)
    assert_array_equal(loaded.feature_names_in_, fitted.feature_names_in_)


def test_loaded_it_goes_on_where_it_was(tmp_path):
    estimator = MergedNetRegressor(early_stopping=False, **SMALL).fit(FRAME, FRAME.index)
    loaded = saved(estimator, tmp_path)
    for each in (estimator, loaded):
        each.partial_fit(FRAME, FRAME.index)
    assert_allclose(loaded.predict(FRAME), estimator.predict(FRAME), rtol=1e-5)
    assert len(loaded.loss_curve_) == 2


def test_equal_estimators_give_equal_files(fitted, path, tmp_path):
    fitted.save(tmp_path / "again.skmerge")
    assert (tmp_path / "again.skmerge").read_bytes() == path.read_bytes()
    skmerge.load(path).save(tmp_path / "loaded.skmerge")
    assert (tmp_path / "loaded.skmerge").stat().st_size == path.stat().st_size


def test_one_that_is_not_fitted_keeps_its_parameters(tmp_path):
    estimator = MergedNetClassifier(
        merge=["concat", Gated(units=3)],
        router=ColumnRouter({"note": ("text", ["note"]), "rest": ["age", "city"]}),
        branches={"photo": ConvBranch((4,)), "back": "photo"},
        random_state=np.random.RandomState(3),
        learning_rate=float("inf"),
        metrics=["accuracy"],
    )
    loaded = saved(estimator, tmp_path)
    for name in ("merge", "router", "branches", "learning_rate", "metrics"):
        assert repr(getattr(loaded, name)) == repr(getattr(estimator, name))
    assert loaded.random_state.randint(1000) == estimator.random_state.randint(1000)
    assert not loaded.__sklearn_is_fitted__()


def test_every_class_of_a_family_can_be_in_a_file():
    from skmerge._persistence._classes import OWN
    from skmerge.branches import BRANCHES
    from skmerge.encoders import ENCODERS
    from skmerge.merges import MERGES

    for family in (BRANCHES, ENCODERS, MERGES):
        for kind in family.values():
            assert OWN[kind.__name__]
    for name, module in OWN.items():
        assert getattr(__import__(module, fromlist=[name]), name).__name__ == name


def test_transformers_of_scikit_learn_need_no_permission(tmp_path):
    router = ColumnRouter({"note": ArrayEncoder(TfidfVectorizer())}, remainder="drop")
    estimator = MergedNetClassifier(router=router, early_stopping=False, **SMALL)
    estimator.fit(FRAME, LABELS)
    loaded = saved(estimator, tmp_path)
    assert_allclose(loaded.predict_proba(FRAME), estimator.predict_proba(FRAME), rtol=1e-6)


def test_a_pipeline_and_a_search_come_back(tmp_path):
    network = MergedNetClassifier(early_stopping=False, **SMALL)
    pipeline = make_pipeline(ColumnRouter(), network)
    search = GridSearchCV(pipeline, {"mergednetclassifier__merge": ["sum", "concat"]}, cv=2)
    frame = FRAME[["age", "city"]]
    search.fit(frame, LABELS)
    skmerge.save(search, tmp_path / "search.skmerge")
    loaded = skmerge.load(tmp_path / "search.skmerge")
    assert_array_equal(loaded.predict_proba(frame), search.predict_proba(frame))
    assert loaded.best_params_ == search.best_params_
    scores = "mean_test_score"
    assert_array_equal(loaded.cv_results_[scores], search.cv_results_[scores])


def test_requests_for_metadata_come_back(tmp_path):
    with sklearn.config_context(enable_metadata_routing=True):
        estimator = MergedNetClassifier(**SMALL).set_fit_request(sample_weight=True)
        loaded = saved(estimator, tmp_path)
        asked = loaded.get_metadata_routing().fit.requests
        assert asked == estimator.get_metadata_routing().fit.requests
        assert asked["sample_weight"] is True


def test_several_networks_keep_their_weights(tmp_path):
    X, y = FRAME[["age", "when"]], np.asarray(LABELS)
    each = [(m, MergedNetClassifier(m, early_stopping=False, **SMALL)) for m in ("sum", "concat")]
    vote = VotingClassifier(each, voting="soft").fit(X, y)
    skmerge.save(vote, tmp_path / "vote.skmerge")
    loaded = skmerge.load(tmp_path / "vote.skmerge")
    assert_array_equal(loaded.predict_proba(X), vote.predict_proba(X))


class TestCustomObjects:
    @pytest.fixture(scope="class")
    @staticmethod
    def own(tmp_path_factory):
        path = tmp_path_factory.mktemp("own") / "model.skmerge"
        estimator = MergedNetClassifier(branches={"curve": Doubled(3.0)}, **SMALL)
        estimator.set_params(early_stopping=False).fit(FRAME[["age", "curve"]], LABELS)
        estimator.save(path)
        return estimator, path

    @pytest.mark.parametrize("given", [[Doubled], {"Doubled": Doubled}])
    def test_given_they_are_used(self, own, given):
        estimator, path = own
        loaded = skmerge.load(path, custom_objects=given)
        assert loaded.branches["curve"].factor == 3.0
        assert_array_equal(loaded.predict_proba(FRAME), estimator.predict_proba(FRAME))

    def test_not_given_they_are_asked_for(self, own):
        _, path = own
        with pytest.raises(ValueError, match=r"test_file:Doubled.*custom_objects=\[Doubled\]"):
            skmerge.load(path)

    def test_a_function_is_asked_for(self, tmp_path):
        router = ColumnRouter({"curve": ArrayEncoder(FunctionTransformer(shout))})
        estimator = MergedNetClassifier(router=router)
        with pytest.raises(ValueError, match="shout"):
            saved(estimator, tmp_path)
        loaded = saved(estimator, tmp_path, custom_objects=[shout])
        assert loaded.router.inputs["curve"].transformer.func is shout

    def test_a_function_of_numpy_is_known(self, tmp_path):
        router = ColumnRouter({"curve": ArrayEncoder(FunctionTransformer(np.log1p))})
        loaded = saved(MergedNetClassifier(router=router), tmp_path)
        assert loaded.router.inputs["curve"].transformer.func is np.log1p

    def test_a_function_without_a_name_is_refused(self, tmp_path):
        router = ColumnRouter({"curve": ArrayEncoder(FunctionTransformer(lambda cells: cells))})
        with pytest.raises(ValueError, match=r"router\.inputs\['curve'\]\.transformer\.func.*name"):
            MergedNetClassifier(router=router).save(tmp_path / "model.skmerge")
        assert list(tmp_path.iterdir()) == []

    def test_a_list_of_instances_is_refused(self, own):
        with pytest.raises(TypeError, match="custom_objects"):
            skmerge.load(own[1], custom_objects=[Doubled()])


class TestKerasObjects:
    def test_networks_losses_and_optimizers_come_back(self, tmp_path):
        import keras

        network = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3, "relu")])
        estimator = MergedNetClassifier(
            branches={"curve": KerasBranch(network, weights="keep")},
            optimizer=keras.optimizers.SGD(0.1),
            loss=keras.losses.BinaryCrossentropy(label_smoothing=0.1),
            metrics=[keras.metrics.AUC(name="auc")],
            callbacks=[
                keras.callbacks.ReduceLROnPlateau("loss", patience=3),
                keras.callbacks.History,
            ],
            early_stopping=False,
            **SMALL,
        )
        frame = FRAME[["age", "curve"]]
        loaded = saved(estimator.fit(frame, LABELS), tmp_path)
        assert_array_equal(loaded.predict_proba(frame), estimator.predict_proba(frame))
        kept = loaded.branches["curve"].network
        assert_array_equal(kept.get_weights()[0], network.get_weights()[0])
        assert loaded.optimizer.get_config() == estimator.optimizer.get_config()
        assert loaded.callbacks[0].patience == 3
        assert loaded.callbacks[1] is keras.callbacks.History
        assert_allclose(
            copy.copy(loaded).fit(frame, LABELS).predict_proba(frame),
            copy.copy(estimator).fit(frame, LABELS).predict_proba(frame),
            rtol=1e-5,
        )

    def test_a_layer_of_a_class_of_your_own_is_asked_for(self, tmp_path):
        import keras

        class Half(keras.layers.Layer):
            def call(self, x):
                return x / 2

        Half.__qualname__ = "Half"
        estimator = MergedNetClassifier(branches={"curve": KerasBranch(Half())})
        with pytest.raises(ValueError, match="Half"):
            saved(estimator, tmp_path)
        loaded = saved(estimator, tmp_path, custom_objects=[Half])
        assert isinstance(loaded.branches["curve"].network, Half)

    def test_a_lambda_is_refused(self, tmp_path):
        import keras

        network = keras.Sequential([keras.layers.Lambda(lambda x: x)])
        with pytest.raises(ValueError, match="Lambda"):
            MergedNetClassifier(merge=network.layers[0]).save(tmp_path / "model.skmerge")

    def test_bare_keras_model_predicts_the_same(self, fitted, tmp_path):
        import keras

        from skmerge.network import network_inputs

        fitted.export_keras(tmp_path / "model.keras")
        model = keras.saving.load_model(tmp_path / "model.keras")
        inputs = network_inputs(fitted.router_.transform(FRAME))
        outputs = model.predict(inputs, verbose=0)
        assert_allclose(outputs[:, 0], fitted.predict_proba(FRAME)[:, 1], rtol=1e-5)

    def test_bare_keras_model_has_its_ending(self, fitted, tmp_path):
        with pytest.raises(ValueError, match=r"must end in '\.keras'"):
            fitted.export_keras(tmp_path / "model.h5")


class TestDamage:
    def test_a_file_cut_anywhere_is_refused(self, path, tmp_path):
        content = path.read_bytes()
        damaged = tmp_path / "damaged.skmerge"
        for size in (0, 1, 100, *np.linspace(200, len(content) - 1, 40).astype(int)):
            damaged.write_bytes(content[:size])
            with pytest.raises(ModelFileError, match="end is missing|another kind"):
                skmerge.load(damaged)

    def test_a_byte_altered_anywhere_is_refused(self, path, tmp_path):
        content = bytearray(path.read_bytes())
        damaged = tmp_path / "damaged.skmerge"
        for position in {*np.linspace(0, len(content) - 1, 60).astype(int), len(content) - 80}:
            altered = content.copy()
            altered[position] ^= 1
            damaged.write_bytes(altered)
            with pytest.raises(ModelFileError):
                skmerge.load(damaged)

    def test_bytes_added_at_the_end_are_refused(self, path, tmp_path):
        (tmp_path / "longer").write_bytes(path.read_bytes() + b"more")
        with pytest.raises(ModelFileError, match="end is missing"):
            skmerge.load(tmp_path / "longer")

    def test_a_pickle_is_refused(self, fitted, tmp_path):
        (tmp_path / "model.pickle").write_bytes(pickle.dumps(fitted))
        with pytest.raises(ModelFileError, match="another kind"):
            skmerge.load(tmp_path / "model.pickle")

    def test_no_file_is_said_as_everywhere(self, tmp_path):
        with pytest.raises(FileNotFoundError):
            skmerge.load(tmp_path / "nothing")


def forged(path, target, changes):
    """Write a file with other entries, whose checksum fits."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    for name, change in changes.items():
        entries[name] = change(entries.get(name))
    with _archive.written(target) as archive:
        for name, content in entries.items():
            if content is not None:
                _archive.add(archive, name, content)
    return target


def changed_json(change):
    def changed(content):
        value = json.loads(content)
        return json.dumps(change(value) or value).encode()

    return changed


def npy_of(shape):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"descr": "<f8", "fortran_order": False, "shape": shape}
    )
    return file.getvalue()


EVIL = {
    "a class of another package": ("state.json", {"own": "Popen", "number": 0, "state": {}}),
    "a function of the system": ("state.json", {"name": "os:system", "number": 0}),
    "a class by its module": (
        "state.json",
        {"sklearn": "os:_wrap_close", "number": 0, "state": {}},
    ),
    "what is no estimator": (
        "state.json",
        {"sklearn": "sklearn.utils._testing:TempMemmap", "number": 0, "state": {}},
    ),
    "a ufunc that is none": ("state.json", {"ufunc": "load", "number": 0}),
    "an unknown tag": ("state.json", {"eval": "1"}),
    "an object before it is there": ("state.json", {"again": 7}),
    "no object": ("state.json", {"dict": {}, "list": []}),
    "a Lambda": (
        "state.json",
        {
            "keras": {
                "class_name": "Lambda",
                "module": "keras.layers",
                "config": {},
                "registered_name": None,
            },
            "weights": None,
            "number": 0,
        },
    ),
    "a class that Keras does not have": (
        "state.json",
        {
            "keras": {
                "class_name": "Popen",
                "module": "subprocess",
                "config": {"args": ["true"]},
                "registered_name": None,
            },
            "weights": None,
            "number": 0,
        },
    ),
    "a layer that reads a file": (
        "state.json",
        {
            "keras": {
                "class_name": "StringLookup",
                "module": "keras.layers",
                "config": {"vocabulary": "/etc/passwd"},
                "registered_name": None,
            },
            "weights": None,
            "number": 0,
        },
    ),
    "a number that is none": ("state.json", {"decimal": "one"}),
    "a callback that Keras does not have": (
        "state.json",
        {"callback": "os", "arguments": {}, "number": 0},
    ),
    "a class of a module that Keras imports": (
        "state.json",
        {"keras_class": ["utils", "get_file"], "number": 0},
    ),
}


class TestForgery:
    @pytest.mark.parametrize("case", EVIL)
    def test_is_refused(self, case, path, tmp_path):
        name, content = EVIL[case]
        target = forged(path, tmp_path / "forged", {name: lambda _: json.dumps(content).encode()})
        with pytest.raises(ModelFileError):
            skmerge.load(target)

    def test_deep_nesting_is_refused(self, path, tmp_path):
        for depth in (1_000, 1_000_000):
            content = b"[" * depth + b"]" * depth
            target = forged(path, tmp_path / "forged", {"state.json": lambda _, x=content: x})
            with pytest.raises(ModelFileError):
                skmerge.load(target)

    @pytest.mark.parametrize("entry", ["manifest.json", "state.json", "networks/0.weights.h5"])
    def test_a_missing_entry_is_named(self, entry, path, tmp_path):
        target = forged(path, tmp_path / "forged", {entry: lambda _: None})
        with pytest.raises(ModelFileError, match=f"no entry '{entry}'"):
            skmerge.load(target)

    @pytest.mark.parametrize("version", ["9.0", "9.0.1.dev12+g1a2b3c4", "0+unknown"])
    def test_a_later_format_says_which_version_wrote_it(self, version, path, tmp_path):
        def later(manifest):
            return manifest | {"format": 99, "versions": {"skmerge": version}}

        target = forged(path, tmp_path / "forged", {"manifest.json": changed_json(later)})
        told = rf"format 99.*skmerge {re.escape(version)}; install that version or a later one"
        with pytest.raises(ModelFileError, match=told):
            skmerge.load(target)

    def test_the_version_is_that_of_the_package(self, path):
        with zipfile.ZipFile(path) as archive:
            manifest = json.loads(archive.read("manifest.json"))
        assert manifest["versions"]["skmerge"] == skmerge.__version__
        assert manifest["versions"]["numpy"] == np.__version__

    @pytest.mark.parametrize("shape", [(1 << 40,), (1 << 62, 1 << 62), (3,)])
    def test_an_array_larger_than_its_entry_is_refused(self, shape, path, tmp_path):
        target = forged(path, tmp_path / "forged", {"arrays/0.npy": lambda _: npy_of(shape)})
        with pytest.raises(ModelFileError, match="is not in the file"):
            skmerge.load(target)

    def test_a_pickled_array_is_refused(self, path, tmp_path):
        file = io.BytesIO()
        np.save(file, np.array([object()]), allow_pickle=True)
        target = forged(path, tmp_path / "forged", {"arrays/0.npy": lambda _: file.getvalue()})
        with pytest.raises(ModelFileError):
            skmerge.load(target)

    def test_a_network_larger_than_its_weights_is_not_built(self, path, tmp_path):
        def larger(state):
            text = json.dumps(state)
            assert '"head": {"tuple": [4]}' in text
            return json.loads(
                text.replace('"head": {"tuple": [4]}', '"head": {"tuple": [4000000000]}')
            )

        target = forged(path, tmp_path / "forged", {"state.json": changed_json(larger)})
        with pytest.raises(ModelFileError, match="weights"):
            skmerge.load(target)

    def test_compressed_entries_are_refused(self, path, tmp_path):
        target = tmp_path / "forged"
        with _archive.written(target) as archive:
            archive.writestr("manifest.json", b" " * 1_000_000, zipfile.ZIP_DEFLATED)
        with pytest.raises(ModelFileError, match="compressed"):
            skmerge.load(target)

    @pytest.mark.parametrize("kind", ["external", "virtual", "soft", "compressed", "strings"])
    def test_weights_elsewhere_are_refused(self, kind, path, tmp_path):
        import h5py

        (tmp_path / "raw").write_bytes(bytes(800))
        with h5py.File(tmp_path / "weights.h5", "w") as file:
            if kind == "external":
                file.create_dataset("x", (100,), "f8", external=[(tmp_path / "raw", 0, 800)])
            elif kind == "virtual":
                file.create_virtual_dataset("x", h5py.VirtualLayout((3,), "f8"))
            elif kind == "soft":
                file["x"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/x")
            elif kind == "compressed":
                file.create_dataset("x", data=np.zeros(10**6), compression="gzip")
            else:
                file["x"] = "text"
        weights = (tmp_path / "weights.h5").read_bytes()
        target = forged(path, tmp_path / "forged", {"networks/0.weights.h5": lambda _: weights})
        with pytest.raises(ModelFileError, match="weights"):
            skmerge.load(target)

    @pytest.mark.filterwarnings("ignore")  # Keras warns of what is not in a container
    @pytest.mark.parametrize("part", ["layers", "optimizer/vars", "functional"])
    def test_weights_under_another_name_are_missed(self, part, path, tmp_path):
        import h5py

        def renamed(content):
            file = io.BytesIO(content)
            with h5py.File(file, "r+") as weights:
                names = []
                weights.visit(names.append)
                name = next(name for name in names if part in name)
                weights.move(name, f"{name}_x")
            return file.getvalue()

        target = forged(path, tmp_path / "forged", {"networks/0.weights.h5": renamed})
        with pytest.raises(ModelFileError, match="weights"):
            skmerge.load(target)


class TestWriting:
    def test_a_full_disk_leaves_the_old_file(self, fitted, path, tmp_path, monkeypatch):
        target = tmp_path / "model.skmerge"
        target.write_bytes(b"the old one")
        real = _archive.add

        def full(archive, name, content):
            if name == "networks/0.weights.h5":
                raise OSError(28, "No space left on device")
            real(archive, name, content)

        monkeypatch.setattr(_file._archive, "add", full)
        with pytest.raises(OSError, match="No space left"):
            fitted.save(target)
        assert target.read_bytes() == b"the old one"
        assert [each.name for each in tmp_path.iterdir()] == ["model.skmerge"]

    def test_a_folder_that_is_not_there_is_said(self, fitted, tmp_path):
        with pytest.raises(FileNotFoundError):
            fitted.save(tmp_path / "nowhere" / "model.skmerge")

    @pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
    def test_permissions_of_a_file_that_is_replaced_stay(self, tmp_path):
        target = tmp_path / "model.skmerge"
        target.write_bytes(b"")
        target.chmod(0o640)
        MergedNetClassifier().save(target)
        assert stat.S_IMODE(target.stat().st_mode) == 0o640

    def test_a_link_stays_a_link(self, tmp_path):
        (tmp_path / "link").symlink_to(tmp_path / "target")
        MergedNetClassifier().save(tmp_path / "link")
        assert (tmp_path / "link").is_symlink()
        assert zipfile.is_zipfile(tmp_path / "target")
