"""The alternatives: the same networks in plain Keras, and in scikeras as its documents show.

scikeras wants one matrix; inputs of several kinds go side by side into its columns, and a feature
encoder, which a subclass may name, lays them apart again for the network.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import ClassifierTags

from skmerge import MultiInput, TargetSpec, build_network
from skmerge.network import network_inputs

#: the estimators' own defaults, which `build_network` does not share
HEAD = (64,)
DROPOUT = 0.2


@dataclass(frozen=True)
class SideBySide:
    """Where each input of a network lies in one matrix: name, shape of a row, dtype."""

    layout: tuple[tuple[str, tuple[int, ...], str], ...]

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray]) -> SideBySide:
        return cls(
            tuple((name, array.shape[1:], str(array.dtype)) for name, array in arrays.items())
        )

    def join(self, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return a float32 matrix, which holds ids below 2**24 exactly."""
        parts = [arrays[name].reshape(len(arrays[name]), -1) for name, _, _ in self.layout]
        return np.hstack([part.astype(np.float32) for part in parts])

    def split(self, matrix: np.ndarray) -> dict[str, np.ndarray]:
        arrays, first = {}, 0
        for name, shape, dtype in self.layout:
            last = first + math.prod(shape)
            arrays[name] = matrix[:, first:last].reshape(-1, *shape).astype(dtype)
            first = last
        return arrays


def target_of(y: np.ndarray) -> TargetSpec:
    """Describe labels 0, 1, ... as the estimators do."""
    n_classes = int(y.max()) + 1
    return TargetSpec("binary", 1) if n_classes == 2 else TargetSpec("multiclass", n_classes)


def compiled(specs: Any, target: TargetSpec, branches: Any = None, merge: Any = "concat") -> Any:
    """Build and compile the network that an estimator with these parameters trains."""
    network = build_network(specs, branches, merge, HEAD, target, dropout=DROPOUT)
    network.compile(optimizer="adam", loss=target.loss, metrics=["accuracy"])
    return network


def scikeras_classifier(
    X: MultiInput, y: np.ndarray, *, branches: Any = None, epochs: int, batch_size: int
) -> tuple[Any, np.ndarray]:
    """Return scikeras's classifier of the same networks, and the matrix it reads for X.

    The merge is its parameter ``model__merge``.
    """
    from scikeras.wrappers import KerasClassifier

    arrays = network_inputs(X)
    lying = SideBySide.of(arrays)
    specs, target = X.specs, target_of(y)

    class InputsClassifier(KerasClassifier):
        @property
        def feature_encoder(self) -> FunctionTransformer:
            return FunctionTransformer(lying.split)

        def __sklearn_tags__(self) -> Any:
            # without it scikit-learn takes it for no classifier, and ROC AUC is refused
            tags = super().__sklearn_tags__()
            tags.estimator_type = "classifier"
            tags.classifier_tags = ClassifierTags()
            return tags

    def build(merge: Any) -> Any:
        return compiled(specs, target, branches, merge)

    classifier = InputsClassifier(
        model=build, model__merge="concat", epochs=epochs, batch_size=batch_size, verbose=0
    )
    return classifier, lying.join(arrays)


def warm_up() -> None:
    """Load TensorFlow, Keras and scikeras, and train networks unlike all that are measured."""
    import keras
    import scikeras.wrappers  # noqa: F401 (loading it is the purpose)

    from skmerge import MergedNetClassifier

    # Keras traces anew in each fit of the alternatives, and TensorFlow warns each time
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    keras.utils.set_random_seed(0)
    X, y = np.random.default_rng(0).normal(size=(16, 3)).astype("float32"), np.arange(16) % 2
    MergedNetClassifier(head=(3,), epochs=1, random_state=0).fit(X, y).predict_proba(X)
    network = keras.Sequential([keras.layers.Dense(1, activation="sigmoid")])
    network.compile(loss="binary_crossentropy")
    network.fit(X, y, verbose=0)
    network.predict(X, verbose=0)
