"""Many texts go in; the words of all of them come out, and how many each text has.

The result is that of `split_words`, text by text, found for a block of texts at once: the texts
are joined, every character gets a class, and NumPy marks where words begin and end. Texts in
which more than neighbouring characters count (emoji sequences, flags, stray marks) are left to
`split_words`.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain

import numpy as np

from skmerge.encoders._letters import ALPHABET_OF_BYTES, group_words, rank_letters
from skmerge.encoders._words import (
    APOSTROPHES,
    EMOJI,
    IDEOGRAPHS,
    INVISIBLE,
    JOINER,
    MAX_MARKS,
    SUPPLEMENT,
    WITHIN_NUMBER,
    WITHIN_WORD,
    basic_characters,
    split_words,
    supplementary_marks,
)

_BLOCK = 2**18  # characters split at a time
_FEW = 5_000  # characters below which NumPy has no advantage

# classes of characters; words are made of the first three, each of the last two is a word
_LETTER, _DIGIT, _MARK, _JOINER, _WITHIN_WORD, _WITHIN_NUMBER, _OTHER, _INVISIBLE, _HARD = range(9)
_IDEOGRAPH, _PICTOGRAPH = 9, 10

_SPACE = ord(" ")
_APOSTROPHE = ord("'")
_SLASH = ord("/")
_ZERO = ord("0")
_NINE = ord("9")
# capitals whose small letter depends on what is beside them, and the dot that lower() leaves
_LOWERED_IN_CONTEXT = "\u03a3\u0130\u0307"
_FIRST_COMPOSED = 0x300  # characters below are in NFC whatever is beside them
# halves of flags, skin tones, letters that spell a flag
_HARD_RANGES = "\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f"


@dataclass
class WordRows:
    """The words of some texts.

    Parameters
    ----------
    rows : ndarray of shape (n_texts,), dtype int
        Which texts these are.
    counts : ndarray of shape (n_texts,), dtype int
        How many words each has.
    words : list of str
        The words that there are, and perhaps others.
    positions : ndarray of shape (n_words,), dtype int, or None
        Where each word of the texts, in order, stands in `words`; None if one by one.
    """

    rows: np.ndarray
    counts: np.ndarray
    words: list[str]
    positions: np.ndarray | None = None


@dataclass
class _Wanted:
    """What is wanted of each text."""

    lowercase: bool
    limit: int | None
    last: bool


def split_rows(
    texts: Sequence[str], lowercase: bool = True, *, limit: int | None = None, last: bool = False
) -> Iterator[WordRows]:
    """Split texts into words, block by block.

    Parameters
    ----------
    texts : sequence of str
        Any strings.
    lowercase : bool, default=True
        Whether words are returned in lower case.
    limit : int, default=None
        How many words of a text are wanted at most; None wants all.
    last : bool, default=False
        Whether these are its last ones.

    Yields
    ------
    WordRows
        The words of some of the texts; each text is in one of the blocks.
    """
    wanted = _Wanted(lowercase, limit, last)
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    if lengths.sum() <= _FEW:
        yield _one_by_one(texts, np.arange(len(texts)), wanted)
        return
    block_of = np.cumsum(lengths) // _BLOCK
    for rows in np.split(np.arange(len(texts)), np.flatnonzero(np.diff(block_of)) + 1):
        block = texts[rows[0] : rows[-1] + 1]
        is_ascii = np.fromiter(map(str.isascii, block), dtype=bool, count=len(block))
        if is_ascii.any():
            plain = [text for text in block if text.isascii()]
            yield _split_ascii(plain, rows[is_ascii], wanted)
        if not is_ascii.all():
            wide = [text for text in block if not text.isascii()]
            yield from _split_wide(wide, rows[~is_ascii], wanted)


def _one_by_one(texts: Sequence[str], rows: np.ndarray, wanted: _Wanted) -> WordRows:
    split = [split_words(text, wanted.lowercase) for text in texts]
    if wanted.limit is not None:
        kept = slice(-wanted.limit, None) if wanted.last else slice(wanted.limit)
        split = [words[kept] for words in split]
    counts = np.fromiter(map(len, split), dtype=np.int64, count=len(split))
    return WordRows(rows, counts, list(chain.from_iterable(split)))


def _split_ascii(texts: list[str], rows: np.ndarray, wanted: _Wanted) -> WordRows:
    joined = bytearray("\0".join(["", *texts, ""]), "ascii")
    codes = np.frombuffer(joined.translate(_ascii_table(wanted.lowercase)), dtype=np.uint8)
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    ends = np.append(0, np.cumsum(lengths + 1))
    # between the space and the digits are the apostrophe, the comma and the point alone
    within = np.flatnonzero(codes - np.uint8(_SPACE + 1) < np.uint8(_ZERO - _SPACE - 1))
    before, after = codes[within - 1], codes[within + 1]
    joins = (before > _SLASH) & (after > _SLASH)
    joins &= (codes[within] == _APOSTROPHE) | ((before <= _NINE) & (after <= _NINE))
    codes[within[~joins]] = _SPACE
    starts, stops = _runs(codes != _SPACE)
    kept, counts = _kept(starts, ends, wanted)
    words, positions = group_words(codes, ALPHABET_OF_BYTES, starts[kept], stops[kept])
    return WordRows(rows, counts, words, positions)


def _runs(is_word: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where runs of True begin and where they have ended; the first and last are False."""
    changes = np.flatnonzero(is_word[1:] != is_word[:-1]) + 1
    return changes[::2], changes[1::2]


def _kept(
    starts: np.ndarray, ends: np.ndarray, wanted: _Wanted
) -> tuple[slice | np.ndarray, np.ndarray]:
    """Return which words, by their starts, are not too many, and how many each text has."""
    firsts = np.searchsorted(starts, ends)
    counts = np.diff(firsts)
    if wanted.limit is None or counts.max(initial=0) <= wanted.limit:
        return slice(None), counts
    first_kept = np.maximum(firsts[1:] - wanted.limit, firsts[:-1]) if wanted.last else firsts[:-1]
    place = np.arange(len(starts)) - np.repeat(first_kept, counts)
    return (place >= 0) & (place < wanted.limit), np.minimum(counts, wanted.limit)


def _split_wide(texts: list[str], rows: np.ndarray, wanted: _Wanted) -> Iterator[WordRows]:
    codes, classes, hard = _read(texts, wanted.lowercase)
    while len(hard):
        is_hard = np.zeros(len(texts), dtype=bool)
        is_hard[hard] = True
        yield _one_by_one([texts[i] for i in hard], rows[is_hard], wanted)
        rows = rows[~is_hard]
        texts = [texts[i] for i in np.flatnonzero(~is_hard)]
        codes, classes, hard = _read(texts, wanted.lowercase)
    ends = np.flatnonzero(codes == 0)
    within = np.flatnonzero((classes >= _JOINER) & (classes <= _WITHIN_NUMBER))
    before, after = classes[within - 1], classes[within + 1]
    joins = (before <= _MARK) & (after <= _MARK)
    joins &= (classes[within] != _WITHIN_NUMBER) | ((before == _DIGIT) & (after == _DIGIT))
    within = within[joins]
    codes[within[np.isin(codes[within], [ord(sign) for sign in APOSTROPHES])]] = _APOSTROPHE
    classes[within] = _LETTER
    in_word = classes <= _MARK
    begins, ends_before = in_word[1:] > in_word[:-1], in_word[1:] < in_word[:-1]
    is_single = classes >= _IDEOGRAPH
    if is_single.any():
        begins |= is_single[1:]
        ends_before |= is_single[:-1]
        in_word |= is_single
    starts, stops = np.flatnonzero(begins) + 1, np.flatnonzero(ends_before) + 1
    kept, counts = _kept(starts, ends, wanted)
    letters, alphabet = rank_letters(np.where(in_word, codes, np.uint32(_SPACE)))
    words, positions = group_words(letters, alphabet, starts[kept], stops[kept])
    yield WordRows(rows, counts, words, positions)


def _read(texts: list[str], lowercase: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the characters of texts, a 0 around each text, their classes, and the hard texts."""
    joined = "\0".join(["", *texts, ""])
    if joined.count("\0") > len(texts) + 1:
        joined = "\0".join(["", *(text.replace("\0", " ") for text in texts), ""])
    by_table = lowercase and not any(sign in joined for sign in _LOWERED_IN_CONTEXT)
    if lowercase and not by_table:
        joined = joined.lower().replace("i\u0307", "i")
    codes = _codes_of(joined)
    if by_table:
        codes = _lower_table().take(codes)
    classes = _class_table().take(codes)
    is_invisible = classes == _INVISIBLE
    if is_invisible.any():
        codes, classes = codes[~is_invisible], classes[~is_invisible]
    hard = np.flatnonzero(classes == _HARD)
    marks = np.flatnonzero(classes == _MARK)
    hard = np.append(hard, marks[MAX_MARKS:][marks[MAX_MARKS:] - marks[:-MAX_MARKS] == MAX_MARKS])
    if not len(hard) and codes.max() >= _FIRST_COMPOSED:
        joined = codes.tobytes().decode("utf-32-le", "surrogatepass")
        composed = unicodedata.normalize("NFC", joined)
        if composed is not joined and composed != joined:
            codes = _codes_of(composed)
            classes = _class_table().take(codes)
            marks = np.flatnonzero(classes == _MARK)
            hard = np.flatnonzero(classes == _HARD)
        # a mark belongs to the letter before it, but whose is one behind an emoji?
        hard = np.append(hard, marks[classes[marks - 1] > _MARK])
        joiners = np.flatnonzero(classes == _JOINER)
        hard = np.append(hard, joiners[classes[joiners - 1] == _PICTOGRAPH])
    ends = np.flatnonzero(codes == 0)
    return codes, classes, np.unique(np.searchsorted(ends, hard) - 1)


def _codes_of(text: str) -> np.ndarray:
    return np.frombuffer(bytearray(text.encode("utf-32-le", "surrogatepass")), dtype="<u4")


@cache
def _ascii_table(lowercase: bool) -> bytes:
    """Return what each ASCII character becomes: itself in a word, or a space."""
    kept = (chr(code) if chr(code).isalnum() or chr(code) in "',." else " " for code in range(128))
    text = "".join(kept)
    return (text.lower() if lowercase else text).encode() + b" " * 128


@cache
def _lower_table() -> np.ndarray:
    """Return the code point of each code point in lower case, where that is one."""
    table = np.arange(sys.maxunicode + 1, dtype="<u4")
    for code in range(0x30000):
        lower = chr(code).lower()
        if len(lower) == 1:
            table[code] = ord(lower)
    return table


@cache
def _class_table() -> np.ndarray:
    """Return the class of every code point."""
    letters, marks, symbols = basic_characters()
    plain = [code for code in range(128) if chr(code).isalnum()]
    letters = [*plain, *letters, *_codes_in(SUPPLEMENT)]
    table = np.full(sys.maxunicode + 1, _OTHER, dtype=np.uint8)
    # later ones prevail, in the order in which `split_words` looks for them
    for codes, character_class in (
        (letters, _LETTER),
        ([code for code in letters if chr(code).isdecimal()], _DIGIT),
        (marks, _MARK),
        (_codes_in(IDEOGRAPHS), _IDEOGRAPH),
        ([*symbols, *_codes_in(EMOJI)], _PICTOGRAPH),
        (_codes_in(WITHIN_WORD + APOSTROPHES), _WITHIN_WORD),
        (_codes_in(WITHIN_NUMBER), _WITHIN_NUMBER),
        (_codes_in(JOINER), _JOINER),
        (_codes_in(INVISIBLE), _INVISIBLE),
        ([*supplementary_marks(), *_codes_in(_HARD_RANGES)], _HARD),
    ):
        table[codes] = character_class
    return table


def _codes_in(inside: str) -> list[int]:
    """Return the code points of the inside of a character class, such as "a-z'"."""
    ranges = re.findall("(?s)(.)-(.)|(.)", inside)
    return [c for a, b, one in ranges for c in range(ord(a or one), ord(b or one) + 1)]
