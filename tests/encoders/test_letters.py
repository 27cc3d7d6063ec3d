"""Words as numbers: letters in as few bytes as they need, words told apart exactly."""
# ruff: noqa: RUF001

import numpy as np
import pytest

from skmerge.encoders._letters import group_words, rank_letters

ALPHABETS = {
    "bytes": "abcdé'",
    "bytes by rank": "абвгд",
    "two bytes": "".join(map(chr, range(0xAC00, 0xAC00 + 3000))),
    "four bytes": "".join(map(chr, range(0x20000, 0x20000 + 70_000))),
}


def codes_of(text):
    return np.array([ord(character) for character in text], dtype=np.uint32)


def group(words):
    text = " " + "".join(f"{word} " for word in words)
    letters, alphabet = rank_letters(codes_of(text))
    lengths = np.array([len(word) for word in words])
    starts = np.cumsum(lengths + 1) - lengths
    found, positions = group_words(letters, alphabet, starts, starts + lengths)
    return letters, found, positions


@pytest.mark.parametrize(
    ("alphabet", "n_bytes"),
    [("bytes", 1), ("bytes by rank", 1), ("two bytes", 2), ("four bytes", 4)],
)
def test_words_come_out_as_they_went_in(alphabet, n_bytes):
    rng = np.random.default_rng(0)
    characters = ALPHABETS[alphabet]
    words = [characters]  # so that every letter occurs
    for length in rng.integers(1, 12, 500):
        words.append("".join(characters[i] for i in rng.integers(0, len(characters), length)))
    letters, found, positions = group(words)
    assert letters.itemsize == n_bytes
    assert [found[position] for position in positions] == words


@pytest.mark.parametrize("word", ["a", "ab", "abcdefgh", "аб"])
def test_a_short_word_has_one_position(word):
    _, found, positions = group([word, "other", word, word])
    assert positions[0] == positions[2] == positions[3] != positions[1]
    assert found.count(word) == 1


def test_words_that_begin_alike_are_different():
    words = ["a", "aa", "aaa", "aaaaaaaa", "aaaaaaaaa", "aaaaaaaaaa"]
    _, found, positions = group(words)
    assert [found[position] for position in positions] == words
    assert len(set(positions.tolist())) == len(words)


def test_no_words():
    letters, alphabet = rank_letters(codes_of("  "))
    none = np.zeros(0, dtype=np.intp)
    _, positions = group_words(letters, alphabet, none, none)
    assert len(positions) == 0
