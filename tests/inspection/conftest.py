"""A network on a picture, a text and a table that several tests look into."""

import keras
import numpy as np
import pandas as pd
import pytest

from skmerge import (
    ColumnRouter,
    ConvBranch,
    DenseBranch,
    EmbeddingBranch,
    KerasBranch,
    MergedNetClassifier,
    TextEncoder,
)


@pytest.fixture(scope="session")
def articles():
    rng = np.random.default_rng(0)
    n_rows = 60
    words = ["fits", "well", "too", "small", "colour", "lovely", "torn"]
    return pd.DataFrame(
        {
            "photo": list(rng.integers(60, 200, (n_rows, 6, 6, 3), dtype="uint8")),
            "note": [" ".join(rng.permutation(words)[:4]) for _ in range(n_rows)],
            "age": rng.normal(40, 10, n_rows),
            "city": rng.choice(["Rome", "Oslo", "Lima"], n_rows),
            "shade": rng.choice(["red", "blue"], n_rows),
        }
    )


@pytest.fixture(scope="session")
def verdicts(articles):
    return np.random.default_rng(1).choice(["keep", "return", "swap"], len(articles))


@pytest.fixture(scope="session")
def article_router():
    text = TextEncoder(min_frequency=1)
    return ColumnRouter({"photo": "image", "note": text}, remainder="tabular")


@pytest.fixture(scope="session")
def article_net(articles, verdicts, article_router):
    branches = {
        "photo": ConvBranch((4,), (6,), activation="tanh", pooling="average"),
        "note": EmbeddingBranch(5, (6,), activation="tanh"),
        "remainder": DenseBranch((6,), activation="tanh"),
    }
    # smooth throughout, so that differences come near to derivatives
    classifier = MergedNetClassifier(
        "multiply",
        router=article_router,
        branches=branches,
        head=KerasBranch(keras.layers.Dense(6, "tanh")),
        epochs=2,
        random_state=0,
    )
    return classifier.fit(articles, verdicts)
