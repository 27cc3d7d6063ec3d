"""Is a merging network an ensemble?
=================================

Two questions about the same pictures, answered by experiment.

Scikit-learn's handwritten digits are cut into a left and a right half, two inputs of one network.

*Which digit is it?* Each half alone tells a good deal, and the halves add up: an ensemble of two
networks, one for each half, is a serious rival of a network that merges them.

*Do the halves belong together?* Every second right half is taken from another digit. Neither half
tells anything alone, so that no ensemble can help: the network has to look at both at once, and
it matters how.

For each question, `compare_merges` fits the merges, the halves alone, their ensemble and a linear
model on the same folds, prints the table and says what it shows.
"""

import argparse

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold

from skmerge import MergeComparisonDisplay, MergedNetClassifier, compare_merges

parser = argparse.ArgumentParser(description="Two questions about halves of digits.")
parser.add_argument("--plot", default="compare_merges.png", help="file for the plots")
parser.add_argument("--rows", type=int, default=1797, help="number of digits")
parser.add_argument("--epochs", type=int, default=20, help="epochs per fit")
parser.add_argument(
    "--merges", nargs="+", default=["concat", "compare", "late"], help="merges to compare"
)
arguments = parser.parse_args()

# %%
# Halves of digits
# ----------------

data = load_digits()
pictures, digits = data.images[: arguments.rows] / 16, data.target[: arguments.rows]
left = pictures[:, :, :4].reshape(-1, 32)
right = pictures[:, :, 4:].reshape(-1, 32)

rng = np.random.default_rng(0)
others = np.array([rng.choice(np.flatnonzero(digits != digit)) for digit in digits])
together = rng.random(len(digits)) < 0.5
exchanged = np.where(together[:, None], right, right[others])

questions = {
    "Which digit is it?": ({"left": left, "right": right}, digits),
    "Do the halves belong together?": (
        {"left": left, "right": exchanged},
        np.where(together, "together", "not"),
    ),
}

# %%
# The comparison
# --------------
# All candidates are fitted on the same folds, so that differences can be paired. The first sentence
# below each table names what is told apart from the best.

network = MergedNetClassifier(
    epochs=arguments.epochs, batch_size=64, early_stopping=False, random_state=0
)
comparisons = {}
for question, (X, y) in questions.items():
    comparisons[question] = compare_merges(
        network,
        X,
        y,
        merges=arguments.merges,
        cv=StratifiedKFold(3, shuffle=True, random_state=0),
    )
    print(f"{question}\n\n{comparisons[question]}\n\n")

# %%
# The same as plots
# -----------------

figure, axes = plt.subplots(2, 1, figsize=(7.4, 8.4), layout="constrained")
for ax, (question, comparison) in zip(axes, comparisons.items(), strict=True):
    MergeComparisonDisplay.from_result(comparison, ax=ax)
    ax.set_title(question, loc="left", pad=26)
figure.savefig(arguments.plot, dpi=120)
print(f"Plots saved to {arguments.plot}.")
