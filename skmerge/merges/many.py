"""Several merges at once: what they give is laid side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from skmerge.merges._base import Merge, join_in_network


class MergeList(Merge):
    """The outputs of several merges side by side; what a list of merges stands for.

    Each merge has weights of its own.

    Parameters
    ----------
    merges : sequence of Merge
        The merges, at least one.
    units : int, default=None
        Width that each branch is projected to before all of the merges. None leaves that to
        them.

    Examples
    --------
    >>> from skmerge.merges import Concat, Dot, MergeList
    >>> MergeList([Concat(), Dot(units=8)])
    MergeList(merges=[Concat(), Dot(units=8)])
    """

    _parameter_constraints = Merge._parameter_constraints | {"merges": [list, tuple]}

    needs_equal_widths = False

    def __init__(self, merges: Sequence[Merge], units: int | None = None) -> None:
        self.merges = merges
        self.units = units

    def _join(self, features: list[Any], presence: list[Any]) -> Any:
        from keras import layers

        late = [merge for merge in self.merges if merge.joins_predictions]
        if late:
            raise ValueError(
                f"A list of merges joins features, but {late[0]!r} joins predictions. Use it alone."
            )
        joined = [
            join_in_network(merge, features, presence=presence, name=f"merge_{position}")
            for position, merge in enumerate(self.merges)
        ]
        return joined[0] if len(joined) == 1 else layers.Concatenate(name="concat")(joined)
