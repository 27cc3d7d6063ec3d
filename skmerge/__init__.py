"""One network on mixed inputs from a DataFrame, as a scikit-learn estimator.

Public names are imported on first use, so that ``import skmerge`` is quick and does not load
TensorFlow.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the same names as in _HOMES below, for type checkers and editors
    from skmerge._chunks import Chunks
    from skmerge._persistence import ModelFileError, load, save
    from skmerge._spec import InputSpec, TargetSpec
    from skmerge._versions import __version__, show_versions
    from skmerge.branches import (
        AttentionBranch,
        Conv1DBranch,
        ConvBranch,
        DenseBranch,
        EmbeddingBranch,
        KerasBranch,
        RecurrentBranch,
    )
    from skmerge.encoders import (
        ArrayEncoder,
        ImageEncoder,
        SequenceEncoder,
        TabularEncoder,
        TagEncoder,
        TextEncoder,
    )
    from skmerge.estimators import MergedNetClassifier, MergedNetRegressor
    from skmerge.inspection import (
        AblationResult,
        FeatureMapDisplay,
        InputImportance,
        InputImportanceDisplay,
        MergeComparison,
        MergeComparisonDisplay,
        SaliencyDisplay,
        TrainingCurveDisplay,
        ablation,
        compare_merges,
        input_importance,
    )
    from skmerge.multi_input import MultiInput
    from skmerge.network import build_network
    from skmerge.router import ColumnRouter

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
    "show_versions": "skmerge._versions",
    "__version__": "skmerge._versions",
}

__all__ = [
    "AblationResult",
    "ArrayEncoder",
    "AttentionBranch",
    "Chunks",
    "ColumnRouter",
    "Conv1DBranch",
    "ConvBranch",
    "DenseBranch",
    "EmbeddingBranch",
    "FeatureMapDisplay",
    "ImageEncoder",
    "InputImportance",
    "InputImportanceDisplay",
    "InputSpec",
    "KerasBranch",
    "MergeComparison",
    "MergeComparisonDisplay",
    "MergedNetClassifier",
    "MergedNetRegressor",
    "ModelFileError",
    "MultiInput",
    "RecurrentBranch",
    "SaliencyDisplay",
    "SequenceEncoder",
    "TabularEncoder",
    "TagEncoder",
    "TargetSpec",
    "TextEncoder",
    "TrainingCurveDisplay",
    "__version__",
    "ablation",
    "build_network",
    "compare_merges",
    "input_importance",
    "load",
    "save",
    "show_versions",
]

if not TYPE_CHECKING:  # where a type checker would take any name for granted

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module 'skmerge' has no attribute {name!r}")
        value = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
