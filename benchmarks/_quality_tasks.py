"""What is predicted on which real data, and what the columns hold.

Leaves: `TASKS`, which map a name on the command line to a `Task`. Baselines are told what a column
holds; skmerge and skrub find out for themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from _datasets import (
    Dataset,
    clothing,
    clothing_classes,
    clothing_rating,
    easy_vqa,
    emoji,
    houses,
    movies,
    movies_vote,
)


@dataclass(frozen=True)
class Task:
    """One data set and target, the names of its metrics, the main one first, and its columns.

    ``kind`` is what the targets are: "numbers", "classes" or "labels", several to a row. Columns
    that are none of those named are numbers.
    """

    load: Callable[[], Dataset]
    metrics: tuple[str, ...]
    kind: str = "classes"
    texts: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    def numbers(self, frame: pd.DataFrame) -> list[str]:
        named = {*self.texts, *self.pictures, *self.categories}
        return [column for column in frame if column not in named]

    def has_table(self, frame: pd.DataFrame) -> bool:
        return bool(self.categories or self.numbers(frame))


def _of_clothing(load: Callable[[], Dataset], *metrics: str, kind: str = "classes") -> Task:
    categories = ("clothing_id", "division_name", "department_name", "class_name")
    return Task(load, metrics, kind, texts=("title", "review_text"), categories=categories)


def _of_movies(load: Callable[[], Dataset], metric: str, kind: str, *texts: str) -> Task:
    return Task(load, (metric,), kind, texts=("title", "overview", *texts), pictures=("image",))


TASKS = {
    "clothing": _of_clothing(clothing, "ROC AUC", "PR-AUC"),
    "clothing_rating": _of_clothing(clothing_rating, "R2", kind="numbers"),
    "clothing_classes": _of_clothing(clothing_classes, "macro AUC"),
    "houses": Task(
        houses,
        ("R2",),
        "numbers",
        pictures=("img_frontal", "img_bedroom", "img_bathroom", "img_kitchen"),
        categories=("zipcode",),
    ),
    "movies": _of_movies(movies, "macro AP", "labels"),
    "movies_vote": _of_movies(movies_vote, "R2", "numbers", "tagline", "keywords"),
    "emoji": Task(emoji, ("accuracy",), texts=("name",), pictures=("image",)),
    "easy_vqa": Task(easy_vqa, ("accuracy",), texts=("question",), pictures=("image",)),
}
