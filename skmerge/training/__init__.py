"""Compiling and training networks; the only part that imports scikeras."""

from skmerge.training._compile import TrainingOptions
from skmerge.training._plan import NetworkPlan
from skmerge.training._threads import use_own_share
from skmerge.training._trainer import EncodedRows
from skmerge.training._trainer import NetworkTrainer as NetworkTrainer  # for the estimators alone
from skmerge.training._watch import EpochWatch

__all__ = ["EncodedRows", "EpochWatch", "NetworkPlan", "TrainingOptions"]

use_own_share()
