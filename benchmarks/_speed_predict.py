"""One row at a time, from a DataFrame to its probability.

Beside it, on the same rows and in turns: ``Model.predict`` of the very network, ``model_``, on the
arrays of the row, ready made; and scikit-learn's way, a ColumnTransformer and logistic regression,
on the same DataFrame of one row.
"""

from __future__ import annotations

import gc
import time
from typing import Any

import numpy as np
from _datasets import clothing
from _ratios import Row, duration, progress
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skmerge import MergedNetClassifier
from skmerge.network import network_inputs

TEXTS = ["title", "review_text"]
NUMBERS = ["age", "positive_feedback_count"]
CATEGORIES = ["clothing_id", "division_name", "department_name", "class_name"]
PREDICT, LINEAR = "`Model.predict`, on ready arrays", "TF-IDF, scaler, one-hot, logistic regression"


def one_row(quick: bool) -> list[Row]:
    data = clothing()
    n_rows = 300 if quick else len(data.train)
    # TfidfVectorizer takes no missing texts; all get the same rows
    frame, test = (part.fillna(dict.fromkeys(TEXTS, "")) for part in (data.train, data.test))
    frame, y = frame[:n_rows], data.y_train[:n_rows]
    sides = _sides(frame, y, test, epochs=1 if quick else 2)
    blocks, calls = (2, 20) if quick else (5, 200)
    _call_in_turns(sides, test, range(10))
    seconds = []
    for block in range(blocks):
        rows = range(block * calls, (block + 1) * calls)
        seconds.append(_call_in_turns(sides, test, rows))
        for against in (PREDICT, LINEAR):
            medians = tuple(float(np.median(seconds[-1][side])) for side in ("ours", against))
            progress(f"one row, {against}", block + 1, blocks, medians)
    musts = {PREDICT: {"must": 15}, LINEAR: {"must": 1, "aim": 3}}
    return [
        _row(seconds, against, percentile, must)
        for against, must in musts.items()
        for percentile in (50, 99)
    ]


def _sides(frame: Any, y: np.ndarray, test: Any, epochs: int) -> dict[str, Any]:
    """Return for each side a function of the position of a row, and of the frame of it."""
    ours = MergedNetClassifier(epochs=epochs, batch_size=256, random_state=0).fit(frame, y)
    linear = _linear().fit(frame, y)
    network = ours.model_
    arrays = network_inputs(ours.router_.transform(test))
    same = network.predict(arrays, verbose=0)[:, 0], ours.predict_proba(test)[:, 1]
    np.testing.assert_allclose(*same, atol=1e-5)
    ready = [{name: arrays[name][at : at + 1] for name in arrays} for at in range(len(test))]
    return {
        "ours": lambda at, row: ours.predict_proba(row),
        PREDICT: lambda at, row: network.predict(ready[at], verbose=0),
        LINEAR: lambda at, row: linear.predict_proba(row),
    }


def _linear() -> Any:
    columns = make_column_transformer(
        *((TfidfVectorizer(), text) for text in TEXTS),
        (make_pipeline(SimpleImputer(), StandardScaler()), NUMBERS),
        (OneHotEncoder(handle_unknown="ignore"), CATEGORIES),
    )
    return make_pipeline(columns, LogisticRegression(max_iter=1000))


def _call_in_turns(sides: dict[str, Any], test: Any, rows: range) -> dict[str, list[float]]:
    names = list(sides)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    gc.collect()
    for at in rows:
        row = test.iloc[[at]]
        for turn in range(len(names)):
            name = names[(at + turn) % len(names)]
            began = time.perf_counter()
            sides[name](at, row)
            seconds[name].append(time.perf_counter() - began)
    return seconds


def _row(blocks: list[dict[str, list[float]]], against: str, percentile: int, must: dict) -> Row:
    """Make a row of the ratios of a percentile in each block of calls."""
    ratios = [
        np.percentile(block[against], percentile) / np.percentile(block["ours"], percentile)
        for block in blocks
    ]
    ours, theirs = (
        float(np.percentile(np.concatenate([block[side] for block in blocks]), percentile))
        for side in ("ours", against)
    )
    return Row(
        f"one row of clothing, DataFrame to probability, p{percentile}",
        against,
        float(np.median(ratios)),
        float(min(ratios)),
        float(max(ratios)),
        detail=f"{duration(ours)} against {duration(theirs)}",
        **must,
    )
