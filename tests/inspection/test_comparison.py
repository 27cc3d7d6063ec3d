import pickle
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from skmerge.inspection import MergeComparison
from skmerge.inspection._fold_scores import FoldScores
from skmerge.inspection._html import html_table
from skmerge.inspection._text import decimals_for, number, shortened, signed, text_table
from skmerge.inspection._trials import Measures
from skmerge.inspection._verdict import verdict

KINDS = {
    "concat": "merge",
    "multiply": "merge",
    "photo alone": "input",
    "note alone": "input",
    "ensemble of single inputs": "ensemble",
    "linear baseline": "baseline",
}
#: of four folds; the same ups and downs in all, but for the sign in every second candidate
WOBBLE = np.array([0.01, -0.01, 0.004, -0.004])


def fold_scores(means):
    columns = {
        name: mean + WOBBLE * (1 if position % 2 else 0.5)
        for position, (name, mean) in enumerate(means.items())
    }
    return FoldScores(pd.DataFrame(columns), 300, 100)


def comparison(means, kinds=KINDS, scoring="accuracy"):
    scores = fold_scores(means)
    measures = [
        Measures(
            name,
            kinds[name],
            pd.DataFrame(
                {
                    "score": scores.scores[name],
                    "fit_seconds": [1.0, 2.0, 3.0, 6.0],
                    "predict_ms": [5.0, 6.0, 7.0, 900.0],
                    "n_parameters": [1234.0] * 4,
                }
            ),
        )
        for name in means
    ]
    return MergeComparison(scores, measures, scoring)


MEANS = dict(zip(KINDS, [0.8, 0.95, 0.6, 0.7, 0.75, 0.65], strict=True))


def test_frame_is_sorted_with_differences_to_the_best():
    result = comparison(MEANS)
    frame = result.to_frame()
    assert list(frame) == [
        "candidate",
        "kind",
        "mean_score",
        "std_score",
        "difference",
        "standard_error",
        "fit_seconds",
        "predict_ms",
        "n_parameters",
    ]
    assert frame["candidate"].tolist() == sorted(MEANS, key=lambda name: -MEANS[name])
    assert frame["kind"].tolist() == [KINDS[name] for name in frame["candidate"]]
    assert result.best_ == "multiply" == next(iter(result.scores_))
    second = frame.iloc[1]
    assert (second["difference"], second["standard_error"]) == result.difference(
        "concat", "multiply"
    )
    assert second["difference"] == pytest.approx(-0.15)
    assert frame["fit_seconds"][0] == 3.0, "mean of the folds"
    assert frame["predict_ms"][0] == 6.5, "median of the folds: one slow fold does not count"


def test_a_candidate_with_a_failed_fold_comes_last():
    scores = fold_scores(MEANS)
    scores.scores.loc[2, "multiply"] = np.nan
    measures = [
        Measures(name, KINDS[name], pd.DataFrame({"fit_seconds": [1.0], "predict_ms": [1.0],
                                                  "n_parameters": [1.0]}))
        for name in MEANS
    ]  # fmt: skip
    result = MergeComparison(scores, measures, "accuracy")
    assert result.best_ == "concat"
    assert result.to_frame()["candidate"].iloc[-1] == "multiply"
    assert re.search(r"multiply +merge +failed", repr(result))
    assert "concat, the best merge" in result.summary()
    assert "multiply" not in result.summary()
    assert "failed" in result._repr_html_()


def test_unknown_candidates_are_named():
    with pytest.raises(KeyError, match="no candidate 'sum', only"):
        comparison(MEANS).difference("concat", "sum")


def test_repr_is_a_table_of_few_columns_with_the_summary():
    result = comparison(MEANS)
    caption, header, first, *_ = repr(result).splitlines()
    assert caption == "accuracy, 4 folds of 100 rows, best first"
    assert header.split("  ")[0] == "candidate"
    assert first.split() == ["multiply", "merge", "0.950", "0.008", "3.0", "6.5", "1,234"]
    assert result.summary() in repr(result)
    assert max(map(len, repr(result).split("\n\n")[0].splitlines())) < 110


def test_pickle_keeps_all():
    result = comparison(MEANS)
    again = pickle.loads(pickle.dumps(result))
    assert repr(again) == repr(result)
    pd.testing.assert_frame_equal(again.scores_, result.scores_)


# --- the sentence -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("single", "ensemble", "conclusion"),
    [
        (0.7, 0.75, "merging inside the network is what counts here."),
        (0.7, 0.95, "several inputs count, but averaging their networks is not shown to do worse."),
        (0.7, 0.99, "several inputs count, and averaging their networks does better than merging."),
        (0.95, 0.7, "merging does better than averaging, but more than one input is not shown"),
        (0.95, 0.95, "more than one input is not shown to be needed."),
        (0.95, 0.99, "averaging networks of one input does better than merging."),
        (0.99, 0.7, "one input alone does better than several merged."),
        (0.99, 0.99, "one input alone does better than several merged."),
    ],
)
def test_summary_concludes_from_what_is_told_apart(single, ensemble, conclusion):
    means = MEANS | {"note alone": single, "ensemble of single inputs": ensemble}
    first = verdict(fold_scores(means), KINDS).splitlines()[0]
    assert first.startswith("multiply, the best merge, ")
    assert conclusion in first


def test_summary_gives_the_differences():
    result = comparison(MEANS)
    first, baseline, merges, reading = result.summary().splitlines()
    _, error = result.difference("multiply", "note alone")
    assert f"beats the best input (note alone) by 0.250 ± {error:.3f} and the ensemble of" in first
    assert re.fullmatch(r"It beats the linear baseline by 0.300 ± 0\.\d{3}\.", baseline)
    assert merges == "concat is worse."
    assert reading.startswith("(± is the corrected standard error of 4 folds")


def test_summary_says_where_a_linear_model_does():
    said = verdict(fold_scores(MEANS | {"linear baseline": 0.95}), KINDS)
    assert "a network is not shown to be needed" in said
    assert "It is beaten by the linear baseline" in verdict(
        fold_scores(MEANS | {"linear baseline": 0.99}), KINDS
    )


def test_summary_of_merges_alone_names_those_not_told_apart():
    kinds = dict.fromkeys(["concat", "multiply", "sum"], "merge")
    near = {"concat": 0.949, "multiply": 0.95, "sum": 0.6}
    assert verdict(fold_scores(near), kinds).startswith(
        "Of the other merges, concat is not told apart from it."
    )
    far = {"concat": 0.5, "multiply": 0.95, "sum": 0.6}
    assert verdict(fold_scores(far), kinds).startswith("Every other merge is worse.")
    same = {"concat": 0.949, "multiply": 0.95}
    assert verdict(fold_scores(same), kinds).startswith("No other merge is told apart from it.")


def test_summary_of_one_fold_claims_nothing():
    scores = FoldScores(pd.DataFrame(MEANS, index=[0]), 300, 100)
    said = verdict(scores, KINDS)
    assert "nothing is told apart" in said
    assert "beats" not in said
    assert "(+0.250)" in said


# --- text and HTML ----------------------------------------------------------------------------


def test_numbers_have_three_digits_of_the_largest():
    assert decimals_for([0.981, 0.02]) == 3
    assert decimals_for([-23456.0, 3.0]) == 0
    assert decimals_for([np.nan]) == 2
    assert number(12345.678, 1) == "12,345.7"
    assert number(-0.0001, 2) == "0.00", "no minus before nothing"
    assert number(np.nan, 2) == ""
    assert signed(-0.0123, 0.004, 3) == "-0.012 ± 0.004"
    assert signed(0.5, np.nan, 1) == "+0.5"


def test_long_names_are_cut_in_the_middle_and_on_one_line():
    assert shortened("a\n  b") == "a b"
    cut = shortened("start" + "x" * 100 + "end", 20)
    assert len(cut) == 20
    assert cut.startswith("start")
    assert cut.endswith("end")


def test_text_table_is_aligned():
    table = text_table({"name": ["a", "long name"], "n": ["1", "1,000"]}, left=["name"])
    assert table.splitlines() == ["name           n", "a              1", "long name  1,000"]


class Outline(HTMLParser):
    """Tags in order, and the text of each cell."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.cells = [], [], []

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        self.tags.append(tag)
        if tag in {"td", "th"}:
            self.cells.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, "tags must nest"

    def handle_data(self, data):
        if self.open and self.open[-1] in {"td", "th"}:
            self.cells[-1] += data


def test_html_escapes_names_and_nests():
    hostile = "<script>alert('&')</script>"
    kinds = KINDS | {hostile: "merge"}
    result = comparison({hostile: 0.97} | MEANS, kinds, scoring="<b>score</b>")
    html = result._repr_html_()
    outline = Outline()
    outline.feed(html)
    assert outline.open == []
    assert "script" not in outline.tags
    assert "b" not in outline.tags
    assert hostile in outline.cells
    assert outline.tags.count("tr") == 1 + len(kinds)


def test_html_bars_are_within_their_track():
    result = comparison(MEANS)
    widths = [int(width) for width in re.findall(r"\"width: (\d+)%;", result._repr_html_())]
    assert widths[0] == 100
    assert widths == sorted(widths, reverse=True)
    negative = comparison({"concat": -3.0, "multiply": -1.0, "photo alone": -9.0})
    widths = [int(width) for width in re.findall(r"\"width: (\d+)%;", negative._repr_html_())]
    assert widths == [100, 76, 5]


def test_html_table_shades_the_best_row():
    html = html_table(
        {"name": ["a", "b"]}, left=["name"], bars=[(0.5, "red"), (2.0, "red")], best=1, caption="c"
    )
    rows = re.findall(r"<tr.*?</tr>", html.split("<tbody>")[1])
    assert "skmerge-best" in rows[1]
    assert "skmerge-best" not in rows[0]
    assert "width: 100%" in rows[1]
