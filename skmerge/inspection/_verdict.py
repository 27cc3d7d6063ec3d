"""What a comparison says, in words: the best merge beside inputs, ensemble and linear baseline.

Enters: scores per fold and the kind of each candidate. Leaves: a few sentences.
"""

from __future__ import annotations

from collections.abc import Mapping

from skmerge.inspection._fold_scores import FoldScores
from skmerge.inspection._text import decimals_for, number, signed

#: by whether the best merge is better (1), worse (-1) or not told apart (0) from the best input
#: alone and from the ensemble; None where that is not part of the comparison
_CONCLUSIONS: dict[tuple[int | None, int | None], str] = {
    (1, 1): "merging inside the network is what counts here",
    (1, 0): "several inputs count, but averaging their networks is not shown to do worse",
    (1, -1): "several inputs count, and averaging their networks does better than merging",
    (0, 1): "merging does better than averaging, but more than one input is not shown to be needed",
    (0, 0): "more than one input is not shown to be needed",
    (0, -1): "averaging networks of one input does better than merging",
    (1, None): "several inputs count",
    (0, None): "more than one input is not shown to be needed",
    (None, 1): "merging inside the network is what counts here",
    (None, 0): "averaging networks of one input is not shown to do worse",
    (None, -1): "averaging networks of one input does better than merging",
}
_VERBS = {1: "beats", 0: "is not told apart from", -1: "is beaten by"}
_JOINS = {1: " and ", 0: ", nor from ", -1: " and by "}
_ONE_IS_BETTER = "one input alone does better than several merged"


def verdict(scores: FoldScores, kinds: Mapping[str, str]) -> str:
    """Say what the scores tell, and no more than they do.

    Parameters
    ----------
    scores : FoldScores
        The scores.
    kinds : mapping of str to str
        The kind of each candidate: ``"merge"``, ``"input"``, ``"ensemble"`` or ``"baseline"``.

    Returns
    -------
    str
        The sentences, each on a line of its own.
    """
    best = {kind: _best(scores, kinds, kind) for kind in ("merge", "input", "ensemble", "baseline")}
    merge = best["merge"]
    if merge is None:
        return "No merge has a score in every fold."
    sentences = [
        _against_inputs(scores, merge, best["input"], best["ensemble"]),
        _against_baseline(scores, merge, best["baseline"]),
        _among_merges(scores, merge, [name for name in scores.names if kinds[name] == "merge"]),
        _reading(scores),
    ]
    return "\n".join(sentence for sentence in sentences if sentence)


def _best(scores: FoldScores, kinds: Mapping[str, str], kind: str) -> str | None:
    means = scores.means.loc[[name for name in scores.names if kinds[name] == kind]].dropna()
    return None if means.empty else str(means.idxmax())


def _against_inputs(
    scores: FoldScores, merge: str, single: str | None, ensemble: str | None
) -> str:
    others = {}
    if single is not None:
        others[single] = f"the best input ({single})"
    if ensemble is not None:
        others[ensemble] = f"the {ensemble}"
    if not others:
        return ""
    orders = [None if other is None else scores.order(merge, other) for other in (single, ensemble)]
    conclusion = _CONCLUSIONS.get((orders[0], orders[1]), _ONE_IS_BETTER)
    return f"{merge}, the best merge, {_clauses(scores, merge, others)}: {conclusion}."


def _against_baseline(scores: FoldScores, merge: str, baseline: str | None) -> str:
    if baseline is None:
        return ""
    clause = _clauses(scores, merge, {baseline: f"the {baseline}"})
    is_needed = scores.order(merge, baseline) > 0
    return f"It {clause}{'.' if is_needed else ': a network is not shown to be needed.'}"


def _clauses(scores: FoldScores, merge: str, others: Mapping[str, str]) -> str:
    """Say how the merge compares with each of the others, a verb for all that it compares alike."""
    decimals = decimals_for(scores.means)
    told: dict[int, list[str]] = {}
    for other, what in others.items():
        difference, standard_error = scores.difference(merge, other)
        order = scores.order(merge, other)
        if order == 0:
            told.setdefault(0, []).append(
                f"{what} ({signed(difference, standard_error, decimals)})"
            )
        else:
            by = f"{number(abs(difference), decimals)} ± {number(standard_error, decimals)}"
            told.setdefault(order, []).append(f"{what} by {by}")
    return " and ".join(
        f"{_VERBS[order]} {_JOINS[order].join(parts)}" for order, parts in told.items()
    )


def _among_merges(scores: FoldScores, best: str, merges: list[str]) -> str:
    others = [name for name in merges if name != best and scores.scores[name].notna().all()]
    alike = [name for name in others if scores.order(best, name) == 0]
    if not others:
        return ""
    if not alike:
        return "Every other merge is worse." if len(others) > 1 else f"{others[0]} is worse."
    if len(alike) == len(others):
        return "No other merge is told apart from it."
    return f"Of the other merges, {', '.join(alike)} {_is(alike)} not told apart from it."


def _is(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _reading(scores: FoldScores) -> str:
    n_folds = len(scores.scores)
    if n_folds < 2:
        return "(One fold has no standard error, so that nothing is told apart.)"
    return (
        f"(± is the corrected standard error of {n_folds} folds; a difference of less than "
        f"{scores.quantile:.2f} of them is not told apart.)"
    )
