"""Reading a trained network
=========================

What is inside, and what it looks at: pictures of digits with a note.

Every row is one of scikit-learn's handwritten digits, with a note of what somebody read and the
kind of pen. In half of the rows the picture is blotted out and the note says the digit; in the
others the picture is clear and the note says nothing of use. No input is enough alone, and a merge
by attention learns for each row which of them to look at. The figures and the network as HTML are
saved to a folder.
"""

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import numpy as np
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skmerge import (
    ColumnRouter,
    ConvBranch,
    FeatureMapDisplay,
    MergedNetClassifier,
    SaliencyDisplay,
    TrainingCurveDisplay,
)

parser = argparse.ArgumentParser(description="What is inside a trained network.")
parser.add_argument("--folder", default="reading_a_network", help="where the files go")
parser.add_argument("--rows", type=int, default=1600, help="number of digits")
parser.add_argument("--epochs", type=int, default=25, help="epochs of training, at most")
arguments = parser.parse_args()
folder = Path(arguments.folder)
folder.mkdir(parents=True, exist_ok=True)

# %%
# Pictures, half of them blotted out
# ----------------------------------

DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
TOLD = ["that must be a {}", "i would say {} without a doubt", "clearly {} to me"]
NOT_TOLD = ["somebody wrote a digit", "i would say it is a digit", "clearly a digit to me"]


def make_frame(n_rows: int, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Return digits with notes, the digits in words, and whether each picture is clear."""
    rng = np.random.default_rng(seed)
    digits = load_digits()
    rows = rng.permutation(len(digits.target))[:n_rows]
    labels = np.array(DIGITS)[digits.target[rows]]
    is_clear = rng.random(n_rows) < 0.5
    blots = rng.uniform(0, 16, (n_rows, 8, 8))
    pictures = np.where(is_clear[:, None, None], digits.images[rows], blots)
    notes = [
        rng.choice(NOT_TOLD) if clear else rng.choice(TOLD).format(label)
        for clear, label in zip(is_clear, labels, strict=True)
    ]
    frame = pd.DataFrame(
        {
            "picture": list(pictures),
            "note": notes,
            "pen": rng.choice(["ball", "fountain", "pencil"], n_rows),
        }
    )
    return frame, labels, is_clear


frame, labels, is_clear = make_frame(arguments.rows)
train, test, y_train, y_test, _, test_is_clear = train_test_split(
    frame, labels, is_clear, test_size=0.25, random_state=0
)

# %%
# The network as text, and as a diagram
# -------------------------------------

clf = MergedNetClassifier(
    "attention",
    router=ColumnRouter({"picture": "image", "note": "text"}),
    branches={"picture": ConvBranch(filters=(16, 32), pooling="flatten")},
    epochs=arguments.epochs,
    batch_size=32,
    early_stopping=True,
    wide=False,
    n_members=1,
    random_state=0,
).fit(train, y_train)
clf.summary()
print(f"\nAccuracy on digits never seen: {clf.score(test, y_test):.3f}\n")

# %%
# In a notebook, the estimator draws its network.

# the diagram takes the page's colours: dark where the reader prefers that
page = '<!doctype html><meta charset="utf-8"><meta name="color-scheme" content="light dark">'
(folder / "network.html").write_text(page + clf._repr_html_(), encoding="utf-8")
clf

# %%
# What the branches and the merge make of the rows
# ------------------------------------------------

for name, features in clf.branch_outputs(test).items():
    print(f"{name:>8}: {features.shape[1]} features, {np.mean(features > 0):.0%} of them above 0")
print(f"  merged: {clf.transform(test).shape[1]} features")

# %%
# How the inputs are weighed
# --------------------------
# One weight for each input, row and head of the attention; here their means over heads and rows.

gates = {name: weights.mean(axis=1) for name, weights in clf.gates(test).items()}
weighed = pd.DataFrame(gates).groupby(np.where(test_is_clear, "clear", "blotted")).mean()
print("\nMean weight of each input, by the state of the picture:")
print(weighed.rename_axis("picture").round(2).to_string(), "\n")

# %%
# The course of the training
# --------------------------

training = TrainingCurveDisplay.from_estimator(clf)

# %%
# What convolutions see in a clear picture, and what they have learned
# --------------------------------------------------------------------

clear, blotted = np.flatnonzero(test_is_clear)[0], np.flatnonzero(~test_is_clear)[0]
maps = FeatureMapDisplay.from_estimator(clf, test, row=clear)
filters = FeatureMapDisplay.from_estimator(clf, test, row=clear, what="filters")

# %%
# Which pixels, words and columns a prediction hangs on
# -----------------------------------------------------
# First of a row whose picture is clear, then of one whose picture is blotted out.

saliency_clear = SaliencyDisplay.from_estimator(clf, test, row=clear)
saliency_blotted = SaliencyDisplay.from_estimator(clf, test, row=blotted)

# %%
# All of it in a folder
# ---------------------

displays = {
    "training_curve": training,
    "feature_maps": maps,
    "filters": filters,
    "saliency_clear": saliency_clear,
    "saliency_blotted": saliency_blotted,
}
for name, display in displays.items():
    display.figure_.savefig(folder / f"{name}.png", dpi=120)
print("Saved", ", ".join(sorted(path.name for path in folder.iterdir())), f"to {folder}.")
