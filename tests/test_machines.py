"""Searches on clusters of processes, one of which is killed; and the page that shows them."""

import os
import re
import sys
import threading
import time
import uuid
import warnings
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV

from skmerge import ConvBranch, InputSpec, MergedNetClassifier, MultiInput
from skmerge.inspection import compare_merges

PAGE = Path(__file__).parents[1] / "docs" / "machines.md"
N_ROWS = 300  # more than 1,000 bytes of labels and positions, which Dask scatters
N_SCORED = 2
SECONDS = 120
GRID = {"merge": ["concat", "sum"]}


def blocks(need):
    """The page's blocks of Python that need a library, or none."""
    found = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    named = [(re.match(r"# needs: (\w+)", block), block) for block in found]
    return [block for match, block in named if (match and match[1]) == need]


def run(blocks, namespace):
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), namespace)
    return namespace


@pytest.fixture(scope="module")
def page():
    return run(blocks(None)[:1], {"__name__": "page"})


def search(X, y, scoring="neg_log_loss", **settings):
    """Search two modes; without batch normalization, which makes whole steps of rounding."""
    branches = {"photo": ConvBranch((2,), batch_normalization=False)}
    plain = {"wide": False, "n_members": 1, "epochs": 2, "random_state": 0}
    estimator = MergedNetClassifier(branches=branches, head=(4,), **plain)
    return GridSearchCV(estimator, GRID, cv=2, scoring=scoring, refit=False, **settings).fit(X, y)


@pytest.fixture(scope="module")
def rows():
    random = np.random.default_rng(0)
    y = random.integers(0, 2, N_ROWS)
    arrays = {
        "numbers": (random.normal(size=(N_ROWS, 3)) + y[:, None]).astype(np.float32),
        "photo": random.integers(0, 256, (N_ROWS, 8, 8, 1), dtype=np.uint8),
    }
    specs = {
        "numbers": InputSpec("numbers", "array", (3,)),
        "photo": InputSpec("photo", "image", (8, 8, 1), "uint8", "conv"),
    }
    return MultiInput(arrays, specs), y


@pytest.fixture(scope="module")
def local_scores(rows):
    return search(*rows).cv_results_["mean_test_score"]


class ScorerThatWaits:
    """Scores; the worker that comes third writes its number down, and waits to be killed."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, estimator, X, y):
        score = get_scorer("neg_log_loss")(estimator, X, y)
        (self.folder / f"scored-{uuid.uuid4().hex}").touch()
        if len(list(self.folder.glob("scored-*"))) > N_SCORED:
            try:
                with open(self.folder / "waits", "x") as file:
                    file.write(f"{os.getpid()}.")
            except FileExistsError:
                return score
            time.sleep(SECONDS)
        return score


class Killer(threading.Thread):
    """Kills the worker that waits, if it is one of ours."""

    def __init__(self, folder, is_ours):
        super().__init__(daemon=True)
        self.folder, self.is_ours = folder, is_ours
        self.killed = None

    def run(self):
        import psutil

        for _ in range(10 * SECONDS):
            time.sleep(0.1)
            try:
                text = (self.folder / "waits").read_text()
            except FileNotFoundError:
                continue
            if text.endswith(".") and self.is_ours(int(text[:-1])):
                self.killed = int(text[:-1])
                psutil.Process(self.killed).kill()
                return


def is_child(pid):
    import psutil

    return pid in {child.pid for child in psutil.Process().children(recursive=True)}


def threads_of_tensorflow():
    import tensorflow as tf

    import skmerge.training  # noqa: F401

    threading = tf.config.threading
    return (
        threading.get_intra_op_parallelism_threads(),
        threading.get_inter_op_parallelism_threads(),
    )


@pytest.fixture(scope="module")
def client(page, tmp_path_factory):
    """The client that the page makes, of workers whose folder for temporary files is their own."""
    pytest.importorskip("distributed", reason="needs Dask: pip install 'skmerge[machines]'")
    import cloudpickle
    import dask

    this = sys.modules[__name__]
    cloudpickle.register_pickle_by_value(this)
    own = str(tmp_path_factory.mktemp("other-machine"))
    before = dask.config.get("distributed.nanny.pre-spawn-environ")
    environment = dict(os.environ)  # Dask sets that of its workers in this process too
    dask.config.set({"distributed.nanny.pre-spawn-environ": before | {"TMPDIR": own}})
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Port 8787")  # of the dashboard, which others may have
        try:
            yield run(blocks("dask")[:1], page)["client"]
        finally:
            for name in ("client", "cluster"):
                if name in page:
                    page[name].close()
            dask.config.set({"distributed.nanny.pre-spawn-environ": before})
            os.environ.clear()
            os.environ.update(environment)
            cloudpickle.unregister_pickle_by_value(this)


@pytest.mark.slow
def test_a_dask_worker_uses_its_share_of_the_cores(client):
    assert client.submit(threads_of_tensorflow, pure=False).result() == (1, 1)


@pytest.mark.slow
def test_dask_finishes_a_search_whose_worker_is_killed_and_whose_file_is_gone(
    client, rows, local_scores, tmp_path
):
    import joblib

    X, y = rows
    np.save(tmp_path / "photo.npy", X["photo"])
    photo = np.load(tmp_path / "photo.npy", mmap_mode="r")
    X = MultiInput({"numbers": X["numbers"], "photo": photo}, X.specs)
    if os.name == "posix":  # elsewhere a file that is mapped stays
        (tmp_path / "photo.npy").unlink()
    killer = Killer(tmp_path, is_child)
    killer.start()
    with joblib.parallel_config(backend="dask", scatter=[X]):
        found = search(X, y, ScorerThatWaits(tmp_path))
    assert killer.killed is not None
    assert_allclose(found.cv_results_["mean_test_score"], local_scores, rtol=1e-6)


@pytest.mark.slow
def test_merges_are_compared_on_dask_as_here(client, rows):
    import joblib

    plain = {"wide": False, "n_members": 1, "epochs": 1, "random_state": 0}
    branches = {"photo": ConvBranch((2,), batch_normalization=False)}
    estimator = MergedNetClassifier(branches=branches, head=(4,), **plain)
    settings = {"merges": ["sum"], "singles": False, "ensemble": False, "baseline": False, "cv": 2}
    here = compare_merges(estimator, *rows, **settings)
    with joblib.parallel_config(backend="dask"):
        there = compare_merges(estimator, *rows, n_jobs=2, **settings)
    assert_allclose(there.scores_, here.scores_, rtol=1e-6)


@pytest.mark.slow
def test_the_dask_blocks_of_the_page_run(client, page):
    run(blocks("dask")[1:], page)  # what is set last is put back with the cluster
    assert page["search"].best_params_["merge"] in GRID["merge"]


@pytest.mark.slow
def test_ray_finishes_a_search_whose_worker_is_killed(page, rows, local_scores, tmp_path):
    pytest.importorskip("ray", reason="needs Ray: pip install 'skmerge[machines]'")
    import joblib
    import ray

    this = sys.modules[__name__]
    ray.cloudpickle.register_pickle_by_value(this)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Ray's own coming changes, and files left open
            run(blocks("ray"), page)
            assert page["search"].best_params_["merge"] in GRID["merge"]
            killer = Killer(tmp_path, is_child)
            killer.start()
            with joblib.parallel_config(backend="ray", ray_remote_args=page["revived"]):
                assert joblib.Parallel(2)([joblib.delayed(threads_of_tensorflow)()]) == [(1, 1)]
                found = search(*rows, ScorerThatWaits(tmp_path), n_jobs=2)
    finally:
        ray.shutdown()
        ray.cloudpickle.unregister_pickle_by_value(this)
    assert killer.killed is not None
    assert_allclose(found.cv_results_["mean_test_score"], local_scores, rtol=1e-6)
