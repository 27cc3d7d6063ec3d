"""Numbers and tables as text for a terminal.

Enters: numbers, or columns of cells. Leaves: strings, aligned where there are several.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

_LONGEST = 44


def decimals_for(values: Iterable[float]) -> int:
    """Return how many decimals show the largest of some numbers to three digits.

    Parameters
    ----------
    values : iterable of float
        The numbers; those not finite do not count.

    Returns
    -------
    int
        From 0 to 6.

    Examples
    --------
    >>> from skmerge.inspection._text import decimals_for
    >>> decimals_for([0.93, 0.5]), decimals_for([-25_400.0])
    (3, 0)
    """
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    digits = 0 if largest == 0 else math.floor(math.log10(largest))
    return min(max(2 - digits, 0), 6)


def number(value: float, decimals: int) -> str:
    """Return a number with so many decimals and separated thousands, ``""`` for NaN.

    Parameters
    ----------
    value : float
        The number.
    decimals : int
        How many decimals.

    Returns
    -------
    str
        The number.
    """
    return f"{round(value, decimals) + 0.0:,.{decimals}f}" if math.isfinite(value) else ""


def signed(difference: float, standard_error: float, decimals: int) -> str:
    """Return a difference with its standard error.

    Parameters
    ----------
    difference : float
        The difference.
    standard_error : float
        Its standard error, NaN where there is none.
    decimals : int
        How many decimals.

    Returns
    -------
    str
        Such as ``"-0.012 ± 0.004"``, ``""`` if the difference is NaN.
    """
    if not math.isfinite(difference):
        return ""
    error = number(standard_error, decimals)
    return f"{round(difference, decimals) + 0.0:+,.{decimals}f}" + (f" ± {error}" if error else "")


def shortened(text: str, length: int = _LONGEST) -> str:
    """Cut a long name in its middle.

    Parameters
    ----------
    text : str
        The name.
    length : int, default=44
        Most characters that are left.

    Returns
    -------
    str
        The name, on one line.
    """
    text = " ".join(text.split())
    if len(text) <= length:
        return text
    front = (length - 3) * 2 // 3
    return f"{text[:front]}...{text[len(text) - (length - 3 - front) :]}"


def text_table(columns: Mapping[str, Sequence[str]], left: Sequence[str]) -> str:
    """Return columns of cells as aligned lines.

    Parameters
    ----------
    columns : mapping of str to sequence of str
        The cells of each column by its header.
    left : sequence of str
        Headers of the columns that are aligned to the left.

    Returns
    -------
    str
        The header and one line per row.
    """
    blocks = []
    for header, cells in columns.items():
        width = max(map(len, [header, *cells]))
        align = str.ljust if header in left else str.rjust
        blocks.append([align(cell, width) for cell in [header, *cells]])
    return "\n".join("  ".join(line).rstrip() for line in zip(*blocks, strict=True))
