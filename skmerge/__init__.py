"""One network on mixed inputs from a DataFrame, as a scikit-learn estimator.

Public names are imported on first use, so that ``import skmerge`` is quick and does not load
TensorFlow.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "AblationResult": "skmerge.inspection",
    "ArrayEncoder": "skmerge.encoders",
    "AttentionBranch": "skmerge.branches",
    "Chunks": "skmerge._chunks",
    "ColumnRouter": "skmerge.router",
    "Conv1DBranch": "skmerge.branches",
    "ConvBranch": "skmerge.branches",
    "DenseBranch": "skmerge.branches",
    "EmbeddingBranch": "skmerge.branches",
    "FeatureMapDisplay": "skmerge.inspection",
    "ImageEncoder": "skmerge.encoders",
    "InputImportance": "skmerge.inspection",
    "InputImportanceDisplay": "skmerge.inspection",
    "InputSpec": "skmerge._spec",
    "KerasBranch": "skmerge.branches",
    "MergeComparison": "skmerge.inspection",
    "MergeComparisonDisplay": "skmerge.inspection",
    "MergedNetClassifier": "skmerge.estimators",
    "MergedNetRegressor": "skmerge.estimators",
    "ModelFileError": "skmerge._persistence",
    "MultiInput": "skmerge.multi_input",
    "RecurrentBranch": "skmerge.branches",
    "SaliencyDisplay": "skmerge.inspection",
    "SequenceEncoder": "skmerge.encoders",
    "TabularEncoder": "skmerge.encoders",
    "TagEncoder": "skmerge.encoders",
    "TargetSpec": "skmerge._spec",
    "TextEncoder": "skmerge.encoders",
    "TrainingCurveDisplay": "skmerge.inspection",
    "ablation": "skmerge.inspection",
    "build_network": "skmerge.network",
    "compare_merges": "skmerge.inspection",
    "input_importance": "skmerge.inspection",
    "load": "skmerge._persistence",
    "save": "skmerge._persistence",
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
