"""Seeding what Keras draws when a network is built, and nothing else in the process.

Keras takes every initial weight and every dropout seed from Python's ``random`` module, which is
global; here it is seeded for the length of one build and put back. (``keras.utils.set_random_seed``
would leave the whole process seeded.)
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

_lock = threading.Lock()


@contextmanager
def seeded_build(seed: int) -> Iterator[None]:
    """Seed Python's and NumPy's global generators, and restore both afterwards.

    Parameters
    ----------
    seed : int
        The seed.

    Yields
    ------
    None
        One thread at a time runs inside.
    """
    with _lock:
        python_state, numpy_state = random.getstate(), np.random.get_state()
        random.seed(seed)
        np.random.seed(seed)
        try:
            yield
        finally:
            random.setstate(python_state)
            np.random.set_state(numpy_state)
