"""Predicting without an input
===========================

A network that has been trained for it, beside one that has not.

A handwritten digit is seen through two windows, its left and its right half. Rows to predict may
lack one of them. Where a row lacks an input, a learned vector stands for its features, and merges
that can (``attention``, ``gated``, ``late``) give it no weight. What the others make of a single
half depends on whether the network has ever seen one: ``input_dropout`` takes inputs away at
random during training, never all that a row has.

The columns ``left`` and ``right`` are accuracies on rows that have only that half, the other column
left out altogether; ``mixed`` are rows of all three kinds, with ``None`` in the cells that lack
their half. Half a picture is worth about .80 to .89, if the network has learned to use it: without
``input_dropout`` it is .48 to .76, and ``multiply`` guesses, since it multiplies by the vector of
an input that was never absent in training, which is zero. With both halves there,
``input_dropout`` costs two points at most.
"""

import pandas as pd
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skmerge import ColumnRouter, DenseBranch, MergedNetClassifier

# %%
# Digits seen through two windows
# -------------------------------

digits = load_digits()
halves = pd.DataFrame(
    {
        "left": list(digits.images[:, :, :4].reshape(-1, 32) / 16),
        "right": list(digits.images[:, :, 4:].reshape(-1, 32) / 16),
    }
)
train, test, y_train, y_test = train_test_split(
    halves, digits.target, test_size=0.5, stratify=digits.target, random_state=0
)
# %%
# With and without training for it
# --------------------------------

branches = {"left": DenseBranch((64,)), "right": DenseBranch((64,))}


def fitted(merge: str, input_dropout: float) -> MergedNetClassifier:
    # without input_dropout the router must be told that columns may be missing
    router = ColumnRouter(missing_inputs="absent")
    clf = MergedNetClassifier(
        merge,
        router=router,
        branches=branches,
        input_dropout=input_dropout,
        epochs=50,
        batch_size=32,
        early_stopping=False,
        random_state=0,
    )
    return clf.fit(train, y_train)


mixed = test.copy()
mixed.iloc[0::3, 0] = None
mixed.iloc[1::3, 1] = None

# %%
# Accuracies, by what the rows have
# ---------------------------------

print(f"{'merge':<10} {'input_dropout':>13} {'both':>6} {'left':>6} {'right':>6} {'mixed':>6}")
for merge in ("concat", "multiply", "attention", "late"):
    for input_dropout in (0.0, 0.3):
        clf = fitted(merge, input_dropout)
        scores = [
            clf.score(rows, y_test) for rows in (test, test[["left"]], test[["right"]], mixed)
        ]
        cells = " ".join(f"{score:6.3f}" for score in scores)
        print(f"{merge:<10} {input_dropout:>13} {cells}")
