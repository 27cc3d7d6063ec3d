"""SequenceEncoder: sequences of any length in every form, padding, gaps, scale, and its errors."""

import pickle
import re
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from skmerge import ColumnRouter, InputSpec
from skmerge.encoders.sequence import SequenceEncoder

NAN = np.nan


def as_they_are(**parameters):
    return SequenceEncoder(standardize=False, **parameters)


def column(*cells, name="signal"):
    values = np.empty(len(cells), dtype=object)
    for row, cell in enumerate(cells):
        values[row] = cell
    return pd.Series(values, name=name)


def test_rows_are_padded_at_the_end_and_the_last_channel_tells_steps():
    encoder = as_they_are().fit(column([3, 1, 2], np.array([5.0]), None, [], NAN, pd.NA))
    assert encoder.spec_ == InputSpec(
        "sequence",
        "sequence",
        shape=(3, 2),
        default_branch="recurrent",
        optional=True,
        step_mask=True,
    )
    array, present = encoder.encode(column((7, 8), None, []))
    assert array.dtype == np.float32
    assert array.tolist() == [[[7, 1], [8, 1], [0, 0]], [[0, 0]] * 3, [[0, 0]] * 3]
    assert present.tolist() == [True, False, True]


@pytest.mark.parametrize(
    "cell",
    [
        [[1, 2], [3, 4], [5, 6]],
        np.array([[1, 2], [3, 4], [5, 6]], "int16"),
        pd.DataFrame({"a": [1, 3, 5], "b": [2, 4, 6]}),
        [np.array([1, 2]), np.array([3, 4]), np.array([5, 6])],
        np.array([[1, Decimal(2)], [3, 4], [5, 6]], dtype=object),
    ],
    ids=lambda cell: type(cell).__name__,
)
def test_cells_of_several_channels(cell):
    encoder = as_they_are().fit(column(cell, np.zeros((1, 2)), []))
    assert encoder.spec_.shape == (3, 3)
    assert encoder.transform(column(cell)).tolist() == [[[1, 2, 1], [3, 4, 1], [5, 6, 1]]]


@pytest.mark.parametrize(
    "cell",
    [
        [1, None, 3],
        (1.0, NAN, 3.0),
        pd.Series([1, None, 3], dtype="Int64"),
        pd.Series([1, None, 3], index=[7, 7, 7]),
        [Decimal(1), pd.NA, Decimal(3)],
        np.array([1, NAN, 3], "float16"),
    ],
    ids=lambda cell: type(cell).__name__,
)
def test_steps_not_measured_become_the_mean_of_training(cell):
    encoder = SequenceEncoder().fit([[2, 4], [6, NAN, NAN]])
    assert (encoder.mean_, encoder.scale_) == pytest.approx((4, np.sqrt(8 / 3)))
    expected = [(1 - 4) / np.sqrt(8 / 3), 0, (3 - 4) / np.sqrt(8 / 3)]
    assert_allclose(encoder.transform(column(cell))[0, :, 0], expected, rtol=1e-6)
    assert encoder.transform(column(cell))[0, :, 1].tolist() == [1, 1, 1]
    raw = as_they_are().fit([[2, 4], [6, NAN, NAN]])
    assert raw.transform(column(cell))[0, :, 0].tolist() == [1, 4, 3]


def test_channels_are_standardised_over_all_steps_of_the_training_rows():
    rng = np.random.default_rng(0)
    rows = [rng.normal([5, -3], [2, 0.1], (n, 2)) for n in (9, 4, 0, 7)]
    array = SequenceEncoder().fit_transform(column(*rows))
    steps = array[array[..., -1] == 1][:, :-1].astype("float64")
    assert len(steps) == 20
    assert_allclose(steps.mean(axis=0), 0, atol=1e-6)
    assert_allclose(steps.std(axis=0), 1, atol=1e-6)
    assert not array[array[..., -1] == 0].any()


def test_scale_of_what_never_changes_or_was_never_measured_is_one():
    encoder = SequenceEncoder().fit([[[7, NAN]], [[7, NAN], [7, NAN]]])
    assert (encoder.mean_.tolist(), encoder.scale_.tolist()) == ([7, 0], [1, 1])
    assert encoder.transform([[[8, 3]]])[0, 0].tolist() == [1, 3, 1]


def test_only_steps_that_are_kept_count():
    encoder = SequenceEncoder(2).fit([[1, 3, 100], [3, 1]])
    assert (encoder.mean_, encoder.scale_) == (2, 1)
    with pytest.raises(ValueError, match="Its step 0 is"):
        encoder.transform([[np.inf, 0, 0]])
    assert np.isfinite(encoder.transform([[0, 0, np.inf]])).all()


@pytest.mark.parametrize(("truncate", "kept"), [("end", [1, 2]), ("start", [3, 4])])
def test_sequences_that_are_too_long_are_cut(truncate, kept):
    encoder = as_they_are(max_length=2, truncate=truncate).fit([[1, 2, 3, 4], [9]])
    assert encoder.spec_.shape == (2, 2)
    assert encoder.transform([[1, 2, 3, 4], [9]])[..., 0].tolist() == [kept, [9, 0]]


def test_length_is_that_of_the_longest_training_row_up_to_a_limit():
    assert as_they_are(max_length=9).fit([[1, 2], [3]]).spec_.shape == (2, 2)
    assert as_they_are().fit([np.zeros(600)]).spec_.shape == (512, 2)
    assert as_they_are(max_length=600).fit([np.zeros(700)]).spec_.shape == (600, 2)
    encoder = as_they_are().fit([[1, 2]])
    assert encoder.transform([[5, 6, 7]])[..., 0].tolist() == [[5, 6]]


@pytest.mark.parametrize("cells", [[None, NAN], [[], []], [None, []]], ids=repr)
def test_rows_without_any_step_have_one_of_padding(cells):
    array, present = SequenceEncoder().fit(cells).encode(cells)
    assert array.tolist() == [[[0, 0]], [[0, 0]]]
    assert present.tolist() == [cell == [] for cell in cells]


def test_no_rows_give_no_rows():
    encoder = as_they_are().fit([[1, 2], [3]])
    for rows in ([], np.zeros((0, 2)), column()):
        array, present = encoder.encode(rows)
        assert (array.shape, present.shape) == ((0, 2, 2), (0,))


@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "bool"])
def test_arrays_of_rows_and_steps(dtype):
    matrix = np.array([[1, 0, 1], [0, 1, 1]]).astype(dtype)
    array, present = as_they_are().fit(matrix).encode(matrix)
    assert_array_equal(array[..., 0], matrix)
    assert array[..., 1].all()
    assert present.all()
    stacked = np.stack([matrix, matrix], axis=2)
    array = as_they_are().fit_transform(stacked)
    assert_array_equal(array[..., :2], stacked)
    assert array.shape == (2, 3, 3)


def test_rows_of_an_array_end_with_their_last_number():
    matrix = np.array([[1, NAN, 3, NAN, NAN], [NAN] * 5, [4, 5, 6, 7, NAN]])
    array, present = as_they_are().fit(matrix).encode(matrix)
    assert array.shape == (3, 4, 2)
    assert array[..., 1].tolist() == [[1, 1, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1]]
    assert present.tolist() == [True, False, True]
    assert array[0, 1, 0] == np.float32(np.nanmean(matrix))

    channels = np.array([[[1, NAN], [NAN, 2], [NAN, NAN]]])
    assert as_they_are().fit_transform(channels)[0, :, -1].tolist() == [1, 1]


def test_columns_of_numbers_are_steps_found_by_name():
    frame = pd.DataFrame(
        {
            "t0": [1.0, 2.0],
            "t1": pd.array([3, None], "Int64"),
            "t2": pd.Series([4, None], dtype=object),
        }
    )
    before = frame.copy(deep=True)
    encoder = as_they_are().fit(frame)
    expected = [[[1, 1], [3, 1], [4, 1]], [[2, 1], [0, 0], [0, 0]]]
    assert encoder.transform(frame).tolist() == expected
    assert encoder.transform(frame[["t2", "t0", "t1"]].assign(more=0)).tolist() == expected
    pd.testing.assert_frame_equal(frame, before)
    nothing = pd.DataFrame({"t0": [None], "t1": [None], "t2": [None]})
    assert encoder.encode(nothing)[1].tolist() == [False]
    with pytest.raises(ValueError, match=r"Column 't1' is missing from X"):
        encoder.transform(frame[["t0", "t2"]])


def test_columns_of_sequences_are_channels():
    frame = pd.DataFrame(
        {"x": [[1, 2], [3.0], None, [4]], "y": [np.array([5, 6]), [7], None, None]}
    )
    array, present = as_they_are().fit(frame).encode(frame)
    assert array.tolist()[:3] == [[[1, 5, 1], [2, 6, 1]], [[3, 7, 1], [0, 0, 0]], [[0] * 3] * 2]
    assert array[3, 0].tolist() == [4, 6, 1]
    assert present.tolist() == [True, True, False, True]


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (column("[1, 2]"), "Row 0 of column 'signal' must be a sequence of numbers"),
        (column("[1, 2]"), "Got '[1, 2]' of type str: parse it first, as in column.map(json.lo"),
        (column([1], ["a"]), "Row 1 of column 'signal' must be a sequence of numbers"),
        (column([1], 2.5), "Got 2.5 of type float."),
        (column([1], pd.Timestamp(0)), "of type Timestamp."),
        (column([[1], [2, 3]]), "Got [[1], [2, 3]] of type list."),
        (column([1j]), "Got [1j] of type list."),
        (column(np.zeros((2, 2, 2))), "must be a sequence of numbers, of shape (length,) or"),
        (column({1, 2}), "Got {1, 2} of type set."),
        (column([1], np.zeros((3, 2))), "must have 1 channel(s), as row 0 has. Got a sequence of"),
        (column([], np.zeros((9, 2)), np.zeros((2, 9))), "Row 2 of column 'signal' must have 2 ch"),
        (column(np.zeros((9, 2)), np.zeros((2, 9))), "= (2, 9). Transpose such cells."),
        (column([1], [2, 3, -np.inf]), "Row 1 of column 'signal' must hold finite numbers. Its st"),
        (column([1], [2, 3, -np.inf]), "step 2 is [-inf]: infinity, or too large for float32."),
        ([[np.longdouble("1e4000")]], "Its step 0 is [inf]: infinity, or too large for float32."),
        ([[1e39]], "Its step 0 is [1e+39]: infinity, or too large for float32. Clip such val"),
        (np.array([[1, np.inf]]), "Row 0 must hold finite numbers. Its step 1 is [inf]"),
        (np.zeros((2, 3, 4, 5)), "Got shape (2, 3, 4, 5). Flatten what belongs to one step"),
        (np.zeros((2, 0)), "at least 1 step and 1 channel. Got an array of shape (2, 0)."),
        (np.zeros(3), "Row 0 must be a sequence of numbers"),
        (np.zeros((0, 3)), "SequenceEncoder must be fitted on at least 1 row. Got 0 rows."),
        ([], "SequenceEncoder must be fitted on at least 1 row. Got 0 rows."),
        ("signal", "X must be one column"),
        (pd.DataFrame({"a": [[1, 2]], "b": [3]}), "Row 0 of column 'b' must be a sequence"),
        (pd.DataFrame({"a": [[1, 2]], "b": [[3]]}), "In row 0 their lengths and channels are {'a'"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "must have distinct names. Got ['a']"),
    ],
)
def test_what_is_no_sequence_is_named(X, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        SequenceEncoder().fit(X)


def test_rows_must_be_as_they_were_in_fit():
    encoder = SequenceEncoder().fit(column(np.ones((3, 2))))
    message = "Row 1 of column 'signal' must have 2 channel(s), as in fit. Got a sequence of shape"
    with pytest.raises(ValueError, match=re.escape(message)):
        encoder.transform(column([], [1, 2]))
    message = "was fitted on one column or array, and must get one again. Got a DataFrame of 2 col"
    with pytest.raises(ValueError, match=re.escape(message)):
        encoder.transform(pd.DataFrame({"a": [1], "b": [2]}))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"max_length": 0}, "'max_length' parameter of SequenceEncoder"),
        ({"max_length": "all"}, "'max_length' parameter of SequenceEncoder.*Got 'all'"),
        ({"standardize": "yes"}, "'standardize' parameter of SequenceEncoder"),
        ({"truncate": "middle"}, "'truncate' parameter of SequenceEncoder.*Got 'middle'"),
    ],
)
def test_wrong_parameters_are_named(parameters, message):
    with pytest.raises(ValueError, match=message):
        SequenceEncoder(**parameters).fit([[1]])


def test_copies_encode_the_same():
    X = column([1, 2, 4], [3], None)
    encoder = SequenceEncoder(2, truncate="start").fit(X)
    for copy in (pickle.loads(pickle.dumps(encoder)), clone(encoder).fit(X)):
        assert_array_equal(copy.transform(X), encoder.transform(X))


def test_the_router_finds_sequences_and_is_told_of_others():
    frame = pd.DataFrame(
        {
            "age": [20, 30, 40],
            "pulse": [[60, 61, 64], [70], None],
            "vector": [[1, 2], [3, 4], [5, 6]],
            "x": [[1.0, 2.0], [3.0], []],
            "y": [[1.0, 2.0], [3.0], []],
            "h1": [1, 2, 3],
            "h2": [1, 2, None],
        }
    )
    inputs = {
        "vector": "sequence",
        "motion": ("sequence", ["x", "y"]),
        "hours": (SequenceEncoder(standardize=False), ["h1", "h2"]),
    }
    X = ColumnRouter(inputs).fit_transform(frame)
    assert {name: (spec.kind, spec.shape) for name, spec in X.specs.items()} == {
        "vector": ("sequence", (2, 2)),
        "motion": ("sequence", (2, 3)),
        "hours": ("sequence", (2, 2)),
        "tabular": ("tabular", (1,)),
        "pulse": ("sequence", (3, 2)),
    }
    assert X.masks["pulse"].tolist() == [True, True, False]
    assert X["hours"][2].tolist() == [[3, 1], [0, 0]]


def test_numbers_too_large_for_float64_are_an_error():
    with pytest.raises(ValueError, match="Row 1 must be a sequence of numbers"):
        SequenceEncoder().fit([[1, 2], [10**400]])
