"""The layers that Keras lacks, each registered for saving.

Enters: tensors of a network under construction. Leaves: tensors. Importing this package imports
Keras, so it is imported where a network is built; import it before
``keras.saving.load_model`` reads a saved network.
"""

from skmerge._layers.inputs import AbsentFeatures, InputDropout, NamedInput
from skmerge._layers.late import InputWeights
from skmerge._layers.merging import ClassAttention, ClassToken
from skmerge._layers.pictures import VariedPictures
from skmerge._layers.pooling import MaskedPooling, UnitVectors
from skmerge._layers.sequences import FirstStep, LastStep, SequenceSteps, SinusoidalPositions
from skmerge._layers.tabular import TabularFeatures
from skmerge._layers.wide import Blend, WideTable, WideWords

__all__ = [
    "AbsentFeatures",
    "Blend",
    "ClassAttention",
    "ClassToken",
    "FirstStep",
    "InputDropout",
    "InputWeights",
    "LastStep",
    "MaskedPooling",
    "NamedInput",
    "SequenceSteps",
    "SinusoidalPositions",
    "TabularFeatures",
    "UnitVectors",
    "VariedPictures",
    "WideTable",
    "WideWords",
]
