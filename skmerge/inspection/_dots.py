"""One form of plot for all results here: rows of dots with whiskers, single values beneath.

Enters: values per row. Leaves: matplotlib artists.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from skmerge.inspection._text import decimals_for, number, shortened

_INCHES_PER_ROW = 0.29
_MARGIN_INCHES = 1.35
_WIDTH_INCHES = 7.4
_LABEL_LENGTH = 34
_BELOW = 0.24  # faint points lie a little under the whisker, which would hide them


@dataclass
class DotRow:
    """One row of the plot.

    Parameters
    ----------
    label : str
        Stands beside the row.
    values : ndarray of shape (n_values,)
        The faint points; the dot is their mean, or none where one is NaN.
    half_width : float
        Half the length of the whisker; NaN or 0 for none.
    color : str
        Colour of all in the row.
    marker : str
        Matplotlib marker of the dot.
    """

    label: str
    values: np.ndarray
    half_width: float
    color: str
    marker: str = "o"

    @property
    def mean(self) -> float:
        """Where the dot is."""
        return float(np.mean(self.values))


@dataclass
class DotArtists:
    """What was drawn.

    Parameters
    ----------
    dots : list of matplotlib.lines.Line2D
        The dot of each row.
    points : list of matplotlib.lines.Line2D
        The faint points of each row.
    whiskers : list of matplotlib.lines.Line2D
        The whisker of each row that has one.
    """

    dots: list[Any]
    points: list[Any]
    whiskers: list[Any]


def new_axes(n_rows: int) -> tuple[Any, Any]:
    """Make a figure that is high enough for some rows.

    Parameters
    ----------
    n_rows : int
        Number of rows.

    Returns
    -------
    figure : matplotlib.figure.Figure
        The figure.
    ax : matplotlib.axes.Axes
        Its axes.
    """
    import matplotlib.pyplot as plt

    height = _MARGIN_INCHES + _INCHES_PER_ROW * max(n_rows, 2)
    figure, ax = plt.subplots(figsize=(_WIDTH_INCHES, height), layout="constrained")
    return figure, ax


def draw_dots(ax: Any, rows: Sequence[DotRow], *, reference: float) -> DotArtists:
    """Draw the rows, the first on top, with the mean of each in numbers at the right.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    rows : sequence of DotRow
        The rows.
    reference : float
        Where a vertical line is drawn to compare with; NaN for none.

    Returns
    -------
    DotArtists
        What was drawn.
    """
    artists = DotArtists([], [], [])
    decimals = decimals_for([row.mean for row in rows])
    if np.isfinite(reference):
        ax.axvline(reference, color="0.45", linestyle=(0, (4, 3)), linewidth=1, zorder=1)
    for position, row in enumerate(rows):
        at = np.full(len(row.values), position + _BELOW)
        (points,) = ax.plot(
            row.values, at, "o", color=row.color, alpha=0.4, markersize=4.5, mew=0, zorder=2
        )
        artists.points.append(points)
        if np.isfinite(row.half_width) and row.half_width > 0:
            ends = [row.mean - row.half_width, row.mean + row.half_width]
            (whisker,) = ax.plot(
                ends, [position] * 2, color=row.color, linewidth=1.6, alpha=0.9, zorder=3
            )
            artists.whiskers.append(whisker)
        (dot,) = ax.plot(
            [row.mean], [position], row.marker, color=row.color, markersize=7.5,
            markeredgecolor="white", markeredgewidth=0.8, zorder=4,
        )  # fmt: skip
        artists.dots.append(dot)
        ax.text(
            1.015, position, number(row.mean, decimals) or "failed",
            transform=ax.get_yaxis_transform(), va="center", ha="left", fontsize="small",
        )  # fmt: skip
    _style(ax, rows, reference)
    return artists


def _style(ax: Any, rows: Sequence[DotRow], reference: float) -> None:
    ax.set_yticks(range(len(rows)), [shortened(row.label, _LABEL_LENGTH) for row in rows])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_xlim(*_limits(rows, reference))
    ax.grid(axis="x", color="0.9", linewidth=0.8)
    ax.set_axisbelow(True)
    ax.tick_params(axis="y", length=0)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)


def _limits(rows: Sequence[DotRow], reference: float) -> tuple[float, float]:
    """Return limits that show all points, and whiskers up to a quarter of the span beyond."""
    shown = np.concatenate([row.values for row in rows] + [np.array([reference])])
    shown = shown[np.isfinite(shown)]
    if not len(shown):
        return 0.0, 1.0
    low, high = float(shown.min()), float(shown.max())
    span = (high - low) or abs(high) or 1.0
    ends = [
        row.mean + sign * row.half_width
        for row in rows
        for sign in (-1, 1)
        if np.isfinite(row.mean) and np.isfinite(row.half_width)
    ]
    lowest = max(min([low, *ends]), low - span / 4)
    highest = min(max([high, *ends]), high + span / 4)
    return lowest - 0.04 * span, highest + 0.04 * span
