"""The real data sets of the measurements, each as a frame, a target and a split.

They lie beside the project, or in the folder that the environment variable SKMERGE_SHARED_DATA
names; they are not part of it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.preprocessing import MultiLabelBinarizer

ROOT = Path(os.environ.get("SKMERGE_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))


@dataclass
class Dataset:
    """One task: rows to train on, rows to test on, and what the best known reference reaches."""

    name: str
    metric: str
    reference: str
    train: pd.DataFrame
    y_train: np.ndarray
    test: pd.DataFrame
    y_test: np.ndarray


def _read(name: str, file: str = "data.csv") -> pd.DataFrame:
    return pd.read_csv(ROOT / name / file)


def _split(name: str, metric: str, reference: str, frame: pd.DataFrame, features, y) -> Dataset:
    frame = frame.reset_index(drop=True)
    is_train = (frame["split"] == "train").to_numpy()
    X = frame[features]
    return Dataset(name, metric, reference, X[is_train], y[is_train], X[~is_train], y[~is_train])


def clothing() -> Dataset:
    frame = _read("clothing", "data.csv.gz")
    features = [c for c in frame.columns if c not in ("rating", "recommended", "split")]
    y = frame["recommended"].to_numpy()
    return _split("clothing, recommended", "roc_auc", "stack .957", frame, features, y)


def clothing_rating() -> Dataset:
    frame = _read("clothing", "data.csv.gz")
    features = [c for c in frame.columns if c not in ("rating", "recommended", "split")]
    y = frame["rating"].to_numpy(float)
    return _split("clothing, rating", "r2", "stack .603", frame, features, y)


def clothing_classes() -> Dataset:
    frame = _read("clothing", "data.csv.gz")
    features = [c for c in frame.columns if c not in ("rating", "recommended", "split")]
    y = frame["rating"].to_numpy()
    return _split("clothing, rating as 5 classes", "roc_auc_ovr", "stack .876", frame, features, y)


def houses() -> Dataset:
    frame = _read("houses")
    for column in frame.columns[frame.columns.str.startswith("img_")]:
        frame[column] = [str(ROOT / "houses" / path) for path in frame[column]]
    frame["zipcode"] = frame["zipcode"].astype("category")
    features = [c for c in frame.columns if c not in ("house_id", "price", "split")]
    y = np.log10(frame["price"].to_numpy(float))
    return _split("houses, log10 price", "r2", "stack .712", frame, features, y)


def easy_vqa() -> Dataset:
    frame = _read("easy_vqa")
    frame["image"] = [str(ROOT / "easy_vqa" / path) for path in frame["image"]]
    y = frame["answer"].to_numpy(object)
    features = ["image", "question"]
    return _split("easy_vqa, answer", "accuracy", "stack .769", frame, features, y)


def movies() -> Dataset:
    frame = _read("movies")
    frame["image"] = [str(ROOT / "movies" / path) for path in frame["image"]]
    numbers = ["runtime", "release_year", "release_month", "budget_adj", "revenue_adj"]
    features = ["title", "overview", "image", *numbers, "popularity", "vote_count", "vote_average"]
    y = MultiLabelBinarizer().fit_transform(frame["genres"].str.split("|"))
    return _split("movies, genres", "average_precision", "stack .613", frame, features, y)


def movies_vote() -> Dataset:
    frame, genres = _read("movies"), movies()
    # keywords nearly name the genres, but not the votes
    y = frame["vote_average"].to_numpy(float)
    frame["image"] = [str(ROOT / "movies" / path) for path in frame["image"]]
    features = [column for column in genres.train if column != "vote_average"]
    features += ["tagline", "keywords"]
    return _split("movies, vote average", "r2", "stack .389", frame, features, y)


def emoji() -> Dataset:
    frame = _read("emoji")
    frame["image"] = [str(ROOT / "emoji" / path) for path in frame["image"]]
    numbers = ["n_codepoints", "emoji_version", "unicode_version", "skin_tone_support"]
    y = frame["group"].to_numpy(object)
    return _split("emoji, group", "accuracy", "stack .728", frame, ["name", "image", *numbers], y)


DATASETS = {
    "clothing": clothing,
    "clothing_rating": clothing_rating,
    "houses": houses,
    "easy_vqa": easy_vqa,
    "movies": movies,
    "emoji": emoji,
}
