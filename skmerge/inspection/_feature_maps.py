"""Inside a convolution: its filters, and what it makes of one picture, drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils._optional_dependencies import check_matplotlib_support

from skmerge._calls import CallLog, replaced_calls, sublayers
from skmerge._errors import did_you_mean
from skmerge.inspection._one_row import OneRow, one_row
from skmerge.inspection._panels import MARGIN, as_picture, bounding_axes, panel, show_picture

_WHAT = ("activations", "filters")

#: the picture's height, as a share of that of all maps, and in inches, whichever is less
_PICTURE_SHARE = 0.6
_PICTURE_HEIGHT = 2.6

#: inches of the maps' height, of the figure's width, of the line above, above each map, between
#: picture and maps, and beside the maps
_HEIGHT = 4.0
_HIGHEST = 7.5
_WIDEST = 11.0
_NARROWEST = 4.5
_TITLE = 0.3
_NUMBERS = 0.18
_GAP = 0.3
_BAR = 0.7

_FONT = 10.0


class FeatureMapDisplay:
    """Maps of a convolution for one picture, or its filters, with the picture beside them.

    Of more maps than are drawn, those that are strongest are: the largest mean absolute value of
    a map, the largest norm of a filter. They are drawn in the order of their numbers.

    Make it with `from_estimator`.

    Parameters
    ----------
    maps : ndarray of shape (n_maps, height, width) or (n_maps, height, width, channels)
        The maps or filters that are drawn.
    numbers : ndarray of shape (n_maps,)
        Position of each among all maps of the layer.
    n_maps : int
        Number of all maps of the layer.
    picture : ndarray of shape (height, width, 3)
        The picture, its colours from 0 to 1.
    input : str
        The input that the picture is of.
    layer : str
        The layer.
    what : {"activations", "filters"}
        What the maps are.
    row : int
        Position of the row.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes around all.
    picture_ax_ : matplotlib Axes
        The axes of the picture.
    axes_ : ndarray of matplotlib Axes of shape (n_maps,)
        The axes of each map.
    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    SaliencyDisplay : Which pixels the prediction depends on.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skmerge import ConvBranch, FeatureMapDisplay, MergedNetClassifier
    >>> digits = load_digits()
    >>> X = {"picture": digits.images[:64]}
    >>> branches = {"picture": ConvBranch(filters=(4,))}
    >>> clf = MergedNetClassifier(branches=branches, epochs=1).fit(X, digits.target[:64])
    >>> display = FeatureMapDisplay.from_estimator(clf, X, row=3)
    >>> display.layer, display.maps.shape
    ('conv_1', (4, 8, 8))
    """

    def __init__(
        self,
        maps: np.ndarray,
        *,
        numbers: np.ndarray,
        n_maps: int,
        picture: np.ndarray,
        input: str,
        layer: str,
        what: str,
        row: int,
    ) -> None:
        self.maps = maps
        self.numbers = numbers
        self.n_maps = n_maps
        self.picture = picture
        self.input = input
        self.layer = layer
        self.what = what
        self.row = row

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        input: str | None = None,
        row: int = 0,
        layer: str | None = None,
        what: str = "activations",
        max_maps: int = 16,
        ax: Any = None,
    ) -> FeatureMapDisplay:
        """Run one picture through a branch, and draw the maps of one layer.

        Parameters
        ----------
        estimator : MergedNetClassifier, MergedNetRegressor or Pipeline
            The fitted estimator, or a Pipeline that ends in one.
        X : DataFrame, MultiInput, matrix, sparse matrix, dict of arrays or list of inputs
            Rows, in the form that ``fit`` was given.
        input : str, default=None
            The input of the picture; needed where convolutions read several.
        row : int, default=0
            Position of the row in X.
        layer : str, default=None
            Name of the layer, after those of the networks that it is in: ``"resnet/conv2d"``.
            None takes the first convolution. Of a convolution without an activation of its own,
            the maps are those after the normalisation and activation that follow it.
        what : {"activations", "filters"}, default="activations"
            ``"activations"``: what comes out of the layer. ``"filters"``: its weights; in
            colours for a filter of three channels, otherwise their mean over the channels that
            the filter reads.
        max_maps : int, default=16
            Maps to draw, at most.
        ax : matplotlib Axes, default=None
            Axes to draw in, around all. None makes a figure.

        Returns
        -------
        FeatureMapDisplay
            The display, drawn.

        Raises
        ------
        TypeError
            If the estimator is another one.
        NotFittedError
            If it is not fitted.
        IndexError
            If X has no such row.
        ValueError
            If there is no such input or layer, if the input must be named, or if the row lacks it.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        if what not in _WHAT:
            raise ValueError(
                f"'what' must be one of {list(_WHAT)}. Got {what!r}.{did_you_mean(what, _WHAT)}"
            )
        one = one_row(estimator, X, row)
        name, branch = _branch_of(one, input)
        layer_name, found = _layer_of(branch, layer, only_convolutions=what == "filters")
        maps = _filters(found) if what == "filters" else _activations(one, name, branch, found)
        kept = np.sort(_strongest(maps, max_maps))
        display = cls(
            maps[kept],
            numbers=kept,
            n_maps=len(maps),
            picture=as_picture(one.array(name)[0]),
            input=name,
            layer=layer_name,
            what=what,
            row=int(row),
        )
        return display.plot(ax=ax)

    def plot(self, *, ax: Any = None) -> FeatureMapDisplay:
        """Draw the maps.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw in, around all. None makes a figure.

        Returns
        -------
        FeatureMapDisplay
            This display.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        grid = _grid(len(self.maps))
        natural = min(max(_HEIGHT, 0.75 * grid[0]), _HIGHEST)
        share = min(_PICTURE_SHARE, _PICTURE_HEIGHT / natural)
        # widths of picture and maps for a height of 1
        picture = share * self.picture.shape[1] / self.picture.shape[0]
        maps = grid[1] * self.maps.shape[2] / (grid[0] * self.maps.shape[1])
        around = _GAP + (_BAR if self.maps.ndim == 3 else 0)
        height = min(natural, (_WIDEST - around) / (picture + maps))
        width = max(height * (picture + maps) + around, _NARROWEST)
        bounding, size = bounding_axes(
            ax, width + 2 * MARGIN, height + _TITLE + _NUMBERS + 2 * MARGIN
        )
        height = min(size[1] - _TITLE - _NUMBERS, (size[0] - around) / (picture + maps))
        bounding.set_title(
            self._headline(), loc="left", fontsize=_FONT + 1, y=1 - 0.22 / size[1], parse_math=False
        )
        top = _TITLE + _NUMBERS
        self.picture_ax_ = panel(bounding, size, (0, top, height * picture, height * share))
        show_picture(self.picture_ax_, self.picture)
        self.picture_ax_.set(xticks=[], yticks=[], xlabel=f"{self.input}, row {self.row}")
        self.picture_ax_.xaxis.label.set(fontsize=_FONT, parse_math=False)
        self.picture_ax_.spines[:].set_visible(False)
        box = (height * picture + _GAP, top, height * maps, height)
        self.axes_ = self._draw_maps(bounding, size, box, grid)
        self.ax_, self.figure_ = bounding, bounding.figure
        return self

    def _headline(self) -> str:
        what = "filters" if self.what == "filters" else "maps"
        if self.maps.ndim == 4:
            what = "filters (of three channels: colours, grey where they are 0)"
        if len(self.maps) == self.n_maps:
            return f"{self.layer}: all {self.n_maps} {what}"
        return f"{self.layer}: the {len(self.maps)} strongest of {self.n_maps} {what}"

    def _draw_maps(
        self, bounding: Any, size: tuple[float, float], box: Any, grid: tuple[int, int]
    ) -> np.ndarray:
        import matplotlib as mpl

        left, top, width, height = box
        cell = width / grid[1], height / grid[0]
        largest = float(np.abs(self.maps).max()) or 1.0
        is_signed = bool((self.maps < 0).any())
        norm = mpl.colors.Normalize(-largest if is_signed else 0, largest)
        cmap = mpl.colormaps["RdBu_r" if is_signed else "viridis"]
        axes = []
        for position, (number, values) in enumerate(zip(self.numbers, self.maps, strict=True)):
            row, column = divmod(position, grid[1])
            place = (left + column * cell[0], top + row * cell[1])
            ax = panel(bounding, size, (*place, cell[0] - 0.06, cell[1] - _NUMBERS))
            # a filter of three channels is a picture, grey where it is 0
            shown = values / (2 * largest) + 0.5 if values.ndim == 3 else values
            ax.imshow(shown, cmap=cmap, norm=norm, interpolation="nearest")
            ax.set(xticks=[], yticks=[], anchor="NW")
            ax.set_title(str(number), loc="left", fontsize=7, pad=1.5)
            ax.spines[:].set_visible(False)
            axes.append(ax)
        if self.maps.ndim == 3:
            bar = panel(bounding, size, (left + width + 0.05, top, 0.12, height - _NUMBERS))
            bounding.figure.colorbar(mpl.cm.ScalarMappable(norm, cmap), cax=bar)
            bar.tick_params(labelsize=_FONT - 2)
        return np.array(axes, dtype=object)


def convolutions(branch: Any) -> dict[str, Any]:
    """Return the convolutions over pictures in a network.

    Parameters
    ----------
    branch : keras.Model
        The network.

    Returns
    -------
    dict of str to keras.Layer
        The layers by name, in order.
    """
    from keras import layers

    kinds = (layers.Conv2D, layers.Conv2DTranspose, layers.DepthwiseConv2D, layers.SeparableConv2D)
    return {name: layer for name, layer in sublayers(branch) if isinstance(layer, kinds)}


def _branch_of(one: OneRow, name: str | None) -> tuple[str, Any]:
    """Return the input asked for, or the only one that convolutions read, and its branch."""
    if name is not None and name not in one.specs:
        raise ValueError(
            f"'input' must be one of {list(one.specs)}. Got {name!r}."
            f"{did_you_mean(name, one.specs)}"
        )
    branches = {each: one.branch(each) for each in ([name] if name else one.specs)}
    found = {each: branch for each, branch in branches.items() if convolutions(branch)}
    if not found:
        which = f"the branch of {name!r}" if name else f"any of the branches of {list(branches)}"
        raise ValueError(f"There is no convolution over pictures in {which}.")
    if len(found) > 1:
        raise ValueError(
            f"Convolutions read the inputs {list(found)}. Name one, as in "
            f"input={next(iter(found))!r}."
        )
    ((name, branch),) = found.items()
    if not one.has(name):
        raise ValueError(f"Row {one.position} lacks input {name!r}. Choose a row that has it.")
    return name, branch


def _layer_of(branch: Any, name: str | None, *, only_convolutions: bool) -> tuple[str, Any]:
    known = convolutions(branch)
    if name is None:
        return next(iter(known.items()))
    others = {} if only_convolutions else dict(sublayers(branch))
    if name in known or name in others:
        return name, known.get(name, others.get(name))
    more = "" if only_convolutions else " or another layer that makes maps"
    raise ValueError(
        f"'layer' must be one of the convolutions {list(known)}{more}. Got {name!r}."
        f"{did_you_mean(name, [*known, *others])}"
    )


def _activations(one: OneRow, name: str, branch: Any, layer: Any) -> np.ndarray:
    log = CallLog()
    with replaced_calls({_activated(branch, layer): log.keeping}):
        branch(one.array(name), training=False)
    maps = np.asarray(log.outputs[0]) if log.outputs else np.zeros(0)
    if maps.ndim != 4:
        raise ValueError(
            f"Layer {layer.name!r} must make maps of shape (height, width, maps) of a picture. "
            f"Got {maps.shape[1:]}. Choose one of {list(convolutions(branch))}."
        )
    return np.moveaxis(maps[0], -1, 0)


def _activated(branch: Any, layer: Any) -> Any:
    """Return the last of the normalisations and activations that follow a linear convolution."""
    from keras import activations, layers

    kinds = (
        layers.BatchNormalization,
        layers.Activation,
        layers.ReLU,
        layers.LeakyReLU,
        layers.ELU,
    )
    following = {
        id(_tensor(each, "input")): each for _, each in sublayers(branch) if isinstance(each, kinds)
    }
    last = layer
    while getattr(last, "activation", activations.linear) is activations.linear:
        after = following.get(id(_tensor(last, "output")))
        if after is None or isinstance(last, layers.ReLU):
            break
        last = after
    return last


def _tensor(layer: Any, end: str) -> Any:
    try:
        return getattr(layer, end)
    except (AttributeError, ValueError):
        # a layer of a subclassed model belongs to no graph
        return None


def _filters(layer: Any) -> np.ndarray:
    """Return the filters, each (height, width, channels) for three, otherwise (height, width)."""
    kernel = getattr(layer, "kernel", None)
    weights = np.asarray(layer.depthwise_kernel if kernel is None else kernel)
    filters = np.moveaxis(weights, -1, 0)
    return filters if filters.shape[-1] == 3 else filters.mean(axis=-1)


def _strongest(maps: np.ndarray, at_most: int) -> np.ndarray:
    strength = np.abs(maps).reshape(len(maps), -1).mean(axis=1)
    return np.argsort(-strength, kind="stable")[:at_most]


def _grid(n_maps: int) -> tuple[int, int]:
    """Return rows and columns for so many maps: nearly square, with few places left empty."""
    narrowest = int(np.ceil(np.sqrt(n_maps)))
    choices = range(narrowest, 2 * narrowest + 1)
    n_columns = min(choices, key=lambda n: (2 * (-n_maps % n) + (n - narrowest), n))
    return -(-n_maps // n_columns), n_columns
