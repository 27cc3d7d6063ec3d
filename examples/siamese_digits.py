"""Siamese networks: do two pictures show the same digit?
======================================================

Both pictures go through one branch (``branches={"right": "left"}`` shares it), and a merge compares
what it makes of them. The pairs that are scored are of pictures that no training pair contains, and
half of them are of the same digit.

``compare`` gives the head the features, their distances and their products; ``symmetric=True``
adds the features up, so that the answer cannot depend on which picture comes first. The last column
is how far the probability moves, on average, when the two are swapped. ``cosine`` leaves the head
with a single number, and is the best of all or the worst: with one `random_state` of ten the head
starts by taking likeness for a sign of difference, and does not learn. Features that can be
negative (``"tanh"``) suit it better than those of ``"relu"``, most of which it lets die.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skmerge import ConvBranch, MergedNetClassifier
from skmerge.merges import Compare

# %%
# Pairs of pictures
# -----------------

digits = load_digits()
seen, unseen = train_test_split(
    np.arange(len(digits.target)), test_size=0.25, stratify=digits.target, random_state=0
)


def make_pairs(rows: np.ndarray, n_pairs: int, seed: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Return pairs of two different pictures among those rows, every second of the same digit."""
    rng = np.random.default_rng(seed)
    left = rng.choice(rows, n_pairs)
    same = np.arange(n_pairs) % 2 == 0
    right = np.empty_like(left)
    for pair, row in enumerate(left):
        wanted = (digits.target[rows] == digits.target[row]) == same[pair]
        right[pair] = rng.choice(rows[wanted & (rows != row)])
    return [digits.images[left], digits.images[right]], np.where(same, "same", "different")


train, y_train = make_pairs(seen, 10_000, seed=0)
test, y_test = make_pairs(unseen, 4_000, seed=1)
figure, axes = plt.subplots(2, 6, figsize=(9, 3.4), layout="constrained")
for side, row in zip(test, axes, strict=True):
    for ax, picture, answer in zip(row, side, y_test, strict=False):
        ax.imshow(picture, cmap="gray_r")
        ax.set_title(answer if side is test[0] else "", fontsize=10)
        ax.set_axis_off()
plt.show()

# %%
# One branch for both
# -------------------
# ``"right": "left"`` is all that it takes.

branch = ConvBranch(units=(64,), activation="tanh", pooling="flatten")
modes = {
    "compare, symmetric": Compare(symmetric=True),
    "compare": Compare(),
    "cosine": "cosine",
    "subtract": "subtract",
    "concat": "concat",
}
for name, merge in modes.items():
    model = MergedNetClassifier(
        merge=merge,
        branches={"left": branch, "right": "left"},
        dropout=0,
        learning_rate=2e-3,
        batch_size=64,
        epochs=5,
        early_stopping=False,
        random_state=0,
    )
    model.fit(train, y_train)
    accuracy = np.mean(model.predict(test) == y_test)
    moved = np.abs(model.predict_proba(test) - model.predict_proba(test[::-1])).mean()
    print(f"{name:<18} accuracy {accuracy:.4f}, moves by {moved:.4f} if swapped", flush=True)
