"""What is inside a trained network, and what it looks at: pictures of digits with a note.

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
import matplotlib.pyplot as plt
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


def read_inside(clf: MergedNetClassifier, frame: pd.DataFrame, is_clear: np.ndarray) -> None:
    """Print what the branches and the merge make of the rows, and how the inputs are weighed."""
    for name, features in clf.branch_outputs(frame).items():
        print(
            f"{name:>8}: {features.shape[1]} features, {np.mean(features > 0):.0%} of them above 0"
        )
    print(f"  merged: {clf.transform(frame).shape[1]} features")
    # one weight for each head of the attention
    gates = {name: weights.mean(axis=1) for name, weights in clf.gates(frame).items()}
    table = pd.DataFrame(gates).groupby(np.where(is_clear, "clear", "blotted")).mean()
    print("\nMean weight of each input, by the state of the picture:")
    print(table.rename_axis("picture").round(2).to_string(), "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", default="reading_a_network", help="where the files go")
    parser.add_argument("--rows", type=int, default=1600, help="number of digits")
    parser.add_argument("--epochs", type=int, default=25, help="epochs of training, at most")
    arguments = parser.parse_args()
    folder = Path(arguments.folder)
    folder.mkdir(parents=True, exist_ok=True)

    frame, labels, is_clear = make_frame(arguments.rows)
    train, test, y_train, y_test, _, test_is_clear = train_test_split(
        frame, labels, is_clear, test_size=0.25, random_state=0
    )
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
    read_inside(clf, test, test_is_clear)

    clear, blotted = np.flatnonzero(test_is_clear)[0], np.flatnonzero(~test_is_clear)[0]
    displays = {
        "training_curve": TrainingCurveDisplay.from_estimator(clf),
        "feature_maps": FeatureMapDisplay.from_estimator(clf, test, row=clear),
        "filters": FeatureMapDisplay.from_estimator(clf, test, row=clear, what="filters"),
        "saliency_clear": SaliencyDisplay.from_estimator(clf, test, row=clear),
        "saliency_blotted": SaliencyDisplay.from_estimator(clf, test, row=blotted),
    }
    for name, display in displays.items():
        display.figure_.savefig(folder / f"{name}.png", dpi=120)
        plt.close(display.figure_)
    # the diagram takes the page's colours: dark where the reader prefers that
    page = '<!doctype html><meta charset="utf-8"><meta name="color-scheme" content="light dark">'
    (folder / "network.html").write_text(page + clf._repr_html_(), encoding="utf-8")
    print("Saved", ", ".join(sorted(path.name for path in folder.iterdir())), f"to {folder}.")


if __name__ == "__main__":
    main()
