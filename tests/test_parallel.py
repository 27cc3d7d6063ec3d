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


def search(n_jobs):
    """Search two modes for the best.

    Networks built anew may add up in another order. In maps as small as these, batch normalization
    takes some shifts out again: their gradients are rounding alone, which Adam makes whole steps
    of. Without it, rounding stays rounding.
    """
    branches = {"photo": ConvBranch(batch_normalization=False)}
    estimator = MergedNetClassifier(branches=branches, head=(4,), epochs=2, random_state=0)
    grid = {"merge": ["concat", "sum"]}
    return GridSearchCV(estimator, grid, cv=2, n_jobs=n_jobs, scoring="neg_log_loss").fit(X, LABELS)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_a_search_by_two_workers_scores_as_by_one(backend):
    with joblib.parallel_config(backend=backend):
        one, two = search(1), search(2)
    scores = [each.cv_results_["mean_test_score"] for each in (one, two)]
    assert_allclose(*scores, rtol=1e-6)
    assert two.best_params_ == one.best_params_
