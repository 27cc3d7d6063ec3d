"""Deciding whether what a call did may happen: a result, or an error that says what must hold."""

import re
import signal
import traceback
import warnings
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from scipy.sparse import issparse

import skmerge

#: types of errors that a user is told of by name; what derives from them by accident is not
TYPES = (ValueError, TypeError)
NOT_OURS = (UnicodeError,)
#: files whose errors a user can act upon: our own, and scikit-learn's checks of X, y, parameters
PACKAGE = str(Path(skmerge.__file__).parent)
CHECKS = re.compile(
    r"[/\\]sklearn[/\\]utils[/\\]"
    r"(validation|_param_validation|multiclass|class_weight|__init__)\.py$"
)
WORDS = re.compile(
    r"\b(rows?|columns?|X|y|parameter|inputs?|class(es)?|must|sample_weight|arrays?|data"
    r"|class_weight|cannot set|labels?|target)\b",
    re.IGNORECASE,
)
MAX_MEMORY = 2048  # MiB
EXPECTED_WARNINGS = re.compile(
    r"pictures cannot be read and count as missing|No picture can be read"
    r"|A column-vector y was passed|Trying to unpickle estimator"
    r"|__array__ implementation doesn't accept a copy keyword"  # of Keras
)


class Finding(AssertionError):
    """What must not happen."""


def origin(error):
    """Return the file, line and function of the innermost frame of an error."""
    frames = traceback.extract_tb(error.__traceback__)
    return frames[-1] if frames else None


def is_ours(error):
    """Say whether an error is one that a user is meant to see."""
    if not isinstance(error, TYPES) or isinstance(error, NOT_OURS):
        return False
    innermost = origin(error)
    if innermost is None:
        return False
    is_known = innermost.filename.startswith(PACKAGE) or CHECKS.search(innermost.filename)
    if not is_known:
        return False
    return len(str(error)) > 20 and WORDS.search(str(error)) is not None


@contextmanager
def time_limit(seconds):
    """Raise a Finding where something takes longer."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def too_long(signum, frame):
        raise Finding(f"took longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class Refused:
    """A call that was refused, with one of our errors."""

    def __init__(self, error):
        self.error = error

    def __bool__(self):
        return False


def _peak():
    """Return the most memory that the process had so far, in MiB."""
    try:
        import resource
    except ImportError:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def outcome(function, *arguments, seconds=20):
    """Call a function; return its result, or a `Refused` if it raised one of our errors."""
    peak = _peak()
    with warnings.catch_warnings(record=True) as caught, time_limit(seconds):
        warnings.simplefilter("always")
        try:
            result = function(*arguments)
        except Finding:
            raise
        except Exception as error:
            if not is_ours(error):
                raise Finding(f"{type(error).__name__}: {error}") from error
            result = Refused(error)
    if _peak() - peak > MAX_MEMORY:
        raise Finding(f"took {_peak() - peak:.0f} MiB more memory than anything before")
    for warning in caught:
        if not EXPECTED_WARNINGS.search(str(warning.message)):
            where = f"{warning.filename}:{warning.lineno}"
            raise Finding(f"{warning.category.__name__}: {warning.message} ({where})")
    return result


def dense(array):
    """Return an array as a dense one."""
    return array.toarray() if issparse(array) else np.asarray(array)


def same(routed, other, what, rows=slice(None)):
    """Check that two MultiInputs are the same; of the first, some rows."""
    if list(routed) != list(other):
        raise Finding(f"{what}: inputs {list(routed)} and {list(other)}")
    for name in routed:
        left, right = dense(routed[name])[rows], dense(other[name])
        if left.dtype != right.dtype or left.shape != right.shape:
            raise Finding(
                f"{what}: {name!r} has {left.dtype}{left.shape} and {right.dtype}{right.shape}"
            )
        if not np.array_equal(left, right):
            raise Finding(f"{what}: {name!r} differs: {left!r} and {right!r}")
        if (name in routed.masks) != (name in other.masks):
            raise Finding(f"{what}: masks of {name!r}")
        if name in routed.masks and not np.array_equal(routed.masks[name][rows], other.masks[name]):
            raise Finding(f"{what}: masks of {name!r} differ")


def cell_print(cell):
    """Return what tells whether a cell was changed."""
    if hasattr(cell, "tobytes") and not isinstance(cell, memoryview):
        return (type(cell), cell.tobytes())
    return repr(cell)


def frame_print(frame):
    """Return what tells whether a frame was changed."""
    return (
        [str(dtype) for dtype in frame.dtypes],
        repr(frame.columns),
        repr(frame.index),
        [
            [cell_print(cell) for cell in frame.iloc[:, n].astype(object)]
            for n in range(frame.shape[1])
        ],
    )
