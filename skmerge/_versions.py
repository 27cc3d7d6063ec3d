"""Versions: of the package, and of what it runs on, as a report on a bug needs them."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version

try:
    # written when the package is built or installed, so that nothing is asked of git here
    from skmerge._version import __version__ as _written
except ImportError:
    _written = "0+unknown"  # the files of a repository that nothing was built from

__all__ = ["__version__", "installed_versions", "show_versions"]

__version__: str = _written

#: What the package needs, in the order of ``pyproject.toml``, after what installs it.
REQUIRED = (
    *("pip", "h5py", "keras", "matplotlib", "narwhals", "numpy", "pandas", "pillow"),
    *("scikeras", "scikit-learn", "scipy", "tensorflow"),
)
#: What it works with where it is installed, or what bears on how a fit runs.
OPTIONAL = (
    *("joblib", "threadpoolctl", "cloudpickle", "polars", "pyarrow", "skrub"),
    *("pydot", "ipython", "dask", "distributed", "ray", "tf-keras", "torch", "jax"),
)
#: Variables of the environment that decide on the backend, the devices and the threads.
VARIABLES = (
    *("KERAS_BACKEND", "CUDA_VISIBLE_DEVICES", "TF_DETERMINISTIC_OPS", "TF_ENABLE_ONEDNN_OPTS"),
    *("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"),
)


def installed_versions(names: Iterable[str]) -> dict[str, str]:
    """Return the versions of those distributions that are installed.

    Nothing is imported.

    Parameters
    ----------
    names : iterable of str
        Names of distributions, such as ``"scikit-learn"``.

    Returns
    -------
    dict of str to str
        Versions by name, in the order of the names.

    Examples
    --------
    >>> from skmerge._versions import installed_versions
    >>> list(installed_versions(["numpy", "no-such-distribution"]))
    ['numpy']
    """
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def show_versions() -> None:
    """Print what a report on a bug should tell of the machine and the libraries.

    That is the system, the versions of Python, skmerge and the libraries that it needs or can use,
    the devices that TensorFlow sees, and how many threads may run. TensorFlow is imported, and
    lists its devices without setting them up.

    See Also
    --------
    sklearn.show_versions : The same for scikit-learn alone, with its libraries of threads.

    Examples
    --------
    >>> import skmerge
    >>> skmerge.show_versions()  # doctest: +ELLIPSIS, +NORMALIZE_WHITESPACE
    System:
           python: 3...
          machine: ...
    <BLANKLINE>
    Versions:
          skmerge: ...
    """
    print(_section("System", _system()))
    print(_section("Versions", {"skmerge": __version__, **_required()}))
    print(_section("Optional", installed_versions(OPTIONAL)))
    print(_section("TensorFlow", _tensorflow()))
    print(_section("Threads and environment", _environment()), end="")


def _section(title: str, facts: Mapping[str, object]) -> str:
    width = max(map(len, facts), default=0)
    lines = (f"  {name:>{max(width, 13)}}: {fact}\n" for name, fact in facts.items())
    return f"{title}:\n{''.join(lines)}"


def _system() -> dict[str, str]:
    return {
        "python": sys.version.replace("\n", " "),
        "executable": sys.executable,
        "machine": platform.platform(),
    }


def _required() -> dict[str, str]:
    return dict.fromkeys(REQUIRED, "not installed") | installed_versions(REQUIRED)


def _tensorflow() -> dict[str, object]:
    import keras
    import tensorflow as tf

    # the physical devices: to list the logical ones would set up each GPU and take its memory
    devices = [
        tf.config.experimental.get_device_details(device).get("device_name", device.device_type)
        for device in tf.config.list_physical_devices()
    ]
    return {
        "devices": ", ".join(devices),
        "built for CUDA": tf.test.is_built_with_cuda(),
        "intra-op": tf.config.threading.get_intra_op_parallelism_threads() or "as many as cores",
        "inter-op": tf.config.threading.get_inter_op_parallelism_threads() or "as many as cores",
        "Keras backend": keras.config.backend(),
        "float type": keras.config.floatx(),
    }


def _environment() -> dict[str, object]:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    set_here = {name: os.environ[name] for name in VARIABLES if name in os.environ}
    return {"cores": os.cpu_count(), "usable cores": usable, **set_here}
