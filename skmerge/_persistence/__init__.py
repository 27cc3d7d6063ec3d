"""Estimators in files that hold no code: one archive of JSON, arrays and the network's weights.

Enters: a fitted estimator, or the path of a file. Leaves: the file, or the estimator. Nothing in a
file is run: classes are looked up among those of skmerge and scikit-learn, all others are the
caller's to give. TensorFlow is loaded where a network is in the file.
"""

from __future__ import annotations

from skmerge._persistence._archive import ModelFileError
from skmerge._persistence._file import load, save

__all__ = ["ModelFileError", "load", "save"]
