"""Seeing what merging does: experiments that compare, and plots of what is inside a network.

Enters: estimators, fitted or not, with rows and targets. Leaves: results with a ``to_frame``, and
displays in the manner of scikit-learn's.
"""

from skmerge.inspection._ablation import AblationResult, ablation
from skmerge.inspection._compare import compare_merges
from skmerge.inspection._comparison import MergeComparison
from skmerge.inspection._comparison_display import MergeComparisonDisplay
from skmerge.inspection._feature_maps import FeatureMapDisplay
from skmerge.inspection._importance import InputImportance, input_importance
from skmerge.inspection._importance_display import InputImportanceDisplay
from skmerge.inspection._saliency import SaliencyDisplay
from skmerge.inspection._training_curve import TrainingCurveDisplay

__all__ = [
    "AblationResult",
    "FeatureMapDisplay",
    "InputImportance",
    "InputImportanceDisplay",
    "MergeComparison",
    "MergeComparisonDisplay",
    "SaliencyDisplay",
    "TrainingCurveDisplay",
    "ablation",
    "compare_merges",
    "input_importance",
]
