"""DataFrames of polars and tables of pyarrow: the same results as the same rows in pandas."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline

from skmerge import ColumnRouter, ImageEncoder, MergedNetClassifier, MergedNetRegressor

SMALL = {"epochs": 1, "early_stopping": False, "head": (4,), "random_state": 0}


def polars_frame(frame):
    return pytest.importorskip("polars").from_pandas(frame)


def arrow_table(frame):
    return pytest.importorskip("pyarrow").Table.from_pandas(frame, preserve_index=False)


@pytest.fixture(params=[polars_frame, arrow_table])
def convert(request):
    return request.param


@pytest.fixture
def rows(frame):
    """Columns that all three libraries hold, with missing cells of each kind."""
    rows = frame.drop(columns=["photo", "scan"]).reset_index(drop=True)
    rows["size"] = pd.array([None, 3, *range(len(rows) - 2)], dtype="Int64")
    rows["grade"] = pd.Categorical(["low", None, *["high"] * (len(rows) - 2)])
    return rows


def test_rows_are_routed_alike(rows, convert):
    ours, theirs = (ColumnRouter().fit(X) for X in (rows, convert(rows)))
    routed, also = ours.transform(rows), theirs.transform(convert(rows))
    assert list(routed) == list(also)
    for name in routed:
        assert_array_equal(routed[name], also[name])
    assert repr(ours) == repr(theirs)


def test_a_fit_on_either_predicts_the_same_of_both(rows, convert):
    labels = np.arange(len(rows)) % 2
    plain, other = (MergedNetClassifier(**SMALL).fit(X, labels) for X in (rows, convert(rows)))
    expected = plain.predict_proba(rows)
    for estimator in (plain, other):
        for X in (rows, convert(rows)):
            assert_array_equal(estimator.predict_proba(X), expected)


def test_targets_of_either_are_read(rows, convert):
    numbers = pd.DataFrame({"y": np.arange(len(rows)) / 7})
    frame = rows[["age", "city"]]
    y = convert(numbers)["y"]
    other = MergedNetRegressor(**SMALL).fit(convert(frame), y)
    plain = MergedNetRegressor(**SMALL).fit(frame, numbers["y"])
    assert_array_equal(other.predict(convert(frame)), plain.predict(frame))


def test_scikit_learn_splits_either(rows, convert):
    labels = np.arange(len(rows)) % 2
    pipeline = make_pipeline(ColumnRouter(), MergedNetClassifier(**SMALL))
    scores = [
        cross_val_score(pipeline, X, labels, cv=2, scoring="neg_log_loss")
        for X in (rows, convert(rows))
    ]
    assert_array_equal(*scores)
    grid = {"mergednetclassifier__merge": ["sum", "concat"]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(convert(rows), labels)
    assert len(search.predict(convert(rows))) == len(rows)


def test_rows_are_held_out_of_either(rows, convert):
    labels = np.arange(len(rows)) % 2
    params = {**SMALL, "early_stopping": True, "epochs": 2}
    scores = [
        MergedNetClassifier(**params).fit(X, labels).validation_scores_
        for X in (rows, convert(rows))
    ]
    assert scores[0] == scores[1]


def test_pictures_in_cells_of_bytes_are_read(convert, picture_bytes):
    frame = pd.DataFrame({"photo": picture_bytes, "age": np.arange(float(len(picture_bytes)))})
    router = ColumnRouter({"photo": ImageEncoder(size=4)})
    plain, other = (router.fit_transform(X)["photo"] for X in (frame, convert(frame)))
    assert_array_equal(plain, other)
    assert plain.any()


@pytest.fixture
def picture_bytes():
    import io

    from PIL import Image

    encoded = []
    for shade in (40, 120, 200):
        file = io.BytesIO()
        Image.new("RGB", (6, 5), (shade, 10, 90)).save(file, "PNG")
        encoded.append(file.getvalue())
    return encoded
