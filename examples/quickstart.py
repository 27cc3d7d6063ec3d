"""Does the caption fit the picture?
=================================

A search over merge modes on pictures, text and numbers.

Scikit-learn's handwritten digits become a DataFrame: the picture, a caption in words, and a few
statistics of the strokes. Every second caption belongs to another digit. Neither the picture nor
the caption alone tells whether they fit, so the network has to combine them, and the merge modes
differ in how well they do.
"""

import argparse
import time

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline

from skmerge import ColumnRouter, MergedNetClassifier

parser = argparse.ArgumentParser(description="A search over merge modes.")
parser.add_argument("--plot", default="merge_modes.png", help="file that the plot is saved to")
parser.add_argument("--rows", type=int, default=1797, help="number of digits")
parser.add_argument("--epochs", type=int, default=40, help="epochs per fit")
arguments = parser.parse_args()

# %%
# A DataFrame of pictures, captions and numbers
# ---------------------------------------------
# Half of the captions fit, and that is what is to be predicted.

WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
CAPTIONS = [
    "this is a {}",
    "somebody wrote the digit {}",
    "{} in somewhat hasty handwriting",
    "clearly one more {} here",
    "looks like {} to me",
]


def make_frame(n_rows: int, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Return digits with captions, half of which fit, and whether they do."""
    rng = np.random.default_rng(seed)
    digits = load_digits()
    rows = rng.permutation(len(digits.target))[:n_rows]
    pictures, shown = digits.images[rows], digits.target[rows]
    fits = rng.random(n_rows) < 0.5
    named = np.where(fits, shown, (shown + rng.integers(1, 10, n_rows)) % 10)
    ink = pictures / 16
    frame = pd.DataFrame(
        {
            "picture": list(pictures),
            "caption": [rng.choice(CAPTIONS).format(WORDS[digit]) for digit in named],
            "ink": ink.mean(axis=(1, 2)),
            "left_right": np.abs(ink - ink[:, :, ::-1]).mean(axis=(1, 2)),
            "top_bottom": np.abs(ink - ink[:, ::-1]).mean(axis=(1, 2)),
            "hole": ink[:, 2:6, 3:5].min(axis=(1, 2)) < 0.1,
        }
    )
    return frame, np.where(fits, "fits", "does not fit")


frame, y = make_frame(arguments.rows)
print(frame.drop(columns="picture").head(3).to_string(), "\n")
train, test, y_train, y_test = train_test_split(frame, y, test_size=0.25, random_state=0)
guessing = max(np.mean(y_test == label) for label in np.unique(y_test))

# %%
# What becomes of the columns
# ---------------------------
# The router looks at the values. The picture, the caption and the numbers are three inputs, each
# with a branch of its own in the network.

router = ColumnRouter()
print(router.fit(train), "\n")

# %%
# How to merge is one more parameter
# ----------------------------------
# A list of modes concatenates what they make of the inputs.

MODES = ["concat", "sum", "multiply", "cosine", ["concat", "multiply"]]


def count_parameters(pipeline, X, y) -> int:
    """A scorer: the number of weights that the network has learned."""
    return sum(weight.shape.num_elements() for weight in pipeline[-1].model_.trainable_weights)


# a single network in place of three, to be quick, and to count the weights of one
network = MergedNetClassifier(epochs=arguments.epochs, n_members=1, random_state=0)
search = GridSearchCV(
    make_pipeline(router, network),
    {"mergednetclassifier__merge": MODES},
    cv=2,
    scoring={"accuracy": "accuracy", "parameters": count_parameters},
    refit="accuracy",
)
began = time.perf_counter()
search.fit(train, y_train)
seconds = time.perf_counter() - began

results = pd.DataFrame(search.cv_results_)
table = pd.DataFrame(
    {
        "merge": [mode if isinstance(mode, str) else " + ".join(mode) for mode in MODES],
        "accuracy": results["mean_test_accuracy"].round(3),
        "spread": results["std_test_accuracy"].round(3),
        "fit_seconds": results["mean_fit_time"].round(2),
        "parameters": results["mean_test_parameters"].astype(int),
    }
).sort_values("accuracy", ascending=False)
print(table.to_string(index=False))
print(
    f"\n{2 * len(MODES) + 1} fits in {seconds:.0f} s. On digits never seen, the best mode\n"
    f"reaches an accuracy of {search.score(test, y_test):.3f}; guessing gets {guessing:.3f}."
)

# %%
# The modes side by side
# ----------------------
# On the left are rows of the test part, with the probability that the best network gives to what
# is true.

panels = [["a", "b", "modes"], ["c", "d", "modes"]]
figure, axes = plt.subplot_mosaic(
    panels, figsize=(9, 4), width_ratios=[1, 1, 2.6], layout="constrained"
)
probabilities = search.predict_proba(test)
for position, ax in enumerate(axes[name] for name in "abcd"):
    row, truth = test.iloc[position], y_test[position]
    of_truth = probabilities[position, list(search.classes_).index(truth)]
    ax.imshow(row["picture"], cmap="gray_r")
    ax.set_title(row["caption"].replace(" handwriting", "\nhandwriting"), fontsize=8)
    ax.set_xlabel(f"{truth}: {of_truth:.0%}", fontsize=8)
    ax.set(xticks=[], yticks=[])
ascending = table[::-1]
ax = axes["modes"]
ax.barh(ascending["merge"], ascending["accuracy"], xerr=ascending["spread"], capsize=3)
ax.axvline(guessing, color="0.4", linestyle="--", label="guessing")
ax.set(xlim=(0, 1), xlabel="accuracy, mean and spread of 2 folds")
ax.set_title("Does the caption fit the picture?")
figure.legend(loc="outside lower right", frameon=False)
figure.savefig(arguments.plot, dpi=110)
print(f"Plot saved to {arguments.plot}.")
