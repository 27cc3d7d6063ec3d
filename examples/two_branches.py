"""The two-branch snippet of early Keras
=====================================

Early Keras had a layer ``Merge`` that joined two Sequential models::

    left = Sequential()
    left.add(Dense(32, input_dim=32, activation="relu"))
    right = Sequential()
    right.add(Dense(32, input_dim=32, activation="relu"))
    model = Sequential()
    model.add(Merge([left, right], mode="concat"))
    model.add(Dense(10, activation="softmax"))
    model.compile(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["accuracy"])
    model.fit([x_left, x_right], y, epochs=20)

Here are the same lines today: ``left`` and ``right`` are models of your own, built fresh for each
fit, and the network around them is a scikit-learn estimator. The two inputs are the left and the
right half of a handwritten digit.
"""

import keras
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skmerge import MergedNetClassifier

digits = load_digits()
pictures = digits.images / 16
x_left = pictures[:, :, :4].reshape(len(pictures), 32)
x_right = pictures[:, :, 4:].reshape(len(pictures), 32)
train, test = train_test_split(range(len(pictures)), test_size=0.25, random_state=0)

# %%
# The snippet
# -----------
# All modes of the old ``Merge``, by the names that they had.

left = keras.Sequential([keras.Input((32,)), keras.layers.Dense(32, activation="relu")])
right = keras.Sequential([keras.Input((32,)), keras.layers.Dense(32, activation="relu")])

for mode in ["concat", "sum", "mul", "ave", "max", "dot", "cos"]:
    model = MergedNetClassifier(
        merge=mode,
        branches={"left": left, "right": right},
        head=None,
        dropout=0,
        optimizer="rmsprop",
        loss="categorical_crossentropy",
        metrics=["accuracy"],
        epochs=20,
        batch_size=32,
        early_stopping=False,
        random_state=0,
    )
    model.fit([x_left[train], x_right[train]], digits.target[train])
    accuracy = model.score([x_left[test], x_right[test]], digits.target[test])
    print(f"{mode:<7} accuracy {accuracy:.3f}, {model.model_.count_params():,} parameters")
