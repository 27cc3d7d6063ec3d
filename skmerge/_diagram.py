"""The network as HTML: its parts as boxes, with scikit-learn's table of parameters below.

Everything that is not ours is escaped: names of inputs and columns come from the user's data. A
page that drops the styles, as an untrusted notebook does, shows the summary as text instead.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from sklearn.utils import estimator_html_repr

from skmerge._drawing import network_text
from skmerge._network_parts import Drawing, InputPath, Part, describe

#: pixels that an input needs beside others
_MIN_WIDTH = 165
_MAX_COLUMNS = 6


def network_html(estimator: Any) -> str:
    """Draw the network of an estimator, and what scikit-learn shows of it below.

    Parameters
    ----------
    estimator : MergedNetClassifier or MergedNetRegressor
        Fitted or not.

    Returns
    -------
    str
        HTML that needs nothing but itself.
    """
    drawing = describe(estimator)
    n_columns = len(drawing.inputs) + bool(drawing.others)
    return "".join(
        [
            f'<div class="skmerge-net skmerge-n{n_columns}">',
            f"<style>{_style(n_columns)}</style>",
            f'<pre class="skmerge-text">{escape(network_text(estimator))}</pre>',
            '<div class="skmerge-page" hidden>',
            f'<div class="skmerge-title">{_title(drawing)}</div>',
            *_inputs(drawing, n_columns),
            *_trunk(drawing, n_columns),
            "</div></div>",
            _parameters(estimator),
        ]
    )


def _parameters(estimator: Any) -> str:
    """Return scikit-learn's part, with names of nested parameters escaped, which 1.7 leaves raw."""
    html = estimator_html_repr(estimator)
    for name in {*_parameter_names(estimator), *_parameter_names(estimator.router)}:
        html = html.replace(name, escape(name)) if escape(name) != name else html
    return html


def _parameter_names(value: Any) -> Iterable[str]:
    has_parameters = hasattr(value, "get_params") and not isinstance(value, type)
    return value.get_params() if has_parameters else ()


@cache
def _style(n_columns: int) -> str:
    styles = Path(__file__).with_name("_diagram.css").read_text(encoding="utf-8")
    # one input fits in any page
    narrow = _MIN_WIDTH * n_columns if n_columns > 1 else 0
    return Template(styles).substitute(n=n_columns, narrow=narrow)


def _title(drawing: Drawing) -> str:
    if not drawing.is_fitted:
        return f"<b>{escape(drawing.title)}</b> <span class='skmerge-soft'>not fitted</span>"
    frozen = (drawing.n_parameters or 0) - (drawing.n_trainable or 0)
    told = [f"{drawing.n_parameters:,} parameters"]
    told += [f"{frozen:,} of them not trained"] if frozen else []
    text = ", ".join(told)
    return f"<b>{escape(drawing.title)}</b> <span class='skmerge-soft'>{text}</span>"


def _inputs(drawing: Drawing, n_columns: int) -> Iterable[str]:
    yield f'<ol class="skmerge-paths" style="--skmerge-n:{n_columns}">'
    for position, path in enumerate(drawing.inputs, start=1):
        yield _path(_steps(path), position, "skmerge-headed" if path.head else "")
    if drawing.others:
        box = f'<div class="skmerge-box skmerge-open">{escape(drawing.others)}</div>'
        yield _path([box], n_columns)
    yield "</ol>"


def _path(steps: Iterable[str], position: int, role: str = "") -> str:
    content = "".join([*steps, '<div class="skmerge-down"></div>'])
    return f'<li class="skmerge-path {role}" style="--skmerge-i:{position}">{content}</li>'


def _steps(path: InputPath) -> Iterable[str]:
    kind = path.kind or "kind inferred at fit"
    name = f'{escape(path.name)} <span class="skmerge-kind">{escape(kind)}</span>'
    told = [_columns(path), *map(escape, [path.rows, *path.notes])]
    yield _box("skmerge-input", name, told)
    yield '<div class="skmerge-arrow skmerge-to-branch"></div>'
    if path.branch is None:
        yield _box("skmerge-branch", '<span class="skmerge-soft">branch of its kind</span>')
    elif path.shares is not None:
        told = ["the same network, the same weights"]
        yield _box(
            "skmerge-branch skmerge-shared",
            f'<span class="skmerge-soft">shared with</span> {escape(path.shares)}',
            told,
            _foot(path.branch, what="of its own"),
        )
    else:
        yield _part_box("skmerge-branch", "", path.branch)
    if path.head is not None:
        yield '<div class="skmerge-arrow skmerge-to-head"></div>'
        yield _part_box("skmerge-head skmerge-own-head", "head", path.head)


def _columns(path: InputPath) -> str:
    if path.columns in {(), (path.name,)}:
        return ""
    shown = ", ".join(path.columns[:_MAX_COLUMNS])
    more = len(path.columns) - _MAX_COLUMNS
    text = escape(f"{shown} and {more} more" if more > 0 else shown)
    full = escape(", ".join(path.columns))
    return f'<span title="{full}">{text}</span>'


def _trunk(drawing: Drawing, n_columns: int) -> Iterable[str]:
    parts = (
        ("merge", drawing.merge if n_columns > 1 or not drawing.is_fitted else None),
        ("head", drawing.head),
        ("output", drawing.output),
    )
    yield '<div class="skmerge-trunk">'
    arrow = '<div class="skmerge-arrow skmerge-from-paths"></div>'
    for name, part in parts:
        if part is not None:
            yield arrow
            yield _part_box(f"skmerge-{name}", name, part)
            arrow = '<div class="skmerge-arrow"></div>'
    yield "</div>"


def _part_box(role: str, label: str, part: Part) -> str:
    said = f'<span class="skmerge-soft">{label}</span> ' if label else ""
    options = [
        f'<span class="skmerge-soft">{escape(name)}</span> {escape(value)}'
        for name, value in part.options
    ]
    return _box(role, f"{said}{escape(part.title)}", options, _foot(part))


def _foot(part: Part, what: str = "") -> str:
    if part.width is None:
        return ""
    units = _counted(part.width, "unit")
    parameters = _counted(part.n_parameters or 0, "parameter")
    own = f" {what}" if what else ""
    return f'<div class="skmerge-foot"><span>{units}</span><span>{parameters}{own}</span></div>'


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}" if number else f"no {noun}s"


def _box(role: str, name: str, told: Iterable[str] = (), foot: str = "") -> str:
    lines = "".join(f'<div class="skmerge-small">{line}</div>' for line in told if line)
    return (
        f'<div class="skmerge-box {role}"><div class="skmerge-name">{name}</div>{lines}{foot}</div>'
    )
