"""Lists of tags in every form, vocabularies and rows of ids."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags

from skmerge import TagEncoder

FORMS = {
    "list": ["b", "a"],
    "tuple": ("b", "a"),
    "object array": np.array(["b", "a"], dtype=object),
    "str array": np.array(["b", "a"]),
}


@pytest.mark.parametrize("form", FORMS)
def test_ordered_cells_keep_their_order(form):
    encoder = TagEncoder().fit([["a"], FORMS[form]])
    assert encoder.vocabulary_ == {"a": 2, "b": 3}
    np.testing.assert_array_equal(encoder.transform([FORMS[form]]), [[3, 2]])


@pytest.mark.parametrize("form", [set, frozenset])
def test_sets_are_sorted(form):
    encoder = TagEncoder().fit([["b"], form("abc")])
    np.testing.assert_array_equal(encoder.transform([form("cab")]), [[3, 2, 4]])


def test_sets_do_not_depend_on_the_hash_seed():
    code = (
        "from skmerge import TagEncoder;"
        "rows = [{'red', 'green', 'blue', 'x'}, {'y', 'red', 'z'}];"
        "e = TagEncoder(max_tags=3).fit(rows); print(e.vocabulary_, e.transform(rows).tolist())"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(outputs) == 1


def test_a_string_is_one_tag():
    encoder = TagEncoder().fit(["red dress", "blue|green"])
    assert encoder.vocabulary_ == {"blue|green": 2, "red dress": 3}


def test_separator_parts_strings_and_not_lists():
    encoder = TagEncoder(separator="|").fit([" b |a||", ["a|b", "a"]])
    assert encoder.vocabulary_ == {"a": 2, "a|b": 3, "b": 4}
    np.testing.assert_array_equal(encoder.transform(["b| a", "|"]), [[4, 2], [0, 0]])


def test_repeated_empty_and_missing_tags_are_dropped():
    encoder = TagEncoder().fit([["a", "a", "", None, np.nan, "b", "a"]])
    assert encoder.vocabulary_ == {"a": 2, "b": 3}
    np.testing.assert_array_equal(encoder.transform([["b", pd.NA, "b", "a"]]), [[3, 2]])


def test_numbers_and_dates_stand_for_their_str():
    day = pd.Timestamp("2020-01-02").date()
    encoder = TagEncoder().fit([[1, np.int64(2), True, 1.5, day]])
    assert list(encoder.vocabulary_) == ["1", "1.5", "2", "2020-01-02", "True"]
    np.testing.assert_array_equal(encoder.transform([["2", 1]])[0, :2], [4, 2])


def test_unseen_tags_are_unknown():
    encoder = TagEncoder().fit([["a", "b"]])
    np.testing.assert_array_equal(encoder.transform([["x", "a"], ["y", "z"]]), [[1, 2], [1, 1]])


def test_rare_tags_get_no_id_unless_all_are_rare():
    rows = [["a", "b"], ["a"]]
    assert TagEncoder(min_frequency=2).fit(rows).vocabulary_ == {"a": 2}
    assert TagEncoder(min_frequency=3).fit(rows).vocabulary_ == {"a": 2, "b": 3}


def test_max_tokens_counts_padding_and_unknown():
    encoder = TagEncoder(max_tokens=3).fit([["a", "b"], ["b"]])
    assert encoder.vocabulary_ == {"b": 2}
    assert encoder.spec_.vocabulary_size == 3


def test_length_is_that_of_the_longest_row_within_the_limit():
    rows = [[str(i) for i in range(300)], ["a"]]
    assert TagEncoder().fit(rows).spec_.shape == (256,)
    assert TagEncoder(max_tags=280).fit(rows).spec_.shape == (280,)
    assert TagEncoder(max_tags=9).fit(rows[1:]).spec_.shape == (1,)


def test_the_first_tags_stay():
    encoder = TagEncoder(max_tags=2).fit([["a", "b", "c"]])
    np.testing.assert_array_equal(encoder.transform([["c", "a", "b"]]), [[4, 2]])


def test_spec_describes_what_transform_returns():
    encoder = TagEncoder().fit([["a", "b"], "c"])
    ids = encoder.transform(["a"])
    spec = encoder.spec_
    assert (spec.name, spec.kind, spec.default_branch) == ("tags", "tags", "embedding")
    assert spec.shape == (2,) == ids.shape[1:]
    assert spec.dtype == "int32" == ids.dtype
    assert spec.optional
    assert spec.vocabulary_size == 5


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA], ids=repr)
def test_missing_cells_are_absent_and_empty_ones_are_present(missing):
    cells = pd.Series([missing, [], "", set(), ["a"]], dtype=object)
    ids, present = TagEncoder().fit(cells).encode(cells)
    np.testing.assert_array_equal(present, [False, True, True, True, True])
    np.testing.assert_array_equal(ids, [[0], [0], [0], [0], [2]])


def test_a_column_without_tags_has_one_padding_id():
    encoder = TagEncoder().fit([None, []])
    assert encoder.spec_.shape == (1,)
    assert encoder.spec_.vocabulary_size == 2


@pytest.mark.parametrize("dtype", ["string", "category", None])
def test_strings_of_any_dtype_are_tags(dtype):
    encoder = TagEncoder().fit(pd.Series(["a", None, "b"], dtype=dtype))
    assert encoder.vocabulary_ == {"a": 2, "b": 3}


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (3, "Got 3 of type int: convert the column first"),
        ({"a": 1}, "of type dict"),
        (b"a", "of type bytes"),
        (np.array([["a"]]), "of type ndarray"),
        ([["a"]], r"Got the tag \['a'\] of type list: flatten"),
        ([b"a"], "Got the tag b'a' of type bytes: .*decode"),
        ([{"a"}], "of type set"),
        ([np.array(["a"])], "of type ndarray"),
    ],
    ids=lambda value: "" if isinstance(value, str) else repr(value),
)
def test_other_cells_are_errors_at_fit_and_at_transform(cell, message):
    column = pd.Series([["a"], cell], name="genres", dtype=object)
    with pytest.raises(ValueError, match=f"Row 1 of column 'genres' must .*{message}"):
        TagEncoder().fit(column)
    with pytest.raises(ValueError, match=message):
        TagEncoder().fit(["a"]).transform(column)


def test_fit_needs_a_row_and_transform_does_not():
    with pytest.raises(ValueError, match="TagEncoder must be fitted on at least 1 row"):
        TagEncoder().fit([])
    ids, present = TagEncoder().fit([["a", "b"]]).encode([])
    assert (ids.shape, ids.dtype, present.shape) == ((0, 2), np.int32, (0,))


def test_inverse_transform_gives_the_tags_back():
    encoder = TagEncoder().fit([["b", "a"]])
    ids = encoder.transform([["b", "a"], ["x"], None])
    assert encoder.inverse_transform(ids) == [["b", "a"], ["[UNK]"], []]


@pytest.mark.parametrize(
    "params",
    [{"separator": 1}, {"max_tags": 0}, {"max_tokens": 2}, {"min_frequency": 0}],
    ids=str,
)
def test_invalid_parameters_are_named(params):
    with pytest.raises(ValueError, match=f"The '{next(iter(params))}' parameter of TagEncoder"):
        TagEncoder(**params).fit(["a"])


def test_fitting_twice_equals_a_fresh_fit():
    encoder = TagEncoder().fit([["a", "b", "c"]]).fit(["x"])
    assert vars(encoder) == vars(TagEncoder().fit(["x"]))


def test_permuted_rows_give_permuted_ids():
    cells = np.empty(4, dtype=object)
    cells[:] = [["a", "b"], None, {"c", "a"}, "b"]
    order = np.array([2, 0, 3, 1])
    encoder, permuted = TagEncoder().fit(cells), TagEncoder().fit(cells[order])
    assert permuted.vocabulary_ == encoder.vocabulary_
    np.testing.assert_array_equal(permuted.transform(cells[order]), encoder.transform(cells)[order])


def test_pickled_encoder_encodes_the_same():
    encoder = TagEncoder(separator=",").fit(["a,b", None])
    again = pickle.loads(pickle.dumps(encoder))
    np.testing.assert_array_equal(again.transform(["b,x"]), encoder.transform(["b,x"]))
    assert again.spec_ == encoder.spec_


def test_clone_is_unfitted_with_the_same_parameters():
    encoder = TagEncoder("|", 3).fit(["a"])
    copy = clone(encoder)
    assert copy.get_params() == encoder.get_params()
    with pytest.raises(NotFittedError):
        copy.transform(["a"])


def test_inputs_stay_as_they_were():
    cells = [["b", "a", "b"], {"c"}, None]
    TagEncoder().fit(cells).transform(cells)
    assert cells == [["b", "a", "b"], {"c"}, None]


def test_tags_say_strings_and_missing_values():
    tags = get_tags(TagEncoder()).input_tags
    assert tags.string
    assert tags.allow_nan
    assert not tags.two_d_array


@pytest.mark.parametrize("separator", [None, "|"])
def test_ids_are_those_of_the_tags_one_by_one(separator):
    rng = np.random.default_rng(0)
    tags = ["a", "b", " c", "", "d", 5, None, np.str_("e")]
    column = np.empty(300, dtype=object)
    for row in range(len(column)):
        cell = [tags[i] for i in rng.integers(0, len(tags), rng.integers(0, 6))]
        strings = [tag for tag in cell if isinstance(tag, str)]
        column[row] = [cell, tuple(cell), strings, "|".join(strings), None][rng.integers(0, 5)]
    encoder = TagEncoder(separator, max_tags=3, max_tokens=12).fit(column)
    ids, present = encoder.encode(column)
    for row, cell in enumerate(column):
        expected = [] if cell is None else encoder._tokens(cell, "")[:3]
        assert present[row] == (cell is not None)
        padding = [0] * (3 - len(expected))
        assert ids[row].tolist() == [encoder.vocabulary_.get(t, 1) for t in expected] + padding
        np.testing.assert_array_equal(encoder.transform(column[[row]]), ids[[row]])


def test_errors_in_later_rows_name_the_row_of_the_column():
    column = pd.Series(["a", None, ["b"], 3], name="genres", dtype=object)
    with pytest.raises(ValueError, match="Row 3 of column 'genres' must be a list"):
        TagEncoder().fit(["a"]).transform(column)
