"""Real frames, as they are read from disk, through fit, predict, pickle, clone and folds."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MultiLabelBinarizer

from skmerge import ColumnRouter, ImageEncoder, MergedNetClassifier, MergedNetRegressor

pytestmark = [pytest.mark.shared_data, pytest.mark.slow]

N_ROWS = 120
QUICK = {"epochs": 2, "head": (16,), "random_state": 0}


def read(folder, file="data.csv"):
    return pd.read_csv(folder / file, nrows=4 * N_ROWS).sample(N_ROWS, random_state=0)


def clothing(folder):
    frame = read(folder / "clothing", "data.csv.gz")
    return frame.drop(columns=["rating", "recommended", "split"]), frame["recommended"]


def houses(folder):
    frame = read(folder / "houses")
    return frame.drop(columns=["house_id", "price", "split"]), np.log10(frame["price"])


def easy_vqa(folder):
    frame = read(folder / "easy_vqa")
    return frame[["image", "question"]], frame["answer"].isin(["yes", "no"])


def movies(folder):
    frame = read(folder / "movies")
    genres = MultiLabelBinarizer().fit_transform(frame["genres"].str.split("|"))
    return frame.drop(columns=["imdb_id", "genres", "split", "tagline", "keywords"]), genres


def emoji(folder):
    frame = read(folder / "emoji")
    return frame[["name", "image", "n_codepoints", "emoji_version"]], frame["skin_tone_support"]


KINDS = {
    clothing: {"tabular": "tabular", "title": "text", "review_text": "text"},
    houses: {
        "tabular": "tabular",
        **{f"img_{room}": "image" for room in ("frontal", "bedroom", "bathroom", "kitchen")},
    },
    easy_vqa: {"image": "image", "question": "text"},
    movies: {
        "tabular": "tabular",
        "title": "text",
        "overview": "text",
        "image": "image",
        "director": "text",
        "company": "text",
    },
    emoji: {"tabular": "tabular", "name": "text", "image": "image"},
}


def router_for(X, folder):
    """Paths in the files start at the folder of their data set; pictures are kept small."""
    pictures = [name for name in X if name.startswith("im")]
    return ColumnRouter({name: ImageEncoder(size=8, root=str(folder)) for name in pictures})


@pytest.mark.parametrize("dataset", list(KINDS), ids=lambda dataset: dataset.__name__)
def test_a_real_frame_needs_no_preparation(dataset, shared_data):
    X, y = dataset(shared_data)
    make = MergedNetRegressor if dataset is houses else MergedNetClassifier
    router = router_for(X, shared_data / dataset.__name__)
    estimator = make(router=router, **QUICK).fit(X, y)
    assert {name: spec.kind for name, spec in estimator.specs_.items()} == KINDS[dataset]

    predicted = estimator.predict(X)
    assert len(predicted) == N_ROWS
    copy = pickle.loads(pickle.dumps(estimator))
    np.testing.assert_array_equal(copy.predict(X), predicted)
    folds = cross_val_predict(clone(estimator).set_params(epochs=1), X, y, cv=2)
    assert folds.shape == predicted.shape


def test_reviews_are_told_apart_beyond_what_the_table_knows(shared_data):
    frame = pd.read_csv(shared_data / "clothing" / "data.csv.gz", nrows=3000)
    X, y = frame.drop(columns=["rating", "recommended", "split"]), frame["recommended"]
    classifier = MergedNetClassifier(epochs=8, random_state=0).fit(X[:2400], y[:2400])
    scores = classifier.predict_proba(X[2400:])[:, 1]
    assert roc_auc_score(y[2400:], scores) > 0.85


def test_a_search_over_merges_on_reviews(shared_data):
    X, y = clothing(shared_data)
    pipeline = make_pipeline(ColumnRouter(), MergedNetClassifier(**QUICK))
    grid = {"mergednetclassifier__merge": ["concat", "multiply"]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
