"""Texts split many at a time: the same words as one by one, for any string."""
# ruff: noqa: RUF001

import numpy as np
import pytest

from skmerge.encoders import _word_rows
from skmerge.encoders._word_rows import split_rows
from skmerge.encoders._words import split_words

PLAIN = list("aZ09'.,_- \n\x00\"!x'.,7B")
LETTERS = list("éÉİIiΣσςäßK\u0301\u0327\u0308\u0307\u0345东かｶ\u3099か한ᄀ\u1161\u11a8ต\u0e33ำनम")
SIGNS = list("\u200c\u200d·׳״\u2019\u02bc\uff07\u00ad\ufe0f\ufeff\u061c™®°\ud800\udfff٣٫٬५𝟎𐐀𐐨𠀀")
EMOJI = list("😀👍❤⌚⺀㊗\U0001f1eb\U0001f1f7\U0001f3fd🏴\U000e0067\U000e007f\U0001d165👨\u200d👩")
ALPHABETS = {
    "ASCII": PLAIN,
    "letters of many scripts": PLAIN + LETTERS,
    "signs": PLAIN + LETTERS + SIGNS,
    "emoji": PLAIN + SIGNS + EMOJI,
    "marks": ["a", "é", " ", "'", "1", ".", "\u0301", "\u0327"],
    "pictographs and marks": ["😀", "\u200d", "❤\ufe0f", " ", "a", "\u0301", "東"],
    "long runs of marks": ["a", "\u0301" * 31, "\u0327" * 15 + "\u00ad" + "\u0301" * 17, " "],
    "Korean": [chr(code) for code in range(0xAC00, 0xAC00 + 9000, 13)] + [" ", " ", "a"],
}


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Split even a few short texts at once, and in more than one block."""
    monkeypatch.setattr(_word_rows, "_FEW", 0)
    monkeypatch.setattr(_word_rows, "_BLOCK", 500)


def words_of_rows(texts, lowercase=True, **wanted):
    rows = [None] * len(texts)
    for block in split_rows(texts, lowercase, **wanted):
        words = block.words
        if block.positions is not None:
            words = [words[position] for position in block.positions]
        ends = np.cumsum(block.counts)
        assert len(words) == (ends[-1] if len(ends) else 0)
        for row, count, end in zip(block.rows, block.counts, ends, strict=True):
            assert rows[row] is None
            rows[row] = words[end - count : end]
    return rows


def random_texts(alphabet, rng):
    sizes = rng.integers(0, rng.choice([3, 12, 60]), rng.integers(1, 60))
    return ["".join(alphabet[i] for i in rng.integers(0, len(alphabet), size)) for size in sizes]


@pytest.mark.parametrize("lowercase", [True, False])
@pytest.mark.parametrize("alphabet", ALPHABETS)
def test_random_texts_have_the_same_words_as_one_by_one(alphabet, lowercase):
    rng = np.random.default_rng(0)
    for _ in range(40):
        texts = random_texts(ALPHABETS[alphabet], rng)
        expected = [split_words(text, lowercase) for text in texts]
        assert words_of_rows(texts, lowercase) == expected, ascii(texts)


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("alphabet", ["ASCII", "signs", "emoji", "Korean"])
def test_only_the_first_or_last_words_are_kept(alphabet, last):
    rng = np.random.default_rng(1)
    for limit in (1, 2, 5) * 5:
        texts = random_texts(ALPHABETS[alphabet], rng)
        expected = [split_words(text) for text in texts]
        expected = [words[-limit:] if last else words[:limit] for words in expected]
        assert words_of_rows(texts, limit=limit, last=last) == expected, ascii(texts)


@pytest.mark.parametrize(
    "around", ["{}", "a{0}{0}é", "1{}2 é", "é\u0301{}x", "東{}\u0301", "\u200d{}б"]
)
def test_every_kind_of_character_is_read_alike(around):
    # characters of one category and script are neighbours: every fifth, and all that vary
    codes = [*range(0x3100), *range(0x3100, 0x20000, 5), *range(0xFE00, 0x10000), 0xE0067]
    texts = [around.format(chr(code)) for code in codes]
    for first in range(0, len(texts), 5000):
        chunk = texts[first : first + 5000]
        assert words_of_rows(chunk) == [split_words(text) for text in chunk]


def test_small_letters_are_those_of_lower():
    codes = [code for code in range(0x20000) if chr(code) not in "\u0130\u03a3\u0307"]
    table = _word_rows._lower_table()
    assert [chr(table[code]) for code in codes] == [chr(code).lower() for code in codes]


def test_texts_without_words_and_no_texts():
    assert words_of_rows([]) == []
    assert words_of_rows(["", "...", "\0", "\u0301", "\ud800"]) == [[]] * 5


def test_strings_of_numpy_are_texts():
    assert words_of_rows([np.str_("A b"), np.str_("É b")]) == [["a", "b"], ["é", "b"]]


def test_long_words_do_not_run_into_the_next():
    texts = ["incomprehensibilities東京 x'y", "ab東 unquestionably'", "é" * 40 + "東"]
    assert words_of_rows(texts) == [split_words(text) for text in texts]
