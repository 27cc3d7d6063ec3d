"""The wide part of a network: a linear model on words, pairs of words, categories and numbers.

Enters: routed rows and encoded targets. Leaves: a `WideModel`, whose weights the network's wide
layers take over. Neither pandas nor Keras is needed.
"""

from skmerge._wide._blend import blend_weights, constant_loss
from skmerge._wide._model import TargetRows, WideModel
from skmerge._wide._search import fit_wide
from skmerge._wide._solver import mean_loss, row_losses

__all__ = [
    "TargetRows",
    "WideModel",
    "blend_weights",
    "constant_loss",
    "fit_wide",
    "mean_loss",
    "row_losses",
]
