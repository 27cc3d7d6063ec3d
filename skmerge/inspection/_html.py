"""Tables as HTML for notebooks: self-contained, on light and dark pages.

Enters: columns of cells and a bar for each row. Leaves: one string of HTML, all text escaped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

_STYLE = """
<style>
.skmerge-table {font: 13px/1.5 system-ui, sans-serif; max-width: 100%; overflow-x: auto}
.skmerge-table table {border-collapse: collapse; border: none}
.skmerge-table caption {text-align: left; padding: 2px 8px 6px 0; font-weight: 600;
  caption-side: top}
.skmerge-table th, .skmerge-table td {padding: 2px 10px; text-align: right; border: none;
  white-space: nowrap; background: none; font-variant-numeric: tabular-nums}
.skmerge-table thead th {border-bottom: 1px solid; font-weight: 600; opacity: .75}
.skmerge-table .skmerge-left {text-align: left}
.skmerge-table tbody tr.skmerge-best {background: rgba(0, 114, 178, .13); font-weight: 600}
.skmerge-table .skmerge-bar {display: block; width: 120px; height: 10px; border-radius: 2px;
  background: rgba(127, 127, 127, .18)}
.skmerge-table .skmerge-bar span {display: block; height: 10px; border-radius: 2px}
.skmerge-table p {margin: 6px 0; max-width: 68em; white-space: pre-line}
</style>
"""


def html_table(
    columns: Mapping[str, Sequence[str]],
    *,
    left: Sequence[str],
    bars: Sequence[tuple[float, str]],
    best: int,
    caption: str,
    note: str = "",
) -> str:
    """Return columns of cells as a table with a bar in each row.

    Parameters
    ----------
    columns : mapping of str to sequence of str
        The cells of each column by its header.
    left : sequence of str
        Headers of the columns that are aligned to the left.
    bars : sequence of tuple of (float, str)
        For each row the length of its bar, 0 to 1, and its colour in CSS.
    best : int
        Position of the row that is shaded; -1 for none.
    caption : str
        Stands above the table.
    note : str, default=""
        Stands below; its line breaks are kept.

    Returns
    -------
    str
        The HTML.
    """
    header = "".join(_cell("th", name, name in left) for name in columns)
    body = []
    for position, cells in enumerate(zip(*columns.values(), strict=True)):
        length, color = bars[position]
        width = round(100 * min(max(length, 0.0), 1.0))
        bar = (
            '<td><span class="skmerge-bar"><span style="width: '
            f'{width}%; background: {escape(color)}"></span></span></td>'
        )
        named = zip(columns, cells, strict=True)
        row = "".join(_cell("td", cell, name in left) for name, cell in named)
        shaded = ' class="skmerge-best"' if position == best else ""
        body.append(f"<tr{shaded}>{row}{bar}</tr>")
    below = f"<p>{escape(note)}</p>" if note else ""
    return (
        f'<div class="skmerge-table">{_STYLE}<table><caption>{escape(caption)}</caption>'
        f"<thead><tr>{header}<th></th></tr></thead><tbody>{''.join(body)}</tbody></table>{below}"
        "</div>"
    )


def _cell(tag: str, text: str, is_left: bool) -> str:
    side = ' class="skmerge-left"' if is_left else ""
    return f"<{tag}{side}>{escape(text)}</{tag}>"
