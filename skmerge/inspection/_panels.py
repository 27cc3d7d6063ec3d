"""Where and how things are drawn: room for several panels, pictures, and words in colours.

Enters: arrays and texts. Leaves: drawings on matplotlib axes. matplotlib is imported inside the
functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

#: inches of the margins of a figure: left, right, top without a title, bottom
MARGIN = 0.15

_LINE_HEIGHT = 1.75
_SMALLEST_FONT = 5.0

#: drawn on pixels, letters get wider than their outlines
_HINTING = 1.04


def as_picture(array: np.ndarray) -> np.ndarray:
    """Turn the pixels of a row into a picture that matplotlib shows.

    Parameters
    ----------
    array : ndarray of shape (height, width) or (height, width, channels)
        0..255 where the dtype is uint8; any numbers otherwise, whose range becomes 0..1.

    Returns
    -------
    ndarray of shape (height, width, 3)
        Colours from 0 to 1; grey for one channel, or the mean of channels that are no colours.
    """
    if array.dtype == np.uint8:
        pixels = array.astype(np.float64) / 255
    else:
        pixels = array.astype(np.float64)
        low, high = pixels.min(), pixels.max()
        if low < 0 or high > 1:
            pixels = (pixels - low) / (high - low) if high > low else np.zeros_like(pixels)
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        # what is transparent is laid on white, as the encoder does
        pixels = pixels[:, :, :3] * pixels[:, :, 3:] + 1 - pixels[:, :, 3:]
    if pixels.ndim == 3 and pixels.shape[2] == 3:
        return pixels
    grey = pixels.mean(axis=2) if pixels.ndim == 3 else pixels
    return np.repeat(grey[:, :, None], 3, axis=2)


def show_picture(ax: Any, picture: np.ndarray, left: float = 0.0) -> None:
    """Draw a picture, its pixels as they are.

    Parameters
    ----------
    ax : matplotlib Axes
        Where to draw.
    picture : ndarray of shape (height, width, 3)
        Colours from 0 to 1.
    left : float, default=0.0
        Where its left edge is, in pixels.
    """
    height, width = picture.shape[:2]
    extent = (left, left + width, height, 0)
    ax.imshow(picture, extent=extent, interpolation="nearest", vmin=0, vmax=1)


def bounding_axes(ax: Any, width: float, height: float) -> tuple[Any, tuple[float, float]]:
    """Return axes to draw panels in, and their size.

    Parameters
    ----------
    ax : matplotlib Axes or None
        The user's axes, which are emptied; None for those of a new figure.
    width, height : float
        Size of a new figure in inches.

    Returns
    -------
    ax : matplotlib Axes
        The axes, without ticks and frame.
    size : tuple of float
        Their width and height in inches.
    """
    import matplotlib.pyplot as plt

    if ax is None:
        figure = plt.figure(figsize=(width, height))
        ax = figure.add_axes(
            (MARGIN / width, MARGIN / height, 1 - 2 * MARGIN / width, 1 - 2 * MARGIN / height)
        )
    ax.set_axis_off()
    box = ax.get_window_extent()
    dpi = ax.figure.dpi
    return ax, (box.width / dpi, box.height / dpi)


def panel(bounding: Any, size: tuple[float, float], box: Sequence[float]) -> Any:
    """Add axes within others.

    Parameters
    ----------
    bounding : matplotlib Axes
        The axes around.
    size : tuple of float
        Their width and height in inches.
    box : sequence of float
        Left, top, width and height of the new ones in inches, from the upper left corner.

    Returns
    -------
    matplotlib Axes
        The new axes.
    """
    left, top, width, height = box
    return bounding.inset_axes(
        (left / size[0], 1 - (top + height) / size[1], width / size[0], height / size[1])
    )


def word_lines(
    words: Sequence[str], width: float, font_size: float
) -> list[list[tuple[str, float]]]:
    """Break words into lines.

    Parameters
    ----------
    words : sequence of str
        The words; one that is longer than a line is cut.
    width : float
        Width of a line, in points.
    font_size : float
        Size of the font, in points.

    Returns
    -------
    list of list of (str, float)
        For each line its words, each with the place where it starts, in points.
    """
    lines: list[list[tuple[str, float]]] = [[]]
    gap, start = 0.55 * font_size, 0.2 * font_size
    place = start
    for given in words:
        word, length = _fitting(given, width, font_size)
        if lines[-1] and place + length > width:
            lines.append([])
            place = start
        lines[-1].append((word, place))
        place += length + gap
    return lines


def words_height(words: Sequence[str], width: float, font_size: float) -> float:
    """Return the height that words need.

    Parameters
    ----------
    words : sequence of str
        The words.
    width : float
        Width of a line, in inches.
    font_size : float
        Size of the font, in points.

    Returns
    -------
    float
        The height in inches.
    """
    return len(word_lines(words, width * 72, font_size)) * font_size * _LINE_HEIGHT / 72


def show_words(
    ax: Any, size: tuple[float, float], words: Sequence[str], colors: np.ndarray, font_size: float
) -> None:
    """Draw words in lines, each on a colour of its own.

    Parameters
    ----------
    ax : matplotlib Axes
        Where to draw; all of it is used.
    size : tuple of float
        Its width and height in inches. The font gets smaller where the words do not fit.
    words : sequence of str
        The words.
    colors : ndarray of shape (n_words, 4)
        The colour behind each word.
    font_size : float
        Largest size of the font, in points.
    """
    width, height = size
    while font_size > _SMALLEST_FONT and words_height(words, width, font_size) > height:
        font_size -= 0.5
    ax.set(xlim=(0, width * 72), ylim=(height * 72, 0))
    ax.set_axis_off()
    position = 0
    for number, line in enumerate(word_lines(words, width * 72, font_size)):
        baseline = (number + 0.5) * font_size * _LINE_HEIGHT
        for word, place in line:
            color = colors[position]
            ax.text(
                place,
                baseline,
                word,
                size=font_size,
                va="center",
                parse_math=False,
                color="black" if _luminance(color) > 0.45 else "white",
                bbox={"facecolor": color, "edgecolor": "none", "boxstyle": "square,pad=0.18"},
            )
            position += 1


def text_width(text: str, font_size: float) -> float:
    """Return how wide a text is drawn.

    Parameters
    ----------
    text : str
        The text.
    font_size : float
        Size of the font, in points.

    Returns
    -------
    float
        The width in points.
    """
    import warnings

    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    with warnings.catch_warnings():
        # of scripts that the font lacks, matplotlib warns again when it draws them
        warnings.simplefilter("ignore")
        width, _, _ = text_to_path.get_text_width_height_descent(
            text, FontProperties(size=font_size), ismath=False
        )
    return _HINTING * float(width)


def _fitting(word: str, width: float, font_size: float) -> tuple[str, float]:
    length = text_width(word, font_size)
    if length <= width:
        return word, length
    kept = max(1, int(len(word) * width / length) - 2)
    word = f"{word[:kept]}..."
    return word, text_width(word, font_size)


def _luminance(color: Any) -> float:
    red, green, blue = np.asarray(color)[:3]
    return float(0.299 * red + 0.587 * green + 0.114 * blue)
