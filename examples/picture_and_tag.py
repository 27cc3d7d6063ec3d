"""A picture and a tag
===================

The question is an old one: a network for pictures and a network for words are to become one
classifier::

    IMAGE -> Conv -> MaxPool -> Conv -> MaxPool -> Dense --+
                                                           merge -> Dense -> class
    TAG   -> Embedding -> Dense ---------------------------+

Here a picture is a drawn thing, seen as nothing but its outline, and the tag a word that somebody
gave it. An orange and a ball look alike, and so do toast and a book, a slice of pizza and a tent;
"sweet" may be any of the foods, "new" any of the others. So the picture alone is right in half of
the cases at best, the tag alone in a third, and both together nearly always.

Which merge is best depends on the question. Here the outline and the use each rule out some of the
things, whatever the other says, and it is enough to add that up: ``concat`` and ``sum`` learn it
soon, while a product of the features, which is worth its price where the two must be compared (as
in ``quickstart.py``), is still guessing after as many epochs.
"""

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image, ImageDraw
from sklearn.model_selection import train_test_split

from skmerge import ConvBranch, EmbeddingBranch, MergedNetClassifier

# %%
# Things, drawn and tagged
# ------------------------

SIZE = 24
THINGS = {
    ("round", "food"): "orange",
    ("round", "other"): "ball",
    ("square", "food"): "toast",
    ("square", "other"): "book",
    ("pointed", "food"): "pizza",
    ("pointed", "other"): "tent",
}
TAGS = {
    "food": ["sweet", "fresh", "tasty", "lunch", "ripe", "homemade"],
    "other": ["new", "outdoors", "gift", "used", "holiday", "hobby"],
}


def draw(outline: str, rng: np.random.Generator) -> np.ndarray:
    """Return a picture of 24 x 24 pixels: a form of any colour, place and size, and some noise."""
    background, color = (tuple(int(value) for value in rng.integers(0, 256, 3)) for _ in range(2))
    picture = Image.new("RGB", (SIZE, SIZE), background)
    side = int(rng.integers(9, 18))
    left, top = (int(value) for value in rng.integers(1, SIZE - side - 1, 2))
    box = (left, top, left + side, top + side)
    pencil = ImageDraw.Draw(picture)
    if outline == "round":
        pencil.ellipse(box, fill=color)
    elif outline == "square":
        pencil.rectangle(box, fill=color)
    else:
        pencil.polygon(
            [(left + side // 2, top), (left, top + side), (left + side, top + side)], fill=color
        )
    noisy = np.asarray(picture) + rng.normal(0, 10, (SIZE, SIZE, 3))
    return noisy.clip(0, 255).astype("uint8")


def make_things(n_rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return pictures, a tag for each, and what they show."""
    rng = np.random.default_rng(seed)
    kinds = [list(THINGS)[position] for position in rng.integers(0, len(THINGS), n_rows)]
    pictures = np.stack([draw(outline, rng) for outline, _ in kinds])
    tags = np.array([rng.choice(TAGS[use]) for _, use in kinds])
    return pictures, tags, np.array([THINGS[kind] for kind in kinds])


x_image, x_word, y = make_things(1500)
figure, axes = plt.subplots(1, 6, figsize=(9, 1.9), layout="constrained")
for ax, picture, tag, thing in zip(axes, x_image, x_word, y, strict=False):
    ax.imshow(picture)
    ax.set_title(f"“{tag}”\n{thing}", fontsize=10)
    ax.set_axis_off()
plt.show()

# %%
# The picture, the tag, and both
# ------------------------------
# Arrays need no DataFrame: ``fit`` takes a list of them, in the order of `branches`.

train, test = train_test_split(np.arange(len(y)), test_size=0.25, random_state=0)
inputs = {"image": x_image, "word": x_word}
branches = {
    "image": ConvBranch(filters=(16, 32), units=(32,)),
    "word": EmbeddingBranch(embedding_dim=8, units=(32,)),
}


def report(name: str, used: list[str], merge: str = "concat") -> None:
    """Fit on those inputs, and print how well it does on things it has not seen."""
    model = MergedNetClassifier(
        merge=merge,
        branches={input_name: branches[input_name] for input_name in used},
        epochs=20,
        batch_size=32,
        learning_rate=3e-3,
        early_stopping=False,
        random_state=0,
    )
    model.fit([inputs[input_name][train] for input_name in used], y[train])
    accuracy = model.score([inputs[input_name][test] for input_name in used], y[test])
    print(f"{name:<18} accuracy {accuracy:.3f}, {model.model_.count_params():,} parameters")


report("picture alone", ["image"])
report("tag alone", ["word"])
for mode in ["concat", "sum", "multiply"]:
    report(f"both, {mode}", ["image", "word"], mode)
