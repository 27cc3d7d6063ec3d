"""Encoders on many rows, beside what scikit-learn and Pillow do of the same work."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from _datasets import clothing, emoji, movies
from _ratios import Row, alternate, per_second, row_of_times
from PIL import Image
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import OrdinalEncoder

from skmerge import ImageEncoder, TabularEncoder, TextEncoder


def encode(quick: bool) -> list[Row]:
    return [_texts(quick), _categories(quick), *_pictures(quick)]


def _texts(quick: bool) -> Row:
    data = clothing()
    reviews = pd.concat([data.train["review_text"], data.test["review_text"]])
    reviews = reviews[:1_000] if quick else reviews
    ours = TextEncoder().fit(reviews)
    theirs = TfidfVectorizer().fit(reviews)
    work = "encoding texts, all reviews of clothing"
    against = "`TfidfVectorizer.transform`, words"
    return _encoding(work, against, ours, lambda: theirs.transform(reviews), reviews, quick, 1.5)


def _categories(quick: bool) -> Row:
    n_rows = 2_000 if quick else 100_000
    drawn = clothing().train["clothing_id"].sample(n_rows, replace=True, random_state=0)
    column = drawn.astype(str).reset_index(drop=True).to_frame()
    ours = TabularEncoder({"clothing_id": "category"}, max_categories=None).fit(column)
    theirs = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1).fit(column)
    work = "encoding categories, 100,000 strings, some 1,000 distinct"
    against = "`OrdinalEncoder.transform`"
    return _encoding(work, against, ours, lambda: theirs.transform(column), column, quick)


def _pictures(quick: bool) -> list[Row]:
    tasks = [
        ("decoding pictures, emoji of 64 x 64 px", emoji(), (64, 64)),
        ("decoding pictures, film posters resized to 48 x 32 px", movies(), (48, 32)),
    ]
    rows = []
    for work, data, (height, width) in tasks:
        paths = data.train["image"][: 100 if quick else 2_000]
        ours = ImageEncoder(size=(height, width), color="rgb").fit(paths)

        def loop(paths=paths, size=(width, height)) -> np.ndarray:
            pictures = (Image.open(path).convert("RGB").resize(size) for path in paths)
            return np.stack([np.asarray(picture) for picture in pictures])

        rows.append(_encoding(work, "a loop over `PIL.Image.open`", ours, loop, paths, quick))
    return rows


def _encoding(
    work: str,
    against: str,
    ours: Any,
    theirs: Any,
    cells: Any,
    quick: bool,
    must: float | None = None,
) -> Row:
    ours.transform(cells[:10])  # threads and caches of modules
    pairs = alternate(work, lambda: ours.transform(cells), theirs, 2 if quick else 9)
    detail = per_second(len(cells), pairs)
    return row_of_times(work, against, pairs, must=must, detail=detail)
