"""Signals beside a table and a text
=================================

Does the pump hold?

Each pump has a pressure curve of 15 to 40 readings, some of them lost, its age and model, and a
technician's note. It fails if two of three things are wrong: the pressure jumps up and seeps away
(instead of building up and dropping back, which has the same values in another order), the pump is
old for its model, and the note speaks of noise. Without the curve, nobody does better than 75 %.

The curves are lists in a column of the DataFrame; that their lengths differ makes them sequences.
Three branches read them: a recurrent network, a small transformer, and convolutions over time.
"""

import argparse
import time

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from skmerge import (
    AttentionBranch,
    ColumnRouter,
    Conv1DBranch,
    MergedNetClassifier,
    RecurrentBranch,
)

parser = argparse.ArgumentParser(description="Signals of varying length.")
parser.add_argument("--rows", type=int, default=1200, help="number of pumps")
parser.add_argument("--epochs", type=int, default=20, help="epochs per fit")
arguments = parser.parse_args()

# %%
# Pumps, their curves and notes
# -----------------------------

QUIET = ["runs smoothly", "nothing to report", "cleaned the filter", "new seal fitted"]
NOISY = ["rattles when starting", "a grinding noise", "hums louder than before", "knocks at times"]


def draw_curve(rng: np.random.Generator, seeps: bool) -> list[float | None]:
    """Noise with one sawtooth, falling slowly or rising slowly, and some readings lost."""
    curve = rng.normal(5, 0.3, rng.integers(15, 41))
    tooth = np.linspace(2, 0, 8) if seeps else np.linspace(0, 2, 8)
    start = rng.integers(0, len(curve) - 8)
    curve[start : start + 8] += tooth
    lost = rng.random(len(curve)) < 0.03
    return [None if gone else round(value, 2) for value, gone in zip(curve, lost, strict=True)]


def make_frame(n_rows: int, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Return pumps, and whether they hold or fail."""
    rng = np.random.default_rng(seed)
    seeps, old, noisy = rng.random((3, n_rows)) < 0.5
    model = rng.choice(["A", "B"], n_rows)
    limit = np.where(model == "A", 4, 8)
    frame = pd.DataFrame(
        {
            "pressure": [draw_curve(rng, row) for row in seeps],
            "years": (limit + np.where(old, 1, -1) * rng.uniform(0.5, 3.5, n_rows)).round(1),
            "model": model,
            "note": [
                f"{rng.choice(NOISY if row else QUIET)}, visit {rng.integers(100)}" for row in noisy
            ],
        }
    )
    fails = seeps.astype(int) + old + noisy >= 2
    return frame, np.where(fails, "fails", "holds")


frame, y = make_frame(arguments.rows)
train, test, y_train, y_test = train_test_split(frame, y, test_size=0.25, random_state=0)
print(ColumnRouter().fit(train), "\n")

figure, axes = plt.subplots(1, 2, figsize=(9, 2.4), sharey=True, layout="constrained")
for ax, seeps in zip(axes, [False, True], strict=True):
    curve = draw_curve(np.random.default_rng(1), seeps)
    ax.plot([np.nan if value is None else value for value in curve], marker=".")
    ax.set(title="jumps up, seeps away" if seeps else "builds up, drops back", xlabel="reading")
axes[0].set_ylabel("pressure")
plt.show()

# %%
# Three branches for the curve, and none
# --------------------------------------

branches = {
    "no curve": None,
    "recurrent": RecurrentBranch(32),
    "attention": AttentionBranch(32, n_layers=2),
    "conv1d": Conv1DBranch(32, (32,), kernel_sizes=(3, 5, 9)),
}
rows = []
for name, branch in branches.items():
    classifier = MergedNetClassifier(
        router=ColumnRouter("auto" if branch else {"pressure": "drop"}),
        branches={"pressure": branch} if branch else None,
        epochs=arguments.epochs,
        batch_size=32,
        learning_rate=0.003,
        early_stopping=False,
        random_state=0,
    )
    began = time.perf_counter()
    classifier.fit(train, y_train)
    seconds = time.perf_counter() - began
    rows.append(
        {
            "pressure read by": name,
            "accuracy": round(classifier.score(test, y_test), 3),
            "fit seconds": round(seconds, 1),
            "parameters": classifier.model_.count_params(),
        }
    )
print(pd.DataFrame(rows).to_string(index=False))
