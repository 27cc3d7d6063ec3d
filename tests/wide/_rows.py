"""Rows of words, numbers and pictures that several tests fit linear models on."""

import numpy as np

from skmerge import InputSpec, MultiInput
from skmerge._wide import TargetRows

_RNG = np.random.default_rng(0)
N_ROWS, N_FITTED = 400, 300
N_WORDS = 12
SPECS = {
    "note": InputSpec("note", "text", (8,), "int32", vocabulary_size=N_WORDS),
    "table": InputSpec("table", "tabular", (3,), code_columns=(2,), cardinalities=(4,)),
    "photo": InputSpec("photo", "image", (2, 2, 3), "uint8"),
}
X = MultiInput(
    {
        "note": _RNG.integers(2, N_WORDS, (N_ROWS, 8)).astype("int32"),
        "table": np.concatenate(
            [_RNG.normal(size=(N_ROWS, 2)), _RNG.integers(0, 4, (N_ROWS, 1))], axis=1
        ).astype("float32"),
        "photo": _RNG.integers(0, 256, (N_ROWS, 2, 2, 3)).astype("uint8"),
    },
    SPECS,
)
PARTS = np.arange(N_FITTED), np.arange(N_FITTED, N_ROWS)
OF_WORD = (X["note"] == 5).any(axis=1)


def target_rows(Y, kind, weights=None):
    Y = np.asarray(Y, dtype="float32").reshape(len(Y), -1)
    return TargetRows(Y, np.ones(len(Y)) if weights is None else weights, kind)


def noisy(labels, share, seed=0):
    flipped = np.random.default_rng(seed).random(len(labels)) < share
    return np.where(flipped, ~labels, labels)


LABELS = noisy(OF_WORD | (X["table"][:, 0] > 1), 0.1)
