"""Words of a block of texts, marked by where they begin and end, go in; the words come out.

Words of up to eight letters are told apart as whole numbers, one byte per letter, which NumPy
and pandas do many at a time; a word becomes a string once for the whole block.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

_SPACE = ord(" ")
_KEY_BYTES = 8

#: letters of one byte each stand for themselves
ALPHABET_OF_BYTES = np.maximum(np.arange(256, dtype="<u4"), _SPACE)


def rank_letters(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Replace letters by their rank among those that occur, so that each takes few bytes.

    Parameters
    ----------
    codes : ndarray of shape (n_characters,), dtype uint32
        Code points of letters, and spaces, of which there is one and which come first.

    Returns
    -------
    letters : ndarray of shape (n_characters,), dtype uint8, uint16 or uint32
        The position of each character in `alphabet`.
    alphabet : ndarray of shape (n_letters,), dtype uint32
        Code points, among them those that occur; that of a space at 0.
    """
    if codes.max() < len(ALPHABET_OF_BYTES):
        return codes.astype(np.uint8), ALPHABET_OF_BYTES
    occurs = np.zeros(int(codes.max()) + 1, dtype=bool)
    occurs[codes] = True
    alphabet = np.flatnonzero(occurs).astype("<u4")
    ranks = np.zeros(len(occurs), dtype=np.min_scalar_type(len(alphabet)))
    ranks[alphabet] = np.arange(len(alphabet))
    return ranks.take(codes), alphabet


def group_words(
    letters: np.ndarray, alphabet: np.ndarray, starts: np.ndarray, stops: np.ndarray
) -> tuple[list[str], np.ndarray]:
    """Find out which words are the same.

    Parameters
    ----------
    letters : ndarray of shape (n_characters,), dtype uint8, uint16 or uint32
        Characters as positions in `alphabet`.
    alphabet : ndarray of shape (n_letters,), dtype uint32
        Code points; that of a space at 0.
    starts, stops : ndarrays of shape (n_words,), dtype int
        Where each word begins, and where it has ended.

    Returns
    -------
    words : list of str
        The words of the texts, each once if it is short, and the letters by themselves.
    positions : ndarray of shape (n_words,), dtype int
        Where each word stands in `words`.
    """
    lengths = stops - starts
    letters_per_key = _KEY_BYTES // letters.itemsize
    short = np.flatnonzero((lengths > 1) & (lengths <= letters_per_key))
    long = np.flatnonzero(lengths > letters_per_key)
    # right for words of one letter, such as ideographs
    words, positions = [chr(code) for code in alphabet], letters.take(starts).astype(np.intp)
    if len(short):
        keys = _keys(letters, starts[short], lengths[short] * letters.itemsize)
        short_positions, distinct = pd.factorize(keys)
        positions[short] = len(words) + short_positions
        words += _short_words(distinct, letters.dtype, alphabet)
    if len(long):
        positions[long] = len(words) + np.arange(len(long))
        words += _long_words(letters, alphabet, starts[long], stops[long])
    return words, positions


def _keys(letters: np.ndarray, starts: np.ndarray, n_bytes: np.ndarray) -> np.ndarray:
    """Return the letters of each word as one number, the first in its lowest byte."""
    padded = letters.astype(letters.dtype.newbyteorder("<"), copy=False).tobytes() + b"\0" * 8
    eights = np.ndarray(len(letters), "<u8", padded, strides=(letters.itemsize,))
    masks = np.array([2 ** (8 * size) - 1 for size in range(_KEY_BYTES + 1)], dtype=np.uint64)
    return eights[starts] & masks.take(n_bytes)


def _short_words(keys: np.ndarray, dtype: np.dtype, alphabet: np.ndarray) -> list[str]:
    n_letters = _KEY_BYTES // dtype.itemsize
    letters = keys.astype("<u8").view(dtype.newbyteorder("<")).reshape(-1, n_letters)
    spaced = np.zeros((len(keys), n_letters + 1), dtype=np.intp)
    spaced[:, :-1] = letters
    return alphabet.take(spaced).tobytes().decode("utf-32-le").split()


def _long_words(
    letters: np.ndarray, alphabet: np.ndarray, starts: np.ndarray, stops: np.ndarray
) -> list[str]:
    lengths = stops - starts + 1
    ends = np.cumsum(lengths)
    characters = np.repeat(starts - (ends - lengths), lengths) + np.arange(lengths.sum())
    spaced = letters.take(characters)
    spaced[ends - 1] = 0
    return alphabet.take(spaced).tobytes().decode("utf-32-le").split()
