"""The network as text: an estimator goes in, aligned lines come out, one for each of its parts."""

from __future__ import annotations

from typing import Any

from skmerge._network_parts import Drawing, InputPath, Part, describe, printable

#: characters of an input's name
_LONGEST_NAME = 32


def network_text(estimator: Any) -> str:
    """Describe the network of an estimator as aligned lines of text.

    Parameters
    ----------
    estimator : MergedNetClassifier or MergedNetRegressor
        Fitted or not.

    Returns
    -------
    str
        A line for each part: name and kind of an input, shape and dtype of its rows, what reads
        them, width of the output, number of parameters.
    """
    drawing = describe(estimator)
    lines = [_cells(path.name, path.kind, path.rows, path) for path in drawing.inputs]
    rows = []
    for path, line in zip(drawing.inputs, lines, strict=True):
        rows.append(line)
        if path.head is not None:
            rows.append(_part_cells("", path.head, kind="head"))
    if drawing.others:
        rows.append(("...", "", "", drawing.others, "", ""))
    parts = (("merge", drawing.merge), ("head", drawing.head))
    rows += [_part_cells(name, part) for name, part in parts if part is not None]
    rows.append(("output", "", "", drawing.output.title, *_numbers(drawing.output)))
    if drawing.rest:
        rows.append(("others", "", "", "", "", f"{drawing.rest:,}"))
    if drawing.is_fitted:
        rows.append(("total", "", "", "", "", f"{drawing.n_parameters:,}"))
    return "\n".join([f"{drawing.title}{_state(drawing)}", *_aligned(rows)])


def _state(drawing: Drawing) -> str:
    if not drawing.is_fitted:
        return ", not fitted"
    frozen = (drawing.n_parameters or 0) - (drawing.n_trainable or 0)
    not_trained = f", {frozen:,} of them not trained" if frozen else ""
    return f", {drawing.n_parameters:,} parameters{not_trained}"


def _cells(name: str, kind: str | None, rows: str, path: InputPath) -> tuple[str, ...]:
    branch = path.branch
    if branch is None:
        return (_short(name), kind or "", rows, "", "", "")
    reads = f"weights of {_short(path.shares)!r}" if path.shares else branch.text
    return (_short(name), kind or "", rows, reads, *_numbers(branch))


def _part_cells(name: str, part: Part, kind: str = "") -> tuple[str, ...]:
    return (name, kind, "", part.text, *_numbers(part))


def _numbers(part: Part) -> tuple[str, str]:
    width = "" if part.width is None else f"{part.width:,}"
    return width, "" if part.n_parameters is None else f"{part.n_parameters:,}"


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    """Set rows of cells in columns, the last two of them numbers; leave out empty columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for *texts, width, n_parameters in rows:
        cells = [text.ljust(size) for text, size in zip(texts, widths, strict=False) if size]
        if widths[-2]:
            cells.append(f"{'->' if width else '  '} {width.rjust(widths[-2])}")
        if widths[-1]:
            cells.append(n_parameters.rjust(widths[-1]))
        lines.append(f"  {'  '.join(cells)}".rstrip())
    return lines


def _short(name: str) -> str:
    name = printable(name)
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 3]}..."
