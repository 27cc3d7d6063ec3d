"""What does each input contribute?
================================

A second-hand shop's adverts are drawn: a photo, a text, and a table. The price depends on what
the photo shows (how large the thing is), on a word in the text (its state), and on the year. The
table holds the age too, which says the same as the year, and the shelf, which says nothing.

`input_importance` permutes an input, or a column, of one fitted network: it tells what this
network relies on. Year and age share what they say, so that neither counts for much while the
other is left.

`ablation` trains without each input: it tells what no other input makes up for.
"""

import argparse

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.model_selection import ShuffleSplit, train_test_split
from sklearn.pipeline import make_pipeline

from skmerge import (
    ColumnRouter,
    InputImportanceDisplay,
    MergedNetRegressor,
    ablation,
    input_importance,
)

parser = argparse.ArgumentParser(description="Inputs permuted, and left out.")
parser.add_argument("--plot", default="input_importance.png", help="file for the plots")
parser.add_argument("--rows", type=int, default=600, help="number of adverts")
parser.add_argument("--epochs", type=int, default=15, help="epochs per fit")
arguments = parser.parse_args()

# %%
# Adverts with a photo, a text and a table
# ----------------------------------------

STATES = {"new": 40.0, "used": 0.0, "scratched": -20.0, "broken": -40.0}
TEXTS = ["{} lamp, pick up only", "lamp for sale, {}", "a {} lamp that I no longer need"]


def draw_adverts(n_rows: int, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(3, 13, n_rows)
    states = rng.choice(list(STATES), n_rows)
    years = rng.integers(1990, 2025, n_rows)
    photos = []
    for size in sizes:
        photo = rng.integers(0, 60, (16, 16)).astype("uint8")
        top, left = rng.integers(0, 16 - size, 2)
        photo[top : top + size, left : left + size] = 220
        photos.append(photo)
    frame = pd.DataFrame(
        {
            "photo": photos,
            "text": [rng.choice(TEXTS).format(state) for state in states],
            "year": years,
            "age": 2025 - years + rng.integers(0, 2, n_rows),
            "shelf": rng.integers(1, 100, n_rows),
        }
    )
    worth = 8 * sizes + np.array([STATES[state] for state in states]) + (years - 2000)
    return frame, 50 + worth + rng.normal(0, 5, n_rows)


frame, price = draw_adverts(arguments.rows)
train, test, y_train, y_test = train_test_split(frame, price, random_state=0)

# %%
# One network, its inputs permuted
# --------------------------------
# The router is told which columns are one input. Importances are drops in R2, on rows that the
# network has not seen.

pipeline = make_pipeline(
    ColumnRouter(inputs={"photo": "image", "text": "text", "table": ["year", "age", "shelf"]}),
    MergedNetRegressor(
        epochs=arguments.epochs, dropout=0, batch_size=32, early_stopping=False, random_state=0
    ),
)
pipeline.fit(train, y_train)
by_input = input_importance(pipeline, test, y_test, random_state=0)
print(f"Inputs permuted: {by_input}\n")

# %%
# Columns of the table can be permuted by themselves.

by_column = input_importance(pipeline, test, y_test, by="column", random_state=0)
print(f"Columns permuted: {by_column}\n")

# %%
# Networks that never had the input
# ---------------------------------

folds = ShuffleSplit(3, test_size=0.25, random_state=0)
left_out = ablation(pipeline, frame, price, cv=folds)
print(f"Inputs left out: {left_out}\n")

# %%
# All three as plots
# ------------------

figure, axes = plt.subplots(3, 1, figsize=(7.4, 7.6), layout="constrained")
results = {"Inputs permuted": by_input, "Columns permuted": by_column, "Left out": left_out}
for ax, (title, result) in zip(axes, results.items(), strict=True):
    InputImportanceDisplay.from_result(result, ax=ax)
    ax.set_title(title, loc="left")
figure.savefig(arguments.plot, dpi=120)
print(f"Plots saved to {arguments.plot}.")
