"""Searches in several processes: the same results, rows shared and not copied, cores shared."""

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.model_selection import GridSearchCV

from skmerge import ConvBranch, InputSpec, MergedNetClassifier, MultiInput

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 2, 80)
X = MultiInput(
    {
        "numbers": (RNG.normal(size=(80, 3)) + LABELS[:, None]).astype(np.float32),
        "photo": RNG.integers(0, 256, (80, 8, 8, 1), dtype=np.uint8),
    },
    {
        "numbers": InputSpec("numbers", "array", (3,)),
        "photo": InputSpec("photo", "image", (8, 8, 1), "uint8", "conv"),
    },
)


def kinds_of_arrays(rows):
    return {name: isinstance(array, np.memmap) for name, array in rows.items()}


def threads_of_tensorflow():
    import tensorflow as tf

    import skmerge.training  # noqa: F401

    threading = tf.config.threading
    return (
        threading.get_intra_op_parallelism_threads(),
        threading.get_inter_op_parallelism_threads(),
    )


def in_a_worker(function, *arguments, **settings):
    with joblib.parallel_config(backend="loky", n_jobs=2, **settings):
        (result,) = joblib.Parallel()([joblib.delayed(function)(*arguments)])
    return result


def test_routed_rows_reach_a_worker_as_memory_maps():
    assert in_a_worker(kinds_of_arrays, X, max_nbytes=900) == {"numbers": True, "photo": True}


@pytest.mark.slow
def test_a_worker_uses_its_share_of_the_cores():
    assert in_a_worker(threads_of_tensorflow, inner_max_num_threads=1) == (1, 1)


@pytest.mark.slow
def test_a_search_in_two_processes_scores_as_in_one():
    def search(n_jobs):
        estimator = MergedNetClassifier(head=(4,), epochs=2, random_state=0)
        grid = {"merge": ["concat", "sum"]}
        return GridSearchCV(estimator, grid, cv=2, n_jobs=n_jobs, scoring="neg_log_loss").fit(
            X, LABELS
        )

    one, two = search(None), search(2)
    assert_allclose(
        two.cv_results_["mean_test_score"], one.cv_results_["mean_test_score"], rtol=1e-5
    )
    assert two.best_params_ == one.best_params_


@pytest.mark.slow
def test_threads_of_one_process_search_as_one():
    def search(n_jobs):
        # a bias before batch normalisation has a gradient of rounding alone, which Adam blows up
        branches = {"photo": ConvBranch(batch_normalization=False)}
        estimator = MergedNetClassifier(branches=branches, head=(4,), epochs=2, random_state=0)
        search = GridSearchCV(estimator, {"merge": ["concat", "sum"]}, cv=2, n_jobs=n_jobs)
        with joblib.parallel_config(backend="threading"):
            return search.set_params(scoring="neg_log_loss").fit(X, LABELS)

    results = [search(n_jobs).cv_results_["mean_test_score"] for n_jobs in (1, 2)]
    # networks built anew may add up in another order
    assert_allclose(*results, rtol=1e-6)
