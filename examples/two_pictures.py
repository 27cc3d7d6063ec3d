"""Two pictures of one thing
=========================

A thing is seen from the top and from the bottom. Both pictures go through convolutions and are
merged before the classification. The question is whether they should go through the same ones:
``branches={"bottom": "top"}`` lets the second input share the weights of the first, which halves
them and shows them twice as many pictures.

The things are boxes with a drawing on each side, on paper of any colour, and the class is which
drawings they are: a ring over a cross is not the same as a cross over a ring. The top alone is
right in a quarter of the cases at best, and so is little more than half of the answers of a merge
that forgets which side is which: ``sum``, once the weights are shared.
"""

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image, ImageDraw
from sklearn.model_selection import train_test_split

from skmerge import ConvBranch, MergedNetClassifier

# %%
# Boxes with a drawing on each side
# ---------------------------------

SIZE = 24
DRAWINGS = ["cross", "disc", "ring", "stripes"]


def draw(drawing: str, rng: np.random.Generator) -> np.ndarray:
    """Return a picture of 24 x 24 pixels: a drawing of any colour, place and size on paper."""
    paper, ink = (tuple(int(value) for value in rng.integers(0, 256, 3)) for _ in range(2))
    picture = Image.new("RGB", (SIZE, SIZE), paper)
    side = int(rng.integers(11, 18))
    left, top = (int(value) for value in rng.integers(1, SIZE - side - 1, 2))
    right, bottom, middle = left + side, top + side, (left + side // 2, top + side // 2)
    pencil = ImageDraw.Draw(picture)
    if drawing == "cross":
        pencil.line([(left, middle[1]), (right, middle[1])], fill=ink, width=4)
        pencil.line([(middle[0], top), (middle[0], bottom)], fill=ink, width=4)
    elif drawing == "stripes":
        for x in range(left, right, 5):
            pencil.line([(x, top), (x, bottom)], fill=ink, width=2)
    else:
        fill = ink if drawing == "disc" else None
        pencil.ellipse((left, top, right, bottom), fill=fill, outline=ink, width=3)
    noisy = np.asarray(picture) + rng.normal(0, 10, (SIZE, SIZE, 3))
    return noisy.clip(0, 255).astype("uint8")


def make_boxes(n_rows: int, seed: int = 0) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return the pictures of both sides of boxes, and their classes."""
    rng = np.random.default_rng(seed)
    sides = rng.choice(DRAWINGS, (n_rows, 2))
    pictures = {
        name: np.stack([draw(drawing, rng) for drawing in sides[:, position]])
        for position, name in enumerate(["top", "bottom"])
    }
    return pictures, np.array([f"{top} over {bottom}" for top, bottom in sides])


pictures, y = make_boxes(1600)
figure, axes = plt.subplots(2, 6, figsize=(9, 3.2), layout="constrained")
for side, row in zip(["top", "bottom"], axes, strict=True):
    for ax, picture, title in zip(row, pictures[side], y, strict=False):
        ax.imshow(picture)
        ax.set_title(title if side == "top" else "", fontsize=10)
        ax.set_axis_off()
plt.show()

# %%
# Weights of its own, or shared
# -----------------------------

train, test = train_test_split(np.arange(len(y)), test_size=0.5, random_state=0)


def report(name: str, branches: dict, merge: str = "concat") -> None:
    """Fit, and print the accuracy on boxes not seen, and how many weights the branches have."""
    model = MergedNetClassifier(
        merge=merge,
        branches=branches,
        epochs=30,
        batch_size=32,
        learning_rate=3e-3,
        early_stopping=False,
        random_state=0,
    )
    model.fit([pictures[side][train] for side in branches], y[train])
    accuracy = model.score([pictures[side][test] for side in branches], y[test])
    print(f"{name:<22} accuracy {accuracy:.3f}, {model.model_.count_params():,} parameters")


conv = ConvBranch(filters=(16, 32), units=(32,))
report("top alone", {"top": conv})
report("own weights", {"top": conv, "bottom": conv})
report("shared weights", {"top": conv, "bottom": "top"})
report("shared weights, sum", {"top": conv, "bottom": "top"}, "sum")
