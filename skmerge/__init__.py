"""One network on mixed inputs from a DataFrame, as a scikit-learn estimator.

Public names are imported on first use, so that ``import skmerge`` is quick and does not load
TensorFlow.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "ArrayEncoder": "skmerge.encoders",
    "ColumnRouter": "skmerge.router",
    "ConvBranch": "skmerge.branches",
    "DenseBranch": "skmerge.branches",
    "EmbeddingBranch": "skmerge.branches",
    "ImageEncoder": "skmerge.encoders",
    "InputSpec": "skmerge._spec",
    "KerasBranch": "skmerge.branches",
    "MergedNetClassifier": "skmerge.estimators",
    "MergedNetRegressor": "skmerge.estimators",
    "MultiInput": "skmerge.multi_input",
    "TabularEncoder": "skmerge.encoders",
    "TagEncoder": "skmerge.encoders",
    "TargetSpec": "skmerge._spec",
    "TextEncoder": "skmerge.encoders",
    "build_network": "skmerge.network",
}

__version__ = "0.1.0"
__all__ = [*_HOMES, "__version__"]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'skmerge' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
