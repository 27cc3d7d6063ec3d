"""What a network looks at: the gradient of its score by pixels, words and columns, drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.utils._optional_dependencies import check_matplotlib_support

from skmerge._errors import did_you_mean
from skmerge.inspection._feature_maps import convolutions
from skmerge.inspection._gradients import Gradient, gradients, score_of
from skmerge.inspection._one_row import OneRow, one_row
from skmerge.inspection._panels import MARGIN, as_picture, bounding_axes, panel
from skmerge.inspection._saliency_panels import (
    FONT_SIZE,
    InputSaliency,
    SaliencyLayout,
    draw_saliency,
)

_METHODS = ("auto", "gradient", "gradient_x_input")

#: inches of a figure's width, and of the line above its panels
_WIDTH = 7.0
_HEADLINE = 0.3


class SaliencyDisplay:
    """Saliency of the inputs of one row: how much the score of a class changes with each of them.

    The score is the class's logit, the network's output before the softmax or sigmoid, as in [1]_
    (of the first of two classes, the logit's negative); for numbers, it is the prediction. Its
    gradient is taken at this row, and says how the score would change with a small change of
    the input there, and not how much of the score is due to it.

    Make it with `from_estimator`.

    Parameters
    ----------
    inputs : dict of str to InputSaliency
        The saliency of each input, by name.
    score : float
        The score of the row.
    target : object
        The class, or the number of the label or output; None for a single number.
    is_logit : bool
        Whether the score is a logit, and not a predicted number.
    row : int
        Position of the row.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes around all panels.
    axes_ : ndarray of matplotlib Axes of shape (n_inputs,)
        The panel of each input.
    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    FeatureMapDisplay : What a convolution makes of a picture.

    References
    ----------
    .. [1] K. Simonyan, A. Vedaldi, A. Zisserman, "Deep Inside Convolutional Networks: Visualising
       Image Classification Models and Saliency Maps", 2014, arXiv:1312.6034, section 3.
    .. [2] J. Li, X. Chen, E. Hovy, D. Jurafsky, "Visualizing and Understanding Neural Models in
       NLP", NAACL 2016, arXiv:1506.01066, section 5.

    Examples
    --------
    >>> import pandas as pd
    >>> from skmerge import ColumnRouter, MergedNetClassifier, SaliencyDisplay
    >>> frame = pd.DataFrame({
    ...     "age": [20, 31, 45, 28] * 10,
    ...     "note": ["fits well", "too small", "fits very well", "sent it back"] * 10,
    ... })
    >>> y = ["keep", "return", "keep", "return"] * 10
    >>> clf = MergedNetClassifier(router=ColumnRouter({"note": "text"}), epochs=3)
    >>> display = SaliencyDisplay.from_estimator(clf.fit(frame, y), frame, row=1)
    >>> display.inputs["note"].content
    ['too', 'small']
    """

    def __init__(
        self,
        inputs: Mapping[str, InputSaliency],
        *,
        score: float,
        target: Any,
        is_logit: bool,
        row: int,
    ) -> None:
        self.inputs = inputs
        self.score = score
        self.target = target
        self.is_logit = is_logit
        self.row = row

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        row: int = 0,
        target: Any = None,
        inputs: Sequence[str] | None = None,
        method: str = "auto",
        ax: Any = None,
        max_columns: int = 12,
    ) -> SaliencyDisplay:
        """Compute and draw the saliency of one row.

        Parameters
        ----------
        estimator : MergedNetClassifier, MergedNetRegressor or Pipeline
            The fitted estimator, or a Pipeline that ends in one.
        X : DataFrame, MultiInput, matrix, sparse matrix, dict of arrays or list of inputs
            Rows, in the form that ``fit`` was given.
        row : int, default=0
            Position of the row in X.
        target : object, default=None
            The class whose score it is; the number of a label or output where there are several.
            None takes the class predicted, the most probable label, or the first output.
        inputs : sequence of str, default=None
            The inputs to draw. None takes all whose branch can be seen into.
        method : {"auto", "gradient", "gradient_x_input"}, default="auto"
            ``"gradient"``: of a pixel the largest absolute derivative among its channels
            (Simonyan 2014), of a word the Euclidean norm of the derivatives by its embedding (of
            which Li 2016 draws each, in absolute value), of a number the derivative by its encoded
            (scaled) value, of a category the norm as of a word. ``"gradient_x_input"``: the
            derivatives times the values, summed over the channels or the embedding; above 0 where
            making the input larger raises the score. ``"auto"`` is the gradient for pictures, and
            for all else the gradient times the input, which differs from word to word also where
            a branch averages over words, whose gradients are then all the same.
        ax : matplotlib Axes or array of Axes, default=None
            Axes to draw in, one around all panels or one for each input. None makes a figure.
        max_columns : int, default=12
            Columns of a table or vector to draw, those of the largest absolute values.

        Returns
        -------
        SaliencyDisplay
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
            If there is no such class, input or method, or an input is asked for whose branch
            cannot be seen into.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        if method not in _METHODS:
            raise ValueError(
                f"'method' must be one of {list(_METHODS)}. Got {method!r}."
                f"{did_you_mean(method, _METHODS)}"
            )
        one = one_row(estimator, X, row)
        names = _chosen(one, inputs)
        score = score_of(one, target)
        value, found = gradients(one, score, [name for name in names if one.has(name)])
        hidden = [name for name in names if one.has(name) and name not in found]
        if hidden and inputs is not None:
            raise ValueError(
                f"The branch of an input of words must look them up in a keras.layers.Embedding "
                f"to be seen into. That of {hidden[0]!r} does not; leave it out of 'inputs'."
            )
        shown = {
            name: _saliency(one, name, found.get(name), method)
            for name in names
            if name not in hidden
        }
        display = cls(
            shown,
            score=value,
            target=score.label,
            is_logit=score.is_logit,
            row=int(row),
        )
        return display.plot(ax=ax, max_columns=max_columns)

    def plot(self, *, ax: Any = None, max_columns: int = 12) -> SaliencyDisplay:
        """Draw the saliency.

        Parameters
        ----------
        ax : matplotlib Axes or array of Axes, default=None
            Axes to draw in, one around all panels or one for each input. None makes a figure.
        max_columns : int, default=12
            Columns of a table or vector to draw, those of the largest absolute values.

        Returns
        -------
        SaliencyDisplay
            This display.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        if ax is None or hasattr(ax, "inset_axes"):
            self.ax_, axes, sizes, indents = self._room(ax, max_columns)
        else:
            axes = list(np.ravel(ax))
            if len(axes) != len(self.inputs):
                raise ValueError(
                    f"'ax' must be one Axes, or one for each of the {len(self.inputs)} inputs "
                    f"{list(self.inputs)}. Got {len(axes)}."
                )
            sizes = [bounding_axes(each, 0, 0)[1] for each in axes]
            self.ax_, indents = axes[0], [0.0] * len(axes)
        for position, (name, saliency) in enumerate(self.inputs.items()):
            draw_saliency(
                axes[position],
                sizes[position],
                name,
                saliency,
                max_columns=max_columns,
                indent=indents[position],
            )
        self.axes_ = np.array(axes, dtype=object)
        self.figure_ = self.ax_.figure
        return self

    def _room(self, ax: Any, max_columns: int) -> tuple[Any, list[Any], list[Any], list[float]]:
        """Return the axes around all, and axes, size and indent of each panel."""
        layout = SaliencyLayout(self.inputs, max_columns)
        height = layout.natural_height(_WIDTH - 2 * MARGIN) + _HEADLINE + 2 * MARGIN
        bounding, size = bounding_axes(ax, _WIDTH, height)
        bounding.set_title(
            self._headline(),
            loc="left",
            fontsize=FONT_SIZE + 1,
            y=1 - 0.2 / size[1],
            parse_math=False,
        )
        axes, sizes, indents = [], [], []
        for name, box in layout.boxes(size[0], size[1] - _HEADLINE).items():
            left, top, width, height = box
            indent, right, below = layout.labels(name, box)
            sizes.append((width - indent - right, height - below))
            axes.append(panel(bounding, size, (left + indent, top + _HEADLINE, *sizes[-1])))
            indents.append(indent)
        return bounding, axes, sizes, indents

    def _headline(self) -> str:
        if self.target is None:
            what = "the prediction"
        elif self.is_logit:
            what = f"the logit of {_text(self.target)}"
        else:
            what = f"output {self.target}"
        return f"Score of row {self.row}: {what}, {self.score:.3g}"


def _chosen(one: OneRow, inputs: Sequence[str] | None) -> list[str]:
    if inputs is None:
        return list(one.specs)
    names = [inputs] if isinstance(inputs, str) else list(inputs)
    for name in names:
        if name not in one.specs:
            raise ValueError(
                f"'inputs' must be some of {list(one.specs)}. Got {name!r}."
                f"{did_you_mean(name, one.specs)}"
            )
    return names


def _saliency(one: OneRow, name: str, gradient: Gradient | None, method: str) -> InputSaliency:
    """Bring a gradient to one number for each pixel, word or column; None for an absent input."""
    spec, array = one.specs[name], one.array(name)[0]
    if gradient is None:
        return InputSaliency(np.zeros(0), is_present=False)
    is_picture = array.ndim == 3 or (array.ndim == 2 and bool(convolutions(one.branch(name))))
    is_signed = method == "gradient_x_input" or (method == "auto" and not is_picture)
    if spec.vocabulary_size is not None:
        words = one.words(name)
        values = _combined(gradient, is_signed)[: len(words)]
        return InputSaliency(values, words, is_text=True, is_signed=is_signed)
    if is_picture:
        each = _times(gradient, is_signed)
        if array.ndim == 3:
            each = each.sum(axis=-1) if is_signed else each.max(axis=-1)
        return InputSaliency(each, as_picture(array), is_signed=is_signed)
    if array.ndim == 1:
        norms = frozenset() if is_signed else frozenset(gradient.embedded or ())
        values = _of_columns(gradient, is_signed)
        return InputSaliency(values, one.columns(name), is_signed=is_signed, norms=norms)
    values = _steps(_times(gradient, is_signed), array, spec.step_mask)
    return InputSaliency(values, is_signed=is_signed)


def _steps(values: np.ndarray, array: np.ndarray, has_mask: bool) -> np.ndarray:
    """Leave out the padding, and the channel that says where it starts."""
    if not has_mask:
        return values
    return values[: max(int(np.count_nonzero(array[:, -1])), 1), :-1]


def _times(gradient: Gradient, is_signed: bool) -> np.ndarray:
    if is_signed:
        return gradient.derivatives * gradient.values
    return np.abs(gradient.derivatives)


def _combined(gradient: Gradient, is_signed: bool) -> np.ndarray:
    """Return the product of the derivatives with each embedding, or the norm of them."""
    if is_signed:
        return (gradient.derivatives * gradient.values).sum(axis=-1)
    return np.linalg.norm(gradient.derivatives, axis=-1)


def _of_columns(gradient: Gradient, is_signed: bool) -> np.ndarray:
    values = gradient.derivatives * (gradient.values if is_signed else 1)
    for column, (embedding, derivatives) in (gradient.embedded or {}).items():
        values[column] = _combined(Gradient(embedding, derivatives), is_signed)
    return values


def _text(label: Any) -> str:
    return repr(label.item() if isinstance(label, np.generic) else label)
