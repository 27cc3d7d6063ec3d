"""Steady training: further epochs of a network already traced, beside ``Model.fit``.

Both sides train the same network, of the same parameters, on the same arrays; both have trained
for one epoch before, so that neither builds or traces anything.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from _datasets import clothing, emoji
from _plain_keras import compiled, target_of
from _ratios import Row, alternate, per_second, row_of_times

from skmerge import (
    ColumnRouter,
    ConvBranch,
    ImageEncoder,
    MergedNetClassifier,
    MultiInput,
    TextEncoder,
)
from skmerge.network import network_inputs

VOCABULARY = 20_000


def train(quick: bool) -> list[Row]:
    data = clothing()
    n_rows = 512 if quick else len(data.train)
    encoder = TextEncoder(max_tokens=VOCABULARY, min_frequency=1)
    router = ColumnRouter({"title": "drop", "review_text": encoder})
    X = _with_vocabulary(router.fit_transform(data.train[:n_rows]), "review_text")
    y = data.y_train[:n_rows]
    rows = []
    for batch_size, must in ((64, 4), (256, None)):
        work = f"training, text + table, vocabulary 20,000, batches of {batch_size}"
        rows.append(_steady(work, X, y, None, batch_size, 1 if quick else 2, quick, must))
    return rows


def train_pictures(quick: bool) -> list[Row]:
    data = emoji()
    n_rows = 256 if quick else len(data.train)
    drawn = np.random.default_rng(0).permutation(len(data.train))[:n_rows]
    router = ColumnRouter({"image": ImageEncoder(size=64)})
    X = router.fit_transform(data.train.iloc[drawn])
    y = np.unique(data.y_train[drawn], return_inverse=True)[1]
    branches = {"image": ConvBranch(filters=(8, 16), batch_normalization=False)}
    work = "training, name + picture of 64 px + numbers, batches of 64"
    return [_steady(work, X, y, branches, 64, 1 if quick else 3, quick, 1.2)]


def _with_vocabulary(X: MultiInput, name: str) -> MultiInput:
    """Give a text a table of so many ids; the data has fewer words."""
    specs = X.specs | {name: replace(X.specs[name], vocabulary_size=VOCABULARY)}
    return MultiInput(dict(X.items()), specs, X.masks)


def _steady(
    work: str,
    X: MultiInput,
    y: np.ndarray,
    branches: Any,
    batch_size: int,
    epochs: int,
    quick: bool,
    must: float | None,
) -> Row:
    ours = MergedNetClassifier(
        branches=branches,
        batch_size=batch_size,
        epochs=1,
        early_stopping=False,
        normalize_features=False,
        learning_rate=None,
        warm_start=True,
        random_state=0,
    )
    ours.fit(X, y).set_params(epochs=epochs)
    arrays, targets = network_inputs(X), y.astype("float32")[:, np.newaxis]
    network = compiled(X.specs, target_of(y), branches)
    network.fit(arrays, targets, batch_size=batch_size, epochs=1, verbose=0)
    pairs = alternate(
        work,
        lambda: ours.fit(X, y),
        lambda: network.fit(arrays, targets, batch_size=batch_size, epochs=epochs, verbose=0),
        2 if quick else 5,
    )
    detail = per_second(len(y) * epochs, pairs)
    return row_of_times(work, "`Model.fit`, traced before", pairs, must=must, detail=detail)
