"""One process: TensorFlow's threads do not survive a fork, and who waits for them hangs."""

from __future__ import annotations

import os

_owner: int | None = None


def claim_tensorflow() -> None:
    """Take TensorFlow for this process, before it is run.

    Raises
    ------
    RuntimeError
        If it has run in the process that this one was forked from.
    """
    global _owner  # noqa: PLW0603
    process = os.getpid()
    if _owner is None:
        _owner = process
    elif _owner != process:
        raise RuntimeError(
            "A network must not run in a process forked from one where networks ran, since "
            f"TensorFlow would wait forever. Got process {process}, forked from {_owner}. Start "
            "processes anew, as in multiprocessing.get_context('spawn'), "
            "ProcessPoolExecutor(mp_context=...), or n_jobs of scikit-learn, or load the estimator "
            "in each process."
        )
