import datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from skmerge._inference import infer_column_kind, infer_entry_kind, iso_dates

SENTENCES = [f"row {i} says something of its own" for i in range(60)]
PICTURE = np.zeros((4, 4, 3), np.uint8)


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        pytest.param([1, 2, 3], "tabular", id="integers"),
        pytest.param([1.5, None, 3], "tabular", id="floats"),
        pytest.param([True, False, True], "tabular", id="booleans"),
        pytest.param(pd.array([1, None, 3], "Int64"), "tabular", id="nullable integers"),
        pytest.param(pd.array([1, None], dtype=object), "tabular", id="object integers"),
        pytest.param([Decimal("1.5"), None], "tabular", id="decimals"),
        pytest.param(pd.to_datetime(["2024-01-01", None]), "tabular", id="datetimes"),
        pytest.param([datetime.date(2024, 1, 1), None], "tabular", id="dates"),
        pytest.param([None, None], "tabular", id="all missing"),
        pytest.param(["red", "blue", None], "tabular", id="single words"),
        pytest.param([f"id{i}" for i in range(100)], "tabular", id="many single words"),
        pytest.param(["New York", "Los Angeles"] * 20, "tabular", id="few values of two words"),
        pytest.param(pd.Categorical(SENTENCES), "tabular", id="a categorical stays one"),
        pytest.param(["red", 3, None], "tabular", id="mixed scalars"),
        pytest.param(SENTENCES, "text", id="sentences"),
        pytest.param(pd.array(SENTENCES, "string[python]"), "text", id="string[python]"),
        pytest.param(pd.array(SENTENCES, "string[pyarrow]"), "text", id="string[pyarrow]"),
        pytest.param([None, *SENTENCES], "text", id="sentences with a missing one"),
        pytest.param(
            ["一二三四五六七八九十" * 4 + str(i) for i in range(9)], "text", id="no spaces"
        ),
        pytest.param(["a/b c.jpg", "x.PNG", None], "image", id="picture paths"),
        pytest.param([Path("a.webp"), Path("b.tif")], "image", id="path objects"),
        pytest.param(["a.jpg", b"\x89PNG"], "image", id="paths and bytes"),
        pytest.param([b"\x89PNG", None], "image", id="bytes"),
        pytest.param([Image.new("L", (2, 2)), None], "image", id="PIL pictures"),
        pytest.param([PICTURE, PICTURE], "image", id="picture arrays"),
        pytest.param([PICTURE[..., 0]], "image", id="grayscale arrays"),
        pytest.param([["a", "b"], [], None], "tags", id="lists of strings"),
        pytest.param([("a",), ("b", "c")], "tags", id="tuples of strings"),
        pytest.param([{"a"}, frozenset({"b"})], "tags", id="sets of strings"),
        pytest.param([np.array(["a", "b"])], "tags", id="arrays of strings"),
        pytest.param([[0.5, 1.0], [1.5, 2.0]], "array", id="lists of numbers"),
        pytest.param([np.zeros(3), None], "array", id="vectors"),
        pytest.param([[0.5, 1], [2], None], "sequence", id="lists of several lengths"),
        pytest.param([(1, None), (2,)], "sequence", id="tuples with a gap"),
        pytest.param([np.zeros(3), np.zeros(4, np.uint8)], "sequence", id="vectors of lengths"),
        pytest.param([[1, 2], [], [3, 4]], "sequence", id="vectors and an empty list"),
        pytest.param([[], []], "tags", id="empty lists"),
        pytest.param([np.zeros((3, 2)), np.zeros((5, 2))], "sequence", id="steps of channels"),
        pytest.param([np.zeros((3, 2)), np.zeros((0, 2))], "sequence", id="steps, or none"),
        pytest.param([[[1, 2], [3, 4]], [[5, 6]]], "sequence", id="lists of steps of channels"),
        pytest.param([np.zeros((3, 2)), np.zeros((3, 2))], "image", id="floats of one size"),
        pytest.param([np.zeros((3, 2)), np.zeros((2, 3))], "image", id="floats of many sizes"),
        pytest.param(
            [np.zeros((3, 2), np.uint8), np.zeros((5, 2), np.uint8)], "image", id="bytes of sizes"
        ),
        pytest.param([PICTURE, np.zeros((9, 4, 3))], "image", id="pictures of heights"),
        pytest.param([[[1, 2], [3, 4]]] * 2, "array", id="matrices of one shape"),
    ],
)
def test_kind_of_a_column(cells, kind):
    assert infer_column_kind(pd.Series(cells, name="x"), 40) == kind


def test_few_different_sentences_are_categories_and_more_are_text():
    few = pd.Series([f"value number {i % 40}" for i in range(1000)])
    more = pd.Series([f"value number {i % 41}" for i in range(1000)])
    assert infer_column_kind(few, 40) == "tabular"
    assert infer_column_kind(more, 40) == "text"
    assert infer_column_kind(more, 41) == "tabular"


def test_cells_of_no_kind_raise_with_name_type_and_remedy():
    column = pd.Series([{"a": 1}, {"b": 2}], name="meta")
    with pytest.raises(ValueError, match=r"Column 'meta' must hold .*'dict'.*'meta': 'drop'"):
        infer_column_kind(column, 40)


def test_cells_of_several_kinds_raise_with_examples():
    column = pd.Series([["a"], "some words"], name="mixed")
    with pytest.raises(ValueError, match=r"values of several kinds, such as \[\['a'\]"):
        infer_column_kind(column, 40)


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        pytest.param(np.zeros((3, 5)), "tabular", id="matrix"),
        pytest.param(np.zeros(3), "tabular", id="numbers"),
        pytest.param(np.zeros((3, 8, 8, 3)), "image", id="colour pictures"),
        pytest.param(np.zeros((3, 8, 8, 1), np.uint8), "image", id="grayscale with channel"),
        pytest.param(np.zeros((3, 8, 8), np.uint8), "image", id="grayscale bytes"),
        pytest.param(np.zeros((3, 8, 8)), "array", id="floats of three axes"),
        pytest.param(np.zeros((3, 8, 8, 7)), "array", id="seven channels"),
        pytest.param(["cat", "dog", "cat"], "tags", id="words"),
        pytest.param(np.array(["cat", "dog"]), "tags", id="array of words"),
        pytest.param(["a cat sits", "a dog runs", "a cat sits"], "text", id="sentences"),
        pytest.param([PICTURE, PICTURE], "image", id="list of pictures"),
        pytest.param(["a.png", "b.png"], "image", id="paths"),
        pytest.param([1, 2, 3], "tabular", id="list of numbers"),
        pytest.param([[1, 2], [3]], "sequence", id="list of lists of lengths"),
        pytest.param(pd.DataFrame({"a": [1]}), "tabular", id="DataFrame"),
        pytest.param(pd.Series([1.0, 2.0]), "tabular", id="Series"),
    ],
)
def test_kind_of_an_entry(entry, kind):
    assert infer_entry_kind("x", entry) == kind


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["2024-01-31", None, "1999-12-01"], True),
        (["2024-01-31 10:00", "2024-01-31T10:00:05.25Z"], True),
        (["2024-01-31", "soon"], False),
        (["20240131"], False),
        ([None, None], False),
        ([1, 2], False),
    ],
)
def test_iso_dates_are_recognised(cells, expected):
    assert iso_dates(pd.Series(cells, dtype=object)) is expected


def test_strings_that_are_no_valid_unicode_are_read_from_sparse_columns():
    cells = pd.arrays.SparseArray(np.array(["x\udcff b c", "e f g", "h j k"], dtype=object))
    assert infer_column_kind(pd.Series(cells), cardinality_threshold=40) == "text"


def test_a_signalling_nan_is_an_error():
    with pytest.raises(ValueError, match="Row 1 of column 'price' must be a value, or missing"):
        infer_column_kind(pd.Series([1, Decimal("sNaN")], name="price", dtype=object), 40)
