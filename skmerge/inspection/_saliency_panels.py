"""The panels of a saliency display: where each input goes, and how it is drawn.

Enters: one number for each pixel, word or column of an input. Leaves: drawings on matplotlib axes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from skmerge.inspection._panels import show_picture, show_words, text_width, words_height

FONT_SIZE = 10.0

#: inches above a panel for its title, between panels, of a picture's height, of a bar, and below
#: the bars for the numbers
_TITLE = 0.46
_GAP = 0.14
_PICTURE = 2.3
_BAR = 0.24
_THINNEST_BAR = 0.15
_TICKS = 0.3

_RISES, _FALLS, _NEITHER = "#b2182b", "#2166ac", "#7f7f7f"

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class InputSaliency:
    """How the score depends on one input of a row.

    Parameters
    ----------
    values : ndarray of shape (height, width), (length, channels), (n_words,) or (n_columns,)
        What is drawn: one number for each pixel, step and channel, word or column.
    content : ndarray of shape (height, width, 3) or list of str, default=None
        The picture, its colours from 0 to 1; the words; the columns. None where there is nothing
        to show but the values.
    is_text : bool, default=False
        Whether the content is words, and not columns.
    is_signed : bool, default=False
        Whether values below 0 mean something else than small ones.
    norms : frozenset of int, default=frozenset()
        Columns whose value is a norm, and so has no sign.
    is_present : bool, default=True
        Whether the row has this input.
    """

    values: np.ndarray
    content: Any = None
    is_text: bool = False
    is_signed: bool = False
    norms: frozenset[int] = frozenset()
    is_present: bool = True

    @property
    def is_picture(self) -> bool:
        """Whether there is a picture to show."""
        return self.is_present and isinstance(self.content, np.ndarray)


class SaliencyLayout:
    """Where the panels of several inputs go: pictures two by two, all else below each other.

    Parameters
    ----------
    inputs : mapping of str to InputSaliency
        What is to be drawn.
    max_columns : int
        Columns of a table to draw.
    """

    def __init__(self, inputs: Mapping[str, InputSaliency], max_columns: int) -> None:
        self.inputs = inputs
        self.max_columns = max_columns

    def natural_height(self, width: float) -> float:
        """Return the height, in inches, at which nothing needs to shrink."""
        bands = self._bands(width)
        return sum(height + _TITLE for _, height in bands) + _GAP * (len(bands) - 1)

    def boxes(self, width: float, height: float) -> dict[str, Box]:
        """Return left, top, width and height of the panel of each input, in inches."""
        bands = self._bands(width)
        room = height - _TITLE * len(bands) - _GAP * (len(bands) - 1)
        natural = sum(height for _, height in bands)
        shrink = min(1.0, max(room, 0.1) / natural) if natural else 1.0
        boxes, top = {}, 0.0
        for names, band_height in bands:
            top += _TITLE
            each = self._half(width) if self.inputs[names[0]].is_picture else width
            for position, name in enumerate(names):
                boxes[name] = (position * (each + _GAP), top, each, band_height * shrink)
            top += band_height * shrink + _GAP
        return {name: boxes[name] for name in self.inputs}

    def labels(self, name: str, box: Box) -> tuple[float, float, float]:
        """Return the room, in inches, that names and numbers need on the left, right and below."""
        saliency = self.inputs[name]
        if not saliency.is_present or saliency.is_picture or saliency.is_text:
            return 0.0, 0.0, 0.0
        if saliency.content is None:
            return 0.45, 0.1, 0.4
        order = _largest(saliency.values, self.max_columns)
        width = max((text_width(saliency.content[i], FONT_SIZE - 1) / 72 for i in order), default=0)
        return min(width + 0.12, 0.6 * box[2]), 0.25, min(_TICKS, box[3] / 2)

    def _bands(self, width: float) -> list[tuple[list[str], float]]:
        pictures = [name for name, each in self.inputs.items() if each.is_picture]
        pairs = [pictures[i : i + 2] for i in range(0, len(pictures), 2)]
        bands = [(pair, self._pictures_height(pair, width)) for pair in pairs]
        others = [name for name in self.inputs if name not in pictures]
        return bands + [([name], self._height(self.inputs[name], width)) for name in others]

    def _pictures_height(self, names: list[str], width: float) -> float:
        shapes = [self.inputs[name].values.shape for name in names]
        room = self._half(width)
        return min(_PICTURE, *(room * shape[0] / (2.06 * shape[1]) for shape in shapes))

    def _half(self, width: float) -> float:
        """Return the width of a picture's panel: all of it for the only one."""
        n_pictures = sum(saliency.is_picture for saliency in self.inputs.values())
        return width if n_pictures == 1 else (width - _GAP) / 2

    def _height(self, saliency: InputSaliency, width: float) -> float:
        if not saliency.is_present:
            return 0.05
        if saliency.is_text:
            return words_height(saliency.content, width, FONT_SIZE)
        if saliency.content is None:
            return 1.9
        return _BAR * min(max(len(saliency.content), 1), self.max_columns) + _TICKS


def draw_saliency(
    ax: Any,
    size: tuple[float, float],
    name: str,
    saliency: InputSaliency,
    *,
    max_columns: int,
    indent: float = 0.0,
) -> None:
    """Draw the panel of one input.

    Parameters
    ----------
    ax : matplotlib Axes
        Where to draw.
    size : tuple of float
        Its width and height in inches.
    name : str
        The input.
    saliency : InputSaliency
        What to draw.
    max_columns : int
        Columns of a table to draw.
    indent : float, default=0.0
        How far to the left of the axes the title starts, in inches.
    """
    title = {"fontsize": FONT_SIZE, "fontweight": "bold"}
    caption = {"fontsize": FONT_SIZE - 1.5, "color": "0.35"}
    for text, above, style in ((name, 18, title), (_caption(saliency), 5, caption)):
        ax.annotate(
            text,
            (0, 1),
            (-indent * 72, above),
            xycoords="axes fraction",
            textcoords="offset points",
            parse_math=False,
            annotation_clip=False,
            **style,
        )
    if not saliency.is_present:
        ax.set_axis_off()
    elif saliency.is_picture:
        _draw_picture(ax, saliency)
    elif saliency.is_text:
        _draw_words(ax, size, saliency)
    elif saliency.content is not None:
        # as many bars as have room for their names
        _draw_columns(ax, saliency, min(max_columns, max(1, int(size[1] / _THINNEST_BAR))))
    else:
        _draw_map(ax, saliency)


def _caption(saliency: InputSaliency) -> str:
    """Say what the colours mean."""
    if not saliency.is_present:
        return "absent from this row"
    if saliency.content is None or saliency.is_picture or saliency.is_text:
        more = f"{'brighter' if saliency.is_picture else 'redder'}: of more influence"
        how = "red raises the score, blue lowers it" if saliency.is_signed else more
        largest = np.abs(saliency.values).max(initial=0.0)
        # pictures are scaled by all but their largest values
        return how if saliency.is_picture or not largest else f"{how}, {largest:.2g} at most"
    if saliency.is_signed:
        return "derivative times the scaled value, or times the embedding of a category"
    return "derivative of the score by the scaled value" + (
        "; grey: its norm, for a category" if saliency.norms else ""
    )


def _largest(values: np.ndarray, at_most: int) -> np.ndarray:
    return np.argsort(-np.abs(values), kind="stable")[:at_most]


def _scaled(values: np.ndarray) -> np.ndarray:
    """Divide by the largest absolute value; of many, by the value that 1 of 200 exceeds."""
    sizes = np.abs(values)
    top = np.quantile(sizes, 0.995) if sizes.size > 200 else sizes.max(initial=0.0)
    top = top or sizes.max(initial=0.0)
    return np.clip(values / top, -1, 1) if top > 0 else np.zeros_like(values)


def _draw_picture(ax: Any, saliency: InputSaliency) -> None:
    """Draw the picture, and beside it the values over its grey shades."""
    import matplotlib as mpl

    picture, scaled = saliency.content, _scaled(saliency.values)
    if saliency.is_signed:
        colors = mpl.colormaps["RdBu_r"](0.5 + 0.4 * scaled)
    else:
        colors = mpl.colormaps["hot"](0.25 + 0.6 * scaled)
    weight = np.abs(scaled)[:, :, None] ** 0.7
    # pale enough to be seen below colours, and never as bright as they are
    shades = 0.2 + 0.5 * picture.mean(axis=2, keepdims=True)
    overlay = weight * colors[:, :, :3] + (1 - weight) * shades
    width = picture.shape[1]
    show_picture(ax, picture)
    show_picture(ax, np.clip(overlay, 0, 1), left=1.06 * width)
    ax.set(xlim=(0, 2.06 * width), ylim=(picture.shape[0], 0), aspect="equal", anchor="NW")
    ax.set_axis_off()


def _draw_words(ax: Any, size: tuple[float, float], saliency: InputSaliency) -> None:
    import matplotlib as mpl

    scaled = _scaled(saliency.values)
    if saliency.is_signed:
        # not to the dark ends, where red and blue are hard to tell apart
        colors = mpl.colormaps["RdBu_r"](0.5 + 0.38 * scaled)
    else:
        colors = mpl.colormaps["Reds"](0.7 * scaled)
    show_words(ax, size, saliency.content, colors, FONT_SIZE)


def _draw_columns(ax: Any, saliency: InputSaliency, max_columns: int) -> None:
    from matplotlib.ticker import MaxNLocator

    labels, values = saliency.content, saliency.values
    order = _largest(values, max_columns)
    places = np.arange(len(order))
    colors = [
        _NEITHER if i in saliency.norms else _RISES if values[i] > 0 else _FALLS for i in order
    ]
    ax.set_axis_on()
    ax.barh(places, values[order], color=colors, height=0.7)
    ax.axvline(0, color="0.4", linewidth=0.8)
    ax.set_yticks(places, [labels[i] for i in order], fontsize=FONT_SIZE - 1, parse_math=False)
    ax.xaxis.set_major_locator(MaxNLocator(6))
    ax.tick_params(axis="x", labelsize=FONT_SIZE - 2)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(max(len(order), 1) - 0.4, -0.6)
    ax.spines[["top", "right", "left"]].set_visible(False)


def _draw_map(ax: Any, saliency: InputSaliency) -> None:
    scaled = _scaled(saliency.values.reshape(len(saliency.values), -1)).T
    cmap, low = ("RdBu_r", -1) if saliency.is_signed else ("Reds", 0)
    ax.set_axis_on()
    ax.imshow(scaled, aspect="auto", interpolation="nearest", cmap=cmap, vmin=low, vmax=1)
    ax.set_xlabel("step", fontsize=FONT_SIZE - 1)
    ax.set_ylabel("channel", fontsize=FONT_SIZE - 1)
    ax.tick_params(labelsize=FONT_SIZE - 2)
