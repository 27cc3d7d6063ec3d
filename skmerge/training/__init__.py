"""Compiling and training networks; the only part that imports scikeras."""

from skmerge.training._trainer import (
    EncodedRows,
    NetworkPlan,
    NetworkTrainer,
    TrainingOptions,
)

__all__ = ["EncodedRows", "NetworkPlan", "NetworkTrainer", "TrainingOptions"]
