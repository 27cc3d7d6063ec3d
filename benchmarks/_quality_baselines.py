"""What takes a few lines with scikit-learn and skrub: the contenders that skmerge must beat.

Enters: a `Task` and its training rows. Leaves: unfitted estimators by name, all of which are fitted
on the DataFrame and the targets as skmerge is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from _quality_scores import outputs
from _quality_tasks import Task
from PIL import Image
from scipy.special import logit
from sklearn.base import BaseEstimator, clone
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)
from sklearn.utils.metaestimators import available_if

PIXELS = 24
COMPONENTS = 150
N_FOLDS = 5

LINEAR, TEXT, BOOSTING, PICTURE = "linear", "TF-IDF", "gradient boosting", "picture"
STACK, SKRUB = "stack", "skrub tabular_pipeline"


def baselines(task: Task, frame: pd.DataFrame) -> dict[str, Any]:
    """Return the contenders that the columns allow, unfitted, by name."""
    made = members(task, frame)
    if task.has_table(frame):
        name = f"{TEXT} + {LINEAR}" if task.texts else LINEAR
        made = {name: linear_baseline(task, frame), **made}
    if len(members(task, frame)) > 1:
        made[STACK] = Stack(members(task, frame), linear_model(task))
    if (pipeline := skrub_pipeline(task, frame)) is not None:
        made[SKRUB] = pipeline
    return made


def members(task: Task, frame: pd.DataFrame) -> dict[str, Any]:
    """Return the models of the text, the table and the pictures, where there are any."""
    made: dict[str, Any] = {}
    if task.texts:
        made[TEXT] = make_pipeline(tfidf(task), linear_model(task))
    if task.has_table(frame):
        made[BOOSTING] = boosting(task, frame)
    if task.pictures:
        reader = FunctionTransformer(read_pixels, kw_args={"columns": task.pictures})
        components = PCA(COMPONENTS, random_state=0)
        made[PICTURE] = make_pipeline(reader, components, linear_model(task, alpha=100, C=0.1))
    return made


def linear_model(task: Task, *, alpha: float = 1.0, C: float = 1.0) -> Any:
    if task.kind == "numbers":
        return Ridge(alpha)
    logistic = LogisticRegression(C=C, max_iter=2000)
    return OneVsRestClassifier(logistic) if task.kind == "labels" else logistic


def linear_baseline(task: Task, frame: pd.DataFrame) -> Any:
    """Return a linear model on TF-IDF, one-hot categories and standardised numbers."""
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    parts = [
        ("categories", OneHotEncoder(handle_unknown="ignore"), list(task.categories)),
        ("numbers", numbers, task.numbers(frame)),
    ]
    if task.texts:
        parts.append(("texts", tfidf(task), list(task.texts)))
    return make_pipeline(ColumnTransformer(parts), linear_model(task))


def tfidf(task: Task) -> Any:
    joiner = FunctionTransformer(join_texts, kw_args={"columns": task.texts})
    return make_pipeline(joiner, TfidfVectorizer(ngram_range=(1, 2)))


def boosting(task: Task, frame: pd.DataFrame) -> Any:
    # gradient boosting takes at most 255 categories of a column
    codes = OrdinalEncoder(
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,
        encoded_missing_value=np.nan,
        max_categories=254,
    )
    categories = list(task.categories)
    table = ColumnTransformer(
        [("categories", codes, categories), ("numbers", "passthrough", task.numbers(frame))]
    )
    return make_pipeline(table, boosted_trees(task, list(range(len(categories)))))


def boosted_trees(task: Task, categorical_features: Any = "from_dtype") -> Any:
    make = HistGradientBoostingClassifier
    if task.kind == "numbers":
        make = HistGradientBoostingRegressor
    trees = make(categorical_features=categorical_features, random_state=0)
    return OneVsRestClassifier(trees) if task.kind == "labels" else trees


def skrub_pipeline(task: Task, frame: pd.DataFrame) -> Any | None:
    """Return skrub's pipeline for gradient boosting; None where it is not there or lacks columns.

    It reads no pictures, and gets the other columns.
    """
    try:
        from skrub import tabular_pipeline
    except ImportError:
        print("skrub cannot be imported: left out. `pip install skrub` adds it.", flush=True)
        return None
    columns = [column for column in frame if column not in task.pictures]
    pipeline = tabular_pipeline(boosted_trees(task))
    seeds = {name: 0 for name in pipeline.get_params() if name.endswith("random_state")}
    chooser = FunctionTransformer(choose_columns, kw_args={"columns": columns})
    return make_pipeline(chooser, *pipeline.set_params(**seeds)) if columns else None


def join_texts(frame: pd.DataFrame, columns: Any) -> list[str]:
    texts = frame[list(columns)].fillna("").astype(str)
    return [" ".join(row) for row in texts.to_numpy()]


def choose_columns(frame: pd.DataFrame, columns: Any) -> pd.DataFrame:
    return frame[list(columns)]


def read_pixels(frame: pd.DataFrame, columns: Any) -> np.ndarray:
    """Return the pixels of pictures of 24 x 24 pixels, side by side, each number 0 to 1."""
    read = [_read_column(frame[column]) for column in columns]
    return np.concatenate(read, axis=1)


def _read_column(paths: pd.Series) -> np.ndarray:
    codes, different = pd.factorize(paths)
    pixels = np.empty((len(different), PIXELS * PIXELS * 3), dtype="float32")
    for position, path in enumerate(different):
        with Image.open(path) as picture:
            pixels[position] = np.asarray(picture.convert("RGB").resize((PIXELS, PIXELS))).ravel()
    return pixels[codes] / 255


class Stack(BaseEstimator):
    """A linear model on what others predict of rows that they were not fitted on.

    The others' predictions are numbers, or log-odds of each class or label; of two classes only
    those of the second.

    Parameters
    ----------
    members : dict of str to estimator
        The others.
    final : estimator
        The linear model.
    """

    def __init__(self, members: dict[str, Any], final: Any) -> None:
        self.members = members
        self.final = final

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> Stack:
        """Predict each fold by members fitted on the others; fit the linear model, and all again.

        Parameters
        ----------
        X : DataFrame
            Training rows.
        y : ndarray of shape (n_samples,) or (n_samples, n_labels)
            Their targets.

        Returns
        -------
        Stack
            This estimator.
        """
        method = "predict_proba" if hasattr(self.final, "predict_proba") else "predict"
        of_classes = method == "predict_proba" and y.ndim == 1
        folds = (StratifiedKFold if of_classes else KFold)(N_FOLDS, shuffle=True, random_state=0)
        held_out = [
            as_features(cross_val_predict(member, X, y, cv=folds, method=method), y.ndim == 2)
            for member in self.members.values()
        ]
        self.several_labels_ = y.ndim == 2
        self.final_ = make_pipeline(StandardScaler(), clone(self.final))
        self.final_.fit(np.concatenate(held_out, axis=1), y)
        self.members_ = {name: clone(member).fit(X, y) for name, member in self.members.items()}
        if method == "predict_proba":
            self.classes_ = self.final_.classes_
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Predict the number, or the class.

        Parameters
        ----------
        X : DataFrame
            The rows.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels)
            The predictions.
        """
        return self.final_.predict(self._features(X))

    @available_if(lambda self: hasattr(self.final, "predict_proba"))
    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Predict the probability of each class, or of each label.

        Parameters
        ----------
        X : DataFrame
            The rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes) or (n_samples, n_labels)
            The probabilities.
        """
        return self.final_.predict_proba(self._features(X))

    def _features(self, X: pd.DataFrame) -> np.ndarray:
        predicted = [outputs(member, X) for member in self.members_.values()]
        return np.concatenate(
            [as_features(array, self.several_labels_) for array in predicted], axis=1
        )


def as_features(predicted: np.ndarray, several_labels: bool) -> np.ndarray:
    """Return numbers as they are, probabilities as log-odds, those of two classes once."""
    if predicted.ndim == 1:
        return predicted[:, None]
    if predicted.shape[1] == 2 and not several_labels:
        predicted = predicted[:, 1:]
    return logit(np.clip(predicted, 1e-6, 1 - 1e-6))
