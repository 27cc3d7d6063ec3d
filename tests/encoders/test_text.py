"""Words of every script, vocabularies and rows of ids."""
# ruff: noqa: RUF001

import pickle
import time
import unicodedata
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags

from skmerge import TextEncoder
from skmerge.encoders import _vocabulary
from skmerge.encoders._words import _patterns, split_words

SPLITS = {
    "case is dropped": ("The DRESS", ["the", "dress"]),
    "punctuation is dropped": ("well-made, (soft) & x_y!", ["well", "made", "soft", "x", "y"]),
    "apostrophes stay within words": ("don't rock'n'roll", ["don't", "rock'n'roll"]),
    "typographic apostrophes are mapped": ("don’t l’été", ["don't", "l'été"]),
    "quotes around words are dropped": ("'quoted' ‘so’ ''x''", ["quoted", "so", "x"]),
    "numbers stay whole": ("3.5 1,000 v2.0 5'4\"", ["3.5", "1,000", "v2.0", "5'4"]),
    "a full stop ends a sentence": ("The end.3 of 7. 8", ["the", "end", "3", "of", "7", "8"]),
    "trade marks leave the word alone": ("Nike™ Lycra® 20°C", ["nike", "lycra", "20", "c"]),
    "decomposed letters are composed": ("E\u0301te\u0301", ["été"]),
    "sharp s is kept": ("Straße", ["straße"]),
    "the Turkish capital is plain": ("İstanbul istanbul", ["istanbul", "istanbul"]),
    "final sigma": ("ΣΊΣΥΦΟΣ", ["σίσυφος"]),
    "Devanagari vowel signs": ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
    "Bengali joiner": ("র\u200d্য", ["র\u200d্য"]),
    "Thai vowels": ("ที่ กำ", ["ที่", "กำ"]),
    "Hebrew points and gershayim": ("שָׁלוֹם צה״ל", ["שָׁלוֹם", "צה״ל"]),
    "Persian non-joiner": ("می\u200cخواهم", ["می\u200cخواهم"]),
    "Arabic decimals": ("٣٫٥", ["٣٫٥"]),
    "Catalan dot": ("col·lecció", ["col·lecció"]),
    "ideographs one by one": ("東京へ行く。", ["東", "京", "へ", "行", "く"]),
    "ideographs end a word": ("abc東x", ["abc", "東", "x"]),
    "Hangul by spaces": ("한국어 한국", ["한국어", "한국"]),
    "astral letters": ("𐐨𐐩 𠀀𠀁", ["𐐨𐐩", "𠀀", "𠀁"]),
    "emoji one by one": ("so cute😍😍!", ["so", "cute", "😍", "😍"]),
    "family": ("a👨\u200d👩\u200d👧b", ["a", "👨\u200d👩\u200d👧", "b"]),
    "skin tone": ("👍🏽👍", ["👍🏽", "👍"]),
    "flags": ("🇫🇷🇩🇪", ["🇫🇷", "🇩🇪"]),
    "flag spelled by tags": (
        "🏴\U000e0067\U000e0062\U000e007f!",
        ["🏴\U000e0067\U000e0062\U000e007f"],
    ),
    "variation selectors are taken out": ("❤\ufe0f❤", ["❤", "❤"]),
    "box rules and lost characters are dropped": ("─█ a\ufffdb", ["a", "b"]),
    "soft hyphens and byte order marks": ("\ufeffhy\u00adphen\u2060ated", ["hyphenated"]),
    "zero width spaces separate": ("zero\u200bwidth", ["zero", "width"]),
    "lone surrogates separate": ("a\ud800b \udfff", ["a", "b"]),
    "NUL separates": ("a\x00b\x00", ["a", "b"]),
    "a lone mark is no word": ("\u0301 x", ["x"]),
    "a trailing joiner is dropped": ("می\u200c 👍\u200d", ["می", "👍"]),
    "nothing": ("", []),
    "white space": (" \n\t\u3000", []),
}


@pytest.mark.parametrize("case", SPLITS)
def test_words_of(case):
    text, words = SPLITS[case]
    assert split_words(text) == words


def test_case_can_be_kept():
    assert split_words("The É İ", lowercase=False) == ["The", "É", "İ"]


def test_plain_text_splits_alike_with_and_without_the_wide_pattern():
    rng = np.random.default_rng(0)
    letters = np.array(list("aZ09'.,_- \n\x00\"!x'.,"))
    for _ in range(500):
        text = "".join(rng.choice(letters, 30))
        assert _patterns()[0].findall(text) == split_words(text, lowercase=False)


def test_words_of_canonically_equal_texts_are_equal():
    text = "Ǘber ÀÉ क़ 각 ﬁn Å İ"
    forms = [unicodedata.normalize(form, text) for form in ("NFC", "NFD")]
    assert split_words(forms[0]) == split_words(forms[1])


@pytest.mark.parametrize("category", ["Mn", "Mc", "Me"])
def test_every_combining_mark_stays_within_its_word(category):
    marks = [
        chr(code) for code in range(0x300, 0xFE00) if unicodedata.category(chr(code)) == category
    ]
    assert len(marks) > 4
    for mark in marks:
        text = f"a{mark}b"
        assert split_words(text) == [unicodedata.normalize("NFC", text)]


@pytest.mark.parametrize(
    "unit",
    ["a", "é", "a\u0301\u0327", "\u0301\u0327", "\U0001d165\U0001d166\u0327", "é'", "é1.", "é,",
     "👍\u200d", "👍🏽", "🇫", "🏴\U000e0067", "東\u0301", "\ud800", "\x00é", "-é", "\u200dé"],
    ids=ascii,
)  # fmt: skip
def test_a_long_text_takes_linear_time(unit):
    text = unit * (300_000 // len(unit))
    split_words("é")
    start = time.perf_counter()
    split_words(text)
    assert time.perf_counter() - start < 3  # quadratic time would be minutes


def test_ids_run_by_falling_frequency_then_by_word():
    encoder = TextEncoder(min_frequency=1).fit(["b a c", "c a", "c"])
    assert encoder.vocabulary_ == {"c": 2, "a": 3, "b": 4}
    assert encoder.spec_.vocabulary_size == 5


def test_rare_words_get_no_id():
    encoder = TextEncoder(min_frequency=2).fit(["b a c", "c a"])
    assert encoder.vocabulary_ == {"a": 2, "c": 3}
    np.testing.assert_array_equal(encoder.transform(["a b c"]), [[2, 1, 3]])


def test_every_word_gets_an_id_where_none_is_frequent_enough():
    assert TextEncoder(min_frequency=2).fit(["b a"]).vocabulary_ == {"a": 2, "b": 3}


def test_max_tokens_counts_padding_and_unknown():
    encoder = TextEncoder(4, min_frequency=1).fit(["a a b b c"])
    assert encoder.vocabulary_ == {"a": 2, "b": 3}
    assert encoder.spec_.vocabulary_size == 4
    assert encoder.transform(["a b c"]).max() == 3


def test_spec_describes_what_transform_returns():
    encoder = TextEncoder(min_frequency=1).fit(["a b", "c"])
    ids = encoder.transform(["a", "x y z"])
    spec = encoder.spec_
    assert (spec.name, spec.kind, spec.default_branch) == ("text", "text", "embedding")
    assert spec.shape == (2,) == ids.shape[1:]
    assert spec.dtype == "int32" == ids.dtype
    assert spec.optional
    assert not spec.sparse


@pytest.mark.parametrize(
    ("truncate", "expected"), [("end", [[2, 3], [2, 0]]), ("start", [[3, 4], [2, 0]])]
)
def test_truncation_keeps_the_first_or_the_last_words(truncate, expected):
    encoder = TextEncoder(max_length=2, min_frequency=1, truncate=truncate).fit(["a b c", "a"])
    np.testing.assert_array_equal(encoder.transform(["a b c", "a"]), expected)


def test_length_is_that_of_the_longest_training_row_if_shorter():
    encoder = TextEncoder(max_length=10).fit(["a b c", "a"])
    assert encoder.spec_.shape == (3,)
    assert encoder.transform(["a b c d e"]).shape == (1, 3)
    assert TextEncoder(max_length=2).fit(["a b c"]).spec_.shape == (2,)


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA], ids=repr)
def test_missing_text_is_absent_and_empty_text_is_present(missing):
    encoder = TextEncoder(min_frequency=1).fit(["a", missing])
    ids, present = encoder.encode(pd.Series([missing, "", "...", "a"], dtype=object))
    np.testing.assert_array_equal(present, [False, True, True, True])
    np.testing.assert_array_equal(ids, [[0], [0], [0], [2]])
    assert present.dtype == bool


@pytest.mark.parametrize("X", [[None, np.nan], ["", "!"], pd.Series([np.nan, np.nan])])
def test_a_column_without_words_has_one_padding_id(X):
    encoder = TextEncoder().fit(X)
    assert encoder.vocabulary_ == {}
    assert encoder.spec_.vocabulary_size == 2
    np.testing.assert_array_equal(encoder.transform(X), [[0], [0]])
    np.testing.assert_array_equal(encoder.transform(["word"]), [[1]])


@pytest.mark.parametrize("dtype", [object, "string", "category", None])
def test_dtype_may_change_between_fit_and_transform(dtype):
    encoder = TextEncoder(min_frequency=1).fit(pd.Series(["a b", None, "b"], dtype=dtype))
    assert encoder.vocabulary_ == {"b": 2, "a": 3}
    np.testing.assert_array_equal(encoder.transform(np.array(["b a"])), [[2, 3]])


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (3, r"Row 1 of column 'note' must be a string or missing. Got 3 of type int: .*astype"),
        (2.5, r"Got 2.5 of type float"),
        (["a"], r"Got \['a'\] of type list"),
        (np.zeros(2), r"of type ndarray"),
        (b"a", r"Got b'a' of type bytes: decode the bytes first, .*decode\('utf-8'\)"),
    ],
    ids=lambda value: "" if isinstance(value, str) else repr(value),
)
def test_other_cells_are_errors_at_fit_and_at_transform(cell, message):
    column = pd.Series(["a", cell], name="note", dtype=object)
    with pytest.raises(ValueError, match=message):
        TextEncoder().fit(column)
    with pytest.raises(ValueError, match=message):
        TextEncoder().fit(["a"]).transform(column)


def test_fit_needs_a_row_and_transform_does_not():
    with pytest.raises(ValueError, match="TextEncoder must be fitted on at least 1 row"):
        TextEncoder().fit([])
    ids, present = TextEncoder().fit(["a b"]).encode(pd.Series([], dtype=object))
    assert (ids.shape, ids.dtype, present.shape) == ((0, 2), np.int32, (0,))


def test_inverse_transform_gives_the_words_back():
    encoder = TextEncoder(min_frequency=1).fit(["red dress", "blue"])
    ids = encoder.transform(["blue dress", "green", None])
    assert encoder.inverse_transform(ids) == [["blue", "dress"], ["[UNK]"], []]
    assert encoder.inverse_transform(np.zeros((0, 2), dtype=int)) == []


@pytest.mark.parametrize("ids", [[[5]], [[-1]], [2], [[0.5]], 2, [["a"]]])
def test_inverse_transform_takes_nothing_but_rows_of_ids(ids):
    encoder = TextEncoder(min_frequency=1).fit(["red dress blue"])
    with pytest.raises(ValueError, match="ids must be rows of integers from 0 to 4"):
        encoder.inverse_transform(ids)


@pytest.mark.parametrize(
    "params",
    [
        {"max_tokens": 2},
        {"max_length": 0},
        {"min_frequency": 0},
        {"truncate": "middle"},
        {"lowercase": "yes"},
    ],
    ids=str,
)
def test_invalid_parameters_are_named(params):
    with pytest.raises(ValueError, match=f"The '{next(iter(params))}' parameter of TextEncoder"):
        TextEncoder(**params).fit(["a"])


def test_a_failed_fit_leaves_the_encoder_as_it_was():
    encoder = TextEncoder(min_frequency=1).fit(["a b"])
    before = dict(vars(encoder))
    with pytest.raises(ValueError, match="Row 1"):
        encoder.fit(["c", 3])
    assert vars(encoder) == before


def test_fitting_twice_equals_a_fresh_fit():
    encoder = TextEncoder(min_frequency=1).fit(["a b c d"]).fit(["x"])
    fresh = TextEncoder(min_frequency=1).fit(["x"])
    assert vars(encoder) == vars(fresh)


def test_permuted_rows_give_permuted_ids():
    texts = np.array(["a b", "", None, "b c d", "a"], dtype=object)
    order = np.array([3, 1, 4, 0, 2])
    encoder = TextEncoder(min_frequency=1).fit(texts)
    permuted = TextEncoder(min_frequency=1).fit(texts[order])
    assert permuted.vocabulary_ == encoder.vocabulary_
    np.testing.assert_array_equal(permuted.transform(texts[order]), encoder.transform(texts)[order])


def test_pickled_encoder_encodes_the_same():
    encoder = TextEncoder(min_frequency=1).fit(["a b", None])
    again = pickle.loads(pickle.dumps(encoder))
    np.testing.assert_array_equal(again.transform(["b x"]), encoder.transform(["b x"]))
    assert again.spec_ == encoder.spec_


def test_clone_is_unfitted_with_the_same_parameters():
    encoder = TextEncoder(7, 3, truncate="start").fit(["a"])
    copy = clone(encoder)
    assert copy.get_params() == encoder.get_params()
    with pytest.raises(NotFittedError):
        copy.transform(["a"])
    with pytest.raises(NotFittedError):
        copy.inverse_transform([[0]])


def test_inputs_stay_as_they_were():
    frame = pd.DataFrame({"note": ["B a", None, "c"]}, index=[7, 7, 9])
    before = frame.copy(deep=True)
    TextEncoder().fit(frame).transform(frame)
    pd.testing.assert_frame_equal(frame, before)


def test_tags_say_strings_and_missing_values():
    tags = get_tags(TextEncoder()).input_tags
    assert tags.string
    assert tags.allow_nan
    assert not tags.two_d_array


ALPHABET = [*"aB c dé’'.1 \0\n\ud800東😀\u0301\ufe0fKİ", "👨\u200d👩", "\U0001f1eb"]


@pytest.mark.parametrize("params", [{}, {"lowercase": False}, {"truncate": "start"}], ids=str)
def test_ids_are_those_of_the_words_one_by_one(params):
    rng = np.random.default_rng(0)
    texts = [
        "".join(ALPHABET[i] for i in rng.integers(0, len(ALPHABET), size))
        for size in rng.integers(0, 40, 400)
    ]
    column = np.array([*texts, None, np.nan, pd.NA, "", np.str_("É a")], dtype=object)
    column = rng.permutation(np.concatenate([column, column]))
    encoder = TextEncoder(max_length=6, **params).fit(column)
    counts = Counter()
    expected = np.zeros((len(column), 6), dtype=np.int32)
    for row, text in enumerate(column):
        if isinstance(text, str):
            words = split_words(text, encoder.lowercase)
            counts.update(words)
            words = words[-6:] if encoder.truncate == "start" else words[:6]
            expected[row, : len(words)] = [encoder.vocabulary_.get(word, 1) for word in words]
    frequent = [word for word, count in counts.items() if count >= 2]
    assert list(encoder.vocabulary_) == sorted(frequent, key=lambda word: (-counts[word], word))
    np.testing.assert_array_equal(encoder.transform(column), expected)
    for row in range(60):
        np.testing.assert_array_equal(encoder.transform(column[[row]]), expected[[row]])


def test_rows_beyond_one_chunk_are_encoded_alike(monkeypatch):
    texts = np.array(["a b", None, "b", "", "c é"] * 3, dtype=object)
    encoder = TextEncoder(min_frequency=1).fit(texts)
    ids, present = encoder.encode(texts)
    monkeypatch.setattr(_vocabulary, "_CHUNK", 4)
    again = TextEncoder(min_frequency=1).fit(texts)
    assert again.vocabulary_ == encoder.vocabulary_
    np.testing.assert_array_equal(again.encode(texts)[0], ids)
    np.testing.assert_array_equal(again.encode(texts)[1], present)
    with pytest.raises(ValueError, match="Row 6 must be a string"):
        encoder.transform([*texts[:6], 3])


def test_a_text_given_many_times_has_the_same_ids_in_each_row():
    texts = np.array(["a b", "c", None, "a b", "a b", "c", "c", "a b"], dtype=object)
    encoder = TextEncoder(min_frequency=1).fit(texts)
    ids, present = encoder.encode(texts)
    assert present.tolist() == [True, True, False] + [True] * 5
    for row, text in enumerate(texts):
        np.testing.assert_array_equal(encoder.transform([text]), ids[[row]])
