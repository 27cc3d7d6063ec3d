"""Threads of TensorFlow in the workers of a parallel search, so that they do not fight over cores.

Enters: the environment of a worker process. Leaves: TensorFlow set to its share of the cores. By
OMP_NUM_THREADS joblib, Dask and Ray say how many threads a worker may use, which NumPy and
scikit-learn heed and TensorFlow does not: it takes all cores in each worker.
"""

from __future__ import annotations

import multiprocessing
import os
import sys

import tensorflow as tf


def use_own_share() -> None:
    """Set the threads of a worker process, unless TensorFlow already runs in it."""
    if multiprocessing.parent_process() is None and not _is_of_ray():
        return
    share = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    if not share.isdigit() or int(share) < 1:
        return
    try:
        tf.config.threading.set_intra_op_parallelism_threads(int(share))
        tf.config.threading.set_inter_op_parallelism_threads(int(share))
    except RuntimeError:  # it runs, with threads that somebody else has set
        return


def _is_of_ray() -> bool:
    """Say whether this is a worker of Ray, which no process of Python started."""
    ray = sys.modules.get("ray")
    if ray is None or not ray.is_initialized():
        return False
    return bool(ray.get_runtime_context().worker.mode == ray.WORKER_MODE)
