"""A text goes in, its words come out, in order.

Texts are brought to Unicode's NFC form, so that "é" is one word's letter however it was typed.
Not NFKC: that would glue "Nike™" into "niketm" and read "5²" as 52. Case is dropped by
``str.lower`` and not by ``str.casefold``, which would show "straße" as "strasse" in the
vocabulary.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache

# Han with its radicals and marks of repetition, hiragana, katakana, bopomofo: no spaces there
IDEOGRAPHS = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303c\u3041-\u3096\u309d-\u309f"
    "\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\uff66-\uff9f\U0001aff0-\U0001b16f\U00020000-\U0003ffff"
)
_IDEOGRAPH = re.compile(f"[{IDEOGRAPHS}]")
_FLAG = "[\U0001f1e6-\U0001f1ff]{2}"
EMOJI = "\U0001f000-\U0001faff"
# not the exact letters beyond the basic plane: their ranges would be tried one by one
SUPPLEMENT = "\U00010000-\U0001afef\U0001b170-\U0001efff"
_SKIN_TONE = "[\U0001f3fb-\U0001f3ff]"
_TAG_LETTERS = "[\U000e0020-\U000e007f]"  # spell the flags of England, Scotland, Wales
JOINER = "\u200d"

# soft hyphen, word joiners, marks of direction, variation selectors: they change how a word
# looks, never which word it is
INVISIBLE = "\u00ad\u061c\u200e\u200f\u2060\ufe00-\ufe0f\ufeff"
_ANY_INVISIBLE = re.compile(f"[{INVISIBLE}]")
APOSTROPHES = "\u2019\u02bc\uff07"  # which become "'"
# apostrophes; the Catalan dot; Hebrew geresh and gershayim; joiners of Persian and Indic scripts
WITHIN_WORD = f"'\u00b7\u05f3\u05f4\u200c{JOINER}"
WITHIN_NUMBER = ".,\u066b\u066c"

_ASCII_WORD = re.compile(r"[a-zA-Z0-9]+(?:(?:'|(?<=[0-9])[.,](?=[0-9]))[a-zA-Z0-9]+)*")
# all but Latin letters, typographic signs and currencies, which NFC leaves as they are
_COMPOSABLE = re.compile("[\u0300-\u1fff\u20d0-\U0010ffff]")
MAX_MARKS = 30  # what Unicode's stream-safe text format allows


def split_words(text: str, lowercase: bool = True) -> list[str]:
    """Split a text into words.

    Letters, digits and combining marks run together, with apostrophes inside a word and points
    or commas inside a number ("don't", "3.5"). Ideographs, kana and pictographs (emoji
    sequences and flags whole) are one word each. Typographic apostrophes become ``'``;
    invisible characters, variation selectors among them, are taken out; all else separates
    words. Scripts written without spaces in which letters build syllables (Thai, Khmer) are
    split at spaces only.

    Parameters
    ----------
    text : str
        Any string, lone surrogates and control characters included.
    lowercase : bool, default=True
        Whether words are returned in lower case.

    Returns
    -------
    list of str
        The words, in time linear in the length of the text.
    """
    if lowercase:
        text = text.lower()
    if text.isascii():
        return _ASCII_WORD.findall(text)
    pattern, long_run_of_marks = _patterns()
    if lowercase:
        text = text.replace("i\u0307", "i")  # what lower() makes of the Turkish capital I
    text = _ANY_INVISIBLE.sub("", text)
    if _COMPOSABLE.search(text):
        # putting a run of marks into NFC's order takes time quadratic in its length
        text = long_run_of_marks.sub(r"\1", text)
        text = unicodedata.normalize("NFC", text)
    for apostrophe in APOSTROPHES:
        text = text.replace(apostrophe, "'")
    return pattern.findall(text)


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    r"""Compile the pattern of a word and that of a run of marks that is too long.

    Classes of characters are written out, because ``\w`` has no combining marks and would tear
    Devanagari, Thai or pointed Hebrew apart, and one class per position keeps matching linear.
    """
    letters, marks, symbols = map(_ranges, basic_characters())
    base = f"a-zA-Z0-9{letters}{SUPPLEMENT}"
    emoji = f"[{symbols}{EMOJI}]{_SKIN_TONE}?{_TAG_LETTERS}*"
    within = f"[{WITHIN_WORD}]|(?<=\\d)[{WITHIN_NUMBER}](?=\\d)"
    word = f"[{base}][{base}{marks}]*(?:(?:{within})[{base}{marks}]+)*"
    pattern = f"{_FLAG}|{emoji}(?:{JOINER}{emoji})*|[{IDEOGRAPHS}][{marks}]*|{word}"
    any_mark = f"[{marks}{_ranges(supplementary_marks())}]"
    long_run = f"(?=[{marks}{SUPPLEMENT}])({any_mark}{{{MAX_MARKS}}}){any_mark}+"
    return re.compile(pattern), re.compile(long_run)


@cache
def basic_characters() -> tuple[list[int], list[int], list[int]]:
    """Return the letters and digits, the combining marks and the pictographs beyond ASCII.

    Returns
    -------
    letters, marks, symbols : lists of int
        Their code points, up to U+FFFF.
    """
    letters, marks, symbols = [], [], []
    for code in range(0x80, 0x10000):
        character = chr(code)
        category = unicodedata.category(character)
        if category[0] == "M":
            marks.append(code)
        elif _is_pictograph(code, category):
            symbols.append(code)
        elif character.isalnum() and not _IDEOGRAPH.match(character):
            letters.append(code)
    return letters, marks, symbols


def supplementary_marks() -> list[int]:
    """Return the characters beyond U+FFFF that have an order among combining marks.

    Returns
    -------
    list of int
        Their code points.
    """
    return [code for code in range(0x10000, 0x1F000) if unicodedata.combining(chr(code))]


def _is_pictograph(code: int, category: str) -> bool:
    """Say whether a symbol stands for a thing: not a degree sign, a box rule, a lost character."""
    is_box_drawing = 0x2500 <= code <= 0x259F
    return category == "So" and 0x2300 <= code < 0xFFFC and not is_box_drawing


def _ranges(codes: Iterable[int]) -> str:
    """Write sorted code points as the inside of a character class."""
    ranges: list[list[int]] = []
    for code in codes:
        if ranges and code == ranges[-1][1] + 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)
