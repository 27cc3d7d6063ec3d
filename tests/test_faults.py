"""What production throws at a fit: an error that says what is wrong, and nothing left half."""

import gc
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV

from skmerge import ColumnRouter, ImageEncoder, MergedNetClassifier, MergedNetRegressor, load

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 2, 60)
X = RNG.normal(size=(60, 3)) + LABELS[:, None]
SMALL = {"head": (4,), "random_state": 0, "early_stopping": False}


def interrupting(epoch):
    """Return a callback that interrupts the fit at the end of an epoch, as Ctrl-C does."""
    import keras

    class Interrupting(keras.callbacks.Callback):
        def on_epoch_end(self, number, logs=None):
            if number == epoch:
                raise KeyboardInterrupt

    return Interrupting


class TestInterruption:
    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_a_first_fit_leaves_it_unfitted(self, early_stopping):
        params = {**SMALL, "early_stopping": early_stopping, "callbacks": [interrupting(1)]}
        estimator = MergedNetClassifier(epochs=3, **params)
        with pytest.raises(KeyboardInterrupt):
            estimator.fit(X, LABELS)
        with pytest.raises(NotFittedError):
            estimator.predict(X)
        assert not [name for name in vars(estimator) if name.endswith("_")]
        assert estimator.set_params(callbacks=None).fit(X, LABELS).n_iter_ == 3

    @pytest.mark.parametrize("warm_start", [False, True])
    def test_a_later_fit_leaves_it_as_it_was(self, warm_start):
        estimator = MergedNetClassifier(epochs=2, warm_start=warm_start, **SMALL).fit(X, LABELS)
        before, n_iter = estimator.predict_proba(X), estimator.n_iter_
        epoch = 2 if warm_start else 0
        estimator.set_params(callbacks=[interrupting(epoch)])
        with pytest.raises(KeyboardInterrupt):
            estimator.fit(X, LABELS)
        assert_array_equal(estimator.predict_proba(X), before)
        assert estimator.n_iter_ == n_iter

    def test_a_partial_fit_leaves_it_as_it_was(self):
        estimator = MergedNetRegressor(**SMALL).partial_fit(X, X[:, 0])
        before = estimator.predict(X)
        with pytest.raises(KeyboardInterrupt):
            estimator.set_params(callbacks=[interrupting(1)]).partial_fit(X, X[:, 0])
        assert_array_equal(estimator.predict(X), before)


class TestPicturesOnDisk:
    @pytest.fixture
    def frame(self, tmp_path):
        paths = [tmp_path / f"{number}.png" for number in range(12)]
        for path in paths:
            Image.fromarray(RNG.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(path)
        return pd.DataFrame({"photo": list(map(str, paths)), "age": np.arange(12.0)})

    @pytest.fixture
    def fitted(self, frame):
        router = ColumnRouter({"photo": ImageEncoder(size=8)})
        return MergedNetRegressor(router=router, epochs=1, **SMALL).fit(frame, frame["age"])

    def test_one_that_vanished_is_named(self, frame, fitted):
        before = fitted.predict(frame)
        path = frame["photo"][7]
        with open(path, "rb") as file:
            content = file.read()
        os.unlink(path)
        with pytest.raises((ValueError, FileNotFoundError), match=r"7\.png"):
            fitted.predict(frame)
        with open(path, "wb") as file:
            file.write(content)
        assert_array_equal(fitted.predict(frame), before)

    @pytest.mark.parametrize("n_bytes", [0, 20, 100])
    def test_one_that_was_cut_is_named(self, frame, fitted, n_bytes):
        with open(frame["photo"][7], "r+b") as file:
            file.truncate(n_bytes)
        with pytest.raises(ValueError, match=r"Row 7.*7\.png"):
            fitted.predict(frame)
        kept = frame.drop(index=7)
        assert len(fitted.predict(kept)) == 11

    def test_one_replaced_by_another_size_is_read(self, frame, fitted):
        before = fitted.predict(frame)
        Image.new("L", (31, 5), 200).save(frame["photo"][7])
        after = fitted.predict(frame)
        assert_array_equal(np.delete(after, 7), np.delete(before, 7))


def test_threads_that_predict_at_once_get_their_own_rows():
    estimator = MergedNetClassifier(epochs=1, **SMALL).fit(X, LABELS)
    parts = [X[RNG.permutation(60)[: 1 + n % 30]] for n in range(64)]
    alone = [estimator.predict_proba(part) for part in parts]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(estimator.predict_proba, parts))
    for one, other in zip(alone, together, strict=True):
        assert_array_equal(one, other)


def test_threads_that_ask_an_unpickled_estimator_at_once_build_one_network():
    estimator = MergedNetClassifier(epochs=1, **SMALL).fit(X, LABELS)
    loaded = pickle.loads(pickle.dumps(estimator))
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(loaded.predict_proba, [X] * 8))
    for each in together:
        assert_array_equal(each, estimator.predict_proba(X))


def test_loss_that_is_no_number_leaves_it_as_it_was():
    estimator = MergedNetRegressor(epochs=2, **SMALL).fit(X, X[:, 0])
    before = estimator.predict(X)
    with pytest.raises(ValueError, match="finite"):
        estimator.set_params(learning_rate=1e30, epochs=5).fit(X, X[:, 0])
    assert_array_equal(estimator.predict(X), before)


class TestDuringTraining:
    """What changes under a fit while it runs."""

    @pytest.fixture
    def frame(self, tmp_path):
        paths = [str(tmp_path / f"{number}.png") for number in range(40)]
        for path in paths:
            Image.fromarray(RNG.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(path)
        return pd.DataFrame({"photo": paths, "age": np.arange(40.0)})

    def during(self, epoch, act):
        import keras

        class Acting(keras.callbacks.Callback):
            def on_epoch_begin(self, number, logs=None):
                if number == epoch:
                    act()

        return Acting

    def net(self, tmp_path, callback):
        router = ColumnRouter({"photo": ImageEncoder(size=8, cache=tmp_path / "cache")})
        return MergedNetRegressor(
            router=router, branches={"photo": "dense"}, epochs=3, callbacks=[callback], **SMALL
        )

    def test_a_cache_that_vanishes_is_named_and_nothing_is_fitted(self, frame, tmp_path):
        cache = tmp_path / "cache"
        net = self.net(tmp_path, self.during(1, lambda: shutil.rmtree(cache)))
        with pytest.raises(FileNotFoundError, match=r"cache.*encode the rows again"):
            net.fit(frame, frame["age"])
        assert not net.__sklearn_is_fitted__()
        assert net.set_params(callbacks=None).fit(frame, frame["age"]).n_iter_ == 3

    def test_pictures_that_vanish_are_not_missed(self, frame, tmp_path):
        def vanish():
            for path in frame["photo"]:
                os.unlink(path)

        net = self.net(tmp_path, self.during(1, vanish)).fit(frame, frame["age"])
        assert net.n_iter_ == 3

    def test_a_clock_that_is_set_back_does_not_matter(self, monkeypatch):
        expected = MergedNetClassifier(epochs=3, **SMALL).fit(X, LABELS).predict_proba(X)
        clock = time.time

        def set_back():
            monkeypatch.setattr(time, "time", lambda: clock() - 1e8)
            monkeypatch.setattr(time, "perf_counter", lambda: -1e8)
            monkeypatch.setenv("TZ", "Pacific/Kiritimati")
            time.tzset()

        net = MergedNetClassifier(epochs=3, callbacks=[self.during(1, set_back)], **SMALL)
        try:
            assert_array_equal(net.fit(X, LABELS).predict_proba(X), expected)
        finally:
            monkeypatch.undo()
            time.tzset()


class TestLabels:
    def test_a_label_that_partial_fit_was_not_told_of_is_named(self):
        net = MergedNetClassifier(**SMALL).partial_fit(X, LABELS, classes=[0, 1, 2])
        before = net.predict_proba(X)
        for wrong in (np.full(60, 7), np.where(LABELS, "yes", "no")):
            with pytest.raises(ValueError, match=r"7|yes|no"):
                net.partial_fit(X, wrong)
        assert_array_equal(net.predict_proba(X), before)
        assert net.partial_fit(X, np.full(60, 2)).predict_proba(X).shape == (60, 3)

    @pytest.mark.parametrize("wrong", [np.nan, np.inf])
    def test_a_number_that_is_none_is_refused(self, wrong):
        net = MergedNetRegressor(**SMALL).partial_fit(X, X[:, 0])
        before = net.predict(X)
        with pytest.raises(ValueError, match=r"NaN|infinity"):
            net.partial_fit(X, np.where(LABELS, wrong, 1.0))
        assert_array_equal(net.predict(X), before)


PROCESSES = """
import multiprocessing, sys
import numpy as np
from skmerge import MergedNetRegressor

X = np.random.default_rng(0).normal(size=(60, 3))


def work(queue, net):
    try:
        if net is None:
            net = MergedNetRegressor(
                epochs=1, head=(4,), random_state=0, early_stopping=False
            ).fit(X, X[:, 0])
        queue.put(net.predict(X))
    except RuntimeError as error:
        queue.put(str(error))


def result(how, net):
    context = multiprocessing.get_context(how)
    queue = context.Queue()
    process = context.Process(target=work, args=(queue, net))
    process.start()
    value = queue.get(timeout=120)
    process.join(60)
    return value


if __name__ == "__main__":
    early = result("fork", None)  # nothing has run here yet
    net = MergedNetRegressor(epochs=1, head=(4,), random_state=0, early_stopping=False)
    expected = net.fit(X, X[:, 0]).predict(X)
    assert np.array_equal(early, expected), early
    assert np.array_equal(result("spawn", net), expected)
    for given in (net, None):
        refused = result("fork", given)
        assert "must not run in a process forked" in refused, refused
    print("as it should be")
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux")
def test_spawned_processes_predict_and_forked_ones_do_not_hang(tmp_path):
    script = tmp_path / "processes.py"
    script.write_text(PROCESSES, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.stdout == "as it should be\n", done.stderr


LOCALES = """
import locale, sys
import pandas as pd
from skmerge import ColumnRouter, load, save

locale.setlocale(locale.LC_ALL, "")
frame = pd.DataFrame({
    "joined": ["2024-03-01", "2024-12-24", None] * 10,
    "prix": [1.5, 2.25, None] * 10,
    "größe": ["süß und klein", "très grand", "大きい 家"] * 10,
})
router = ColumnRouter({"größe": "text"}).fit(frame)
save(router, sys.argv[1])
routed = load(sys.argv[1]).transform(frame)
print(ascii(sorted(router.inputs_["größe"].encoder.vocabulary_)))
print({name: round(float(routed[name].sum()), 3) for name in ("tabular",)}, routed.shape)
"""


def made_locale(name, folder):
    """Return settings of a locale that need not be installed, but must be known here."""
    command = ["localedef", "-i", name, "-f", "UTF-8", str(folder / f"{name}.UTF-8")]
    try:
        subprocess.run(command, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return {"LOCPATH": str(folder), "LC_ALL": f"{name}.UTF-8"}


def test_locale_and_encoding_of_the_system_do_not_matter(tmp_path):
    turkish = made_locale("tr_TR", tmp_path)  # whose small I has no dot
    script = tmp_path / "locales.py"
    script.write_text(LOCALES, encoding="utf-8")
    told = set()
    for number, settings in enumerate(
        [
            {"LC_ALL": "C.UTF-8"},
            {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
            {"LC_ALL": "POSIX", "TZ": "America/St_Johns", "PYTHONHASHSEED": "7"},
            *([turkish] if turkish else []),
        ]
    ):
        done = subprocess.run(
            [sys.executable, str(script), str(tmp_path / f"{number}.skmerge")],
            env={**os.environ, **settings}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        told.add(done.stdout)
    assert len(told) == 1


COMMA = """
import locale, pickle, sys
import numpy as np

locale.setlocale(locale.LC_ALL, "")
assert f"{1.5:n}" == "1,5"
with open(sys.argv[1], "rb") as file:
    estimator, X, y = pickle.load(file)
estimator.fit(X, y).save(sys.argv[2])
np.save(sys.argv[3], estimator.predict_proba(X))
"""


def test_a_locale_with_a_decimal_comma_does_not_matter(tmp_path):
    german = made_locale("de_DE", tmp_path)
    if german is None:
        pytest.skip("localedef cannot make a German locale here")
    frame = pd.DataFrame({"size": X[:, 0], "joined": ["2024-03-01", "2024-12-24"] * 30})
    frame["price"] = [f"{number:.1f}" for number in X[:, 1]]
    estimator = MergedNetClassifier(epochs=1, **SMALL)
    given = tmp_path / "given.pickle"
    given.write_bytes(pickle.dumps((estimator, frame, LABELS)))
    found, saved = tmp_path / "found.npy", tmp_path / "saved.skmerge"
    done = subprocess.run(
        [sys.executable, "-c", COMMA, str(given), str(saved), str(found)],
        env={**os.environ, **german}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    expected = estimator.fit(frame, LABELS).predict_proba(frame)
    assert_allclose(np.load(found), expected, rtol=1e-6)
    assert_array_equal(load(saved).predict_proba(frame), np.load(found))


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no process can be killed at once here")
def test_a_search_whose_worker_is_killed_says_so_and_runs_again(tmp_path):
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    marker = tmp_path / "killed"
    net = MergedNetClassifier(epochs=2, callbacks=_killer(marker), **SMALL)
    search = GridSearchCV(net, {"merge": ["concat", "sum"]}, cv=2, n_jobs=2)
    with pytest.raises(TerminatedWorkerError):
        search.fit(X, LABELS)
    assert marker.exists()
    assert not hasattr(search, "best_estimator_")
    alone = GridSearchCV(clone(net), search.param_grid, cv=2).fit(X, LABELS)
    again = search.fit(X, LABELS)
    assert_allclose(
        again.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"], rtol=1e-6
    )


def _killer(marker):
    """Return a callback that kills the worker it runs in, once."""
    import keras

    parent = os.getpid()

    def kill(epoch, logs):
        if os.getpid() != parent and not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    return keras.callbacks.LambdaCallback(on_epoch_end=kill)


@pytest.mark.long
def test_memory_stays_flat_over_500_fits():
    resource = pytest.importorskip("resource")
    frame = pd.DataFrame({"age": X[:, 0], "note": ["good lamp", "bad chair", "fine stove"] * 20})
    at, params = {}, {"epochs": 2, "n_members": 1, **SMALL, "early_stopping": True}
    for number in range(501):
        net = MergedNetClassifier(merge=("concat", "sum", "gated")[number % 3], **params)
        net.fit(frame, LABELS).predict(frame)
        if number in (100, 500):
            del net
            gc.collect()
            at[number] = _resident() or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    grown = (at[500] - at[100]) / 1024
    print(f"400 fits took {grown:.1f} MiB, {grown / 400 * 1024:.1f} KiB each")
    assert grown < 40


def _resident():
    """Return the resident memory in KiB, where the system tells."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
    except OSError:
        return None
