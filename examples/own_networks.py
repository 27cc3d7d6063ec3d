"""Networks of your own as branches
================================

Anything made of Keras layers can read an input: a Sequential or a functional model, a class of your
own, a single layer, a body of ``keras.applications``. The estimator never trains your object. It
builds a new one of its configuration for each fit, so that clones, folds and searches cannot see
each other's weights; ``KerasBranch(..., weights="keep")`` copies your weights into it, and
``trainable=False`` leaves them as they are.

Each of these networks reads handwritten digits here, beside a single layer that reads how much ink
is in each row and column. The pretrained one has learned to tell even from odd digits, and its
weights come from a file. The MobileNetV2 is there to show how it is plugged in: its weights are
random and frozen, since the script downloads nothing. For pretrained ones give it the path of a
file, ``MobileNetV2(weights="mobilenet.weights.h5", ...)``, and put ``weights="keep"`` as below.
"""

import tempfile
from pathlib import Path

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skmerge import KerasBranch, MergedNetClassifier

# %%
# What may be a branch
# --------------------

SHAPE = (8, 8, 1)


def sequential() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input(SHAPE),
            layers.Rescaling(1 / 16),
            layers.Conv2D(16, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(32, activation="relu"),
        ]
    )


def functional() -> keras.Model:
    """A model that ends in maps; the branch averages them over height and width."""
    pixels = keras.Input(SHAPE)
    maps = layers.Rescaling(1 / 16)(pixels)
    narrow = layers.Conv2D(16, 3, padding="same", activation="relu")(maps)
    wide = layers.Conv2D(16, 5, padding="same", activation="relu")(maps)
    both = layers.Concatenate()([narrow, wide])
    return keras.Model(pixels, layers.Conv2D(64, 3, activation="relu")(both))


class Columns(keras.Model):
    """A class of your own needs a get_config that returns the arguments of its __init__."""

    def __init__(self, units, **options):
        super().__init__(**options)
        self.units = units
        self.rows = layers.Reshape(SHAPE[:2])
        self.reader = layers.GRU(units)

    def call(self, inputs):
        return self.reader(self.rows(inputs) / 16)

    def get_config(self):
        return super().get_config() | {"units": self.units}


def pretrained(path: Path, pictures: np.ndarray, is_even: np.ndarray) -> keras.Model:
    """A body whose weights come from the file of a training on another task."""
    trainee = keras.Sequential([sequential(), layers.Dense(1, activation="sigmoid")])
    trainee.compile("adam", "binary_crossentropy")
    trainee.fit(pictures, is_even, epochs=10, verbose=0)
    trainee.layers[0].save_weights(path)
    body = sequential()
    body.load_weights(path)
    return body


def mobile_net() -> keras.Model:
    """A body of keras.applications, behind layers that turn a digit into what it reads."""
    pixels = keras.Input(SHAPE)
    large = layers.UpSampling2D(4)(layers.Rescaling(1 / 8, offset=-1)(pixels))
    colored = layers.Concatenate()([large, large, large])
    body = keras.applications.MobileNetV2(
        weights=None, include_top=False, input_shape=(32, 32, 3), alpha=0.35
    )
    return keras.Model(pixels, body(colored))


# %%
# The data, and a body that has learned something
# -----------------------------------------------

keras.utils.set_random_seed(0)  # for the weights that are kept; those of the fits have their own
digits = load_digits()
pictures = digits.images[..., np.newaxis]
ink = np.hstack([digits.images.sum(axis=1), digits.images.sum(axis=2)]) / 64
train, test = train_test_split(np.arange(len(pictures)), test_size=0.25, random_state=0)
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "body.weights.h5"
    body = pretrained(path, pictures[train], digits.target[train] % 2 == 0)

# %%
# Each of them as the branch of the picture
# -----------------------------------------

networks = {
    "Sequential": sequential(),
    "functional": functional(),
    "class of your own": Columns(32),
    "single layer": layers.Flatten(),
    "pretrained, frozen": KerasBranch(body, weights="keep", trainable=False),
    "pretrained, trained on": KerasBranch(body, weights="keep"),
    "MobileNetV2, frozen": KerasBranch(mobile_net(), weights="keep", trainable=False),
}
for name, network in networks.items():
    model = MergedNetClassifier(
        branches={"picture": network, "ink": layers.Dense(16, activation="relu")},
        epochs=10,
        batch_size=32,
        early_stopping=False,
        random_state=0,
    )
    model.fit([pictures[train], ink[train]], digits.target[train])
    accuracy = model.score([pictures[test], ink[test]], digits.target[test])
    branch = model.model_.get_layer("picture")
    trained = sum(int(np.prod(weight.shape)) for weight in branch.trainable_weights)
    print(
        f"{name:<22} accuracy {accuracy:.3f}, {branch.count_params():,} weights in the branch, "
        f"{trained:,} of them trained",
        flush=True,
    )
