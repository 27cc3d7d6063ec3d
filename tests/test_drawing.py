"""The network drawn, as text and as HTML."""

import pickle
import subprocess
import sys
from html.parser import HTMLParser

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.pipeline import make_pipeline

from skmerge import (
    ColumnRouter,
    ConvBranch,
    DenseBranch,
    EmbeddingBranch,
    KerasBranch,
    MergedNetClassifier,
    MergedNetRegressor,
    MultiInput,
    TextEncoder,
)
from skmerge._diagram import network_html
from skmerge._drawing import network_text
from skmerge._network_parts import describe
from skmerge.merges import Concat, Dot, Late

QUICK = {"epochs": 1, "random_state": 0}
#: the picture's convolutions have 108 and 288 weights, their normalisation 4 * 12, half of them not
#: trained, its dense layer 576, its absence 64; the normalisation of each input's features has 128
GOLDEN = """\
MergedNetClassifier, 4,075 parameters, 24 of them not trained
  photo    image    (6, 6, 3) uint8  ConvBranch(filters=(4, 8))        ->  64  1,212
  note     text     (2,) int32       EmbeddingBranch(embedding_dim=8)  ->  64    832
  tabular  tabular  (2,) float32     DenseBranch                       ->  64    460
  merge                              concat                            -> 192      0
  head                               (8,)                              ->   8  1,544
  output                             softmax                           ->   3     27
  total                                                                        4,075"""

VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}


class Page(HTMLParser):
    """The texts of a page by the classes of the elements around; unbalanced tags are errors."""

    def __init__(self, html):
        super().__init__()
        self.open, self.elements, self.boxes = [], [], []
        self.feed(html)
        self.close()
        assert not self.open, f"left open: {self.open}"

    def handle_starttag(self, tag, attributes):
        classes = (dict(attributes).get("class") or "").split()
        self.elements.append((tag, classes))
        if tag not in VOID:
            self.open.append((tag, classes))
        if "skmerge-box" in classes:
            self.boxes.append("")

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        assert self.open, f"nothing is open that </{tag}> closes"
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        if any("skmerge-box" in classes for _, classes in self.open):
            self.boxes[-1] = f"{self.boxes[-1]} {data.strip()}".strip()


def boxes(estimator):
    return Page(network_html(estimator)).boxes


def ours(estimator):
    """The diagram without scikit-learn's part below."""
    html = network_html(estimator)
    return html[: html.rindex("<style>")]


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "photo": list(rng.integers(0, 256, (40, 6, 6, 3), dtype="uint8")),
            "back": list(rng.integers(0, 256, (40, 6, 6, 3), dtype="uint8")),
            "note": ["runs small", "lovely colour"] * 20,
            "age": rng.normal(size=40),
            "city": ["Rome", "Oslo"] * 20,
        }
    )


@pytest.fixture(scope="module")
def labels():
    return np.array(["keep", "return", "swap", "keep"] * 10)


@pytest.fixture(scope="module")
def router():
    inputs = {"photo": "image", "note": TextEncoder(min_frequency=1), "tabular": ["age", "city"]}
    return ColumnRouter(inputs, remainder="drop")


@pytest.fixture(scope="module")
def fitted(frame, labels, router):
    branches = {"photo": ConvBranch(filters=(4, 8)), "note": EmbeddingBranch(8)}
    classifier = MergedNetClassifier(router=router, branches=branches, head=(8,), **QUICK)
    return classifier.fit(frame, labels)


@pytest.fixture(scope="module")
def shared(frame, labels):
    router = ColumnRouter({"photo": "image", "back": "image"}, remainder="drop")
    branch = ConvBranch((4,), (5,), batch_normalization=True)
    classifier = MergedNetClassifier(
        ["concat", "multiply"], router=router, branches={"photo": branch, "back": "photo"}, **QUICK
    )
    return classifier.fit(frame, labels)


@pytest.fixture(scope="module")
def late(frame, labels, router):
    merge = Late("learned")
    return MergedNetClassifier(merge, router=router, head=(3,), **QUICK).fit(frame, labels)


# --- text ---------------------------------------------------------------------------------------


def test_summary_of_a_fitted_network(fitted):
    assert network_text(fitted) == GOLDEN


def test_summary_prints_or_calls_what_it_is_given(fitted, capsys):
    assert fitted.summary() is None
    assert capsys.readouterr().out == network_text(fitted) + "\n"
    given = []
    fitted.summary(print_fn=given.append)
    assert given == [network_text(fitted)]
    assert capsys.readouterr().out == ""


def test_summary_of_an_unfitted_network(router):
    branches = {"photo": ConvBranch(filters=(4, 8)), "back": "photo"}
    classifier = MergedNetClassifier(Dot(units=4), router=router, branches=branches, head=None)
    assert network_text(classifier).splitlines() == [
        "MergedNetClassifier, not fitted",
        "  photo    image    ConvBranch(filters=(4, 8))",
        "  note     text     EmbeddingBranch",
        "  tabular  tabular  DenseBranch",
        "  back              weights of 'photo'",
        "  merge             dot(units=4)",
        "  output            set by y at fit",
    ]


def test_summary_says_what_is_inferred():
    assert network_text(MergedNetRegressor(output_activation="softplus")).splitlines() == [
        "MergedNetRegressor, not fitted",
        "  ...     inputs inferred from X at fit",
        "  merge   concat",
        "  head    (64,)",
        "  output  softplus",
    ]
    router = ColumnRouter({"unused": "drop", "note": "text"}, remainder="array")
    lines = network_text(MergedNetClassifier(router=router)).splitlines()
    assert lines[1].split() == ["note", "text", "EmbeddingBranch"]
    assert lines[2].split(maxsplit=1)[1] == "other inputs of the columns left over: ArrayEncoder()"


def test_summary_tells_shared_weights_and_those_not_trained(shared):
    lines = network_text(shared).splitlines()
    assert lines[0].endswith(" parameters, 8 of them not trained"), "means and variances"
    assert "weights of 'photo'" in lines[2]
    assert lines[2].split()[-1] == "5", "the vector that stands for an absent back"
    assert lines[3].split()[:4] == ["merge", "concat", "+", "multiply"]


def test_summary_of_late_fusion_has_a_head_for_each_input(late):
    lines = [line.split() for line in network_text(late).splitlines()]
    assert [line[0] for line in lines[1::2][:3]] == ["photo", "note", "tabular"]
    assert [line[:2] for line in lines[2::2][:3]] == [["head", "(3,)"]] * 3
    assert lines[7][:2] == ["merge", "late(weights='learned')"]
    assert lines[7][-1] == "3", "a weight for each input"
    assert lines[8][0] == "output"


def test_long_and_strange_names_stay_on_their_line():
    X = MultiInput(
        {"a very long name of an input, in full": np.ones((20, 2)), "two\nlines": np.ones((20, 1))}
    )
    regressor = MergedNetRegressor(**QUICK).fit(X, np.arange(20.0))
    lines = network_text(regressor).splitlines()
    assert lines[1].startswith("  a very long name of an input,...  array")
    assert lines[2].startswith(r"  'two\nlines'  ")


# --- counts -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["fitted", "shared", "late"])
def test_parameters_of_the_parts_sum_to_those_of_the_network(name, request):
    estimator = request.getfixturevalue(name)
    drawing = describe(estimator)
    assert drawing.rest == 0
    assert drawing.n_parameters == estimator.model_.count_params()
    names = {layer.name for layer in estimator.model_.layers}
    for path in drawing.inputs:
        if path.shares is None:
            own = estimator.model_.get_layer(path.name).count_params()
            absent = path.branch.width if estimator.specs_[path.name].optional else 0
            normalized = 2 * path.branch.width if f"{path.name}-normalized" in names else 0
            assert path.branch.n_parameters == own + absent + normalized


def test_widths_are_those_of_the_network(fitted, frame):
    drawing = describe(fitted)
    outputs = fitted.branch_outputs(frame)
    for path in drawing.inputs:
        assert path.branch.width == outputs[path.name].shape[1]
    assert drawing.merge.width == fitted.transform(frame).shape[1]
    assert (drawing.head.width, drawing.output.width) == (8, 3)


def test_one_input_has_no_merge_and_frozen_weights_are_not_trained():
    body = KerasBranch(keras.layers.Dense(4), trainable=False)
    X = {"x": np.ones((20, 3), dtype="float32")}
    regressor = MergedNetRegressor(branches={"x": body}, head=(), **QUICK).fit(X, np.arange(20.0))
    drawing = describe(regressor)
    assert drawing.merge is None
    assert drawing.head is None
    assert drawing.n_parameters - drawing.n_trainable == 16
    assert "KerasBranch(network=Dense '" in network_text(regressor)
    assert "16 of them not trained" in ours(regressor)


def test_a_pickled_estimator_is_drawn_as_before(fitted):
    assert network_text(pickle.loads(pickle.dumps(fitted))) == network_text(fitted)


def test_parameters_set_after_fit_do_not_change_the_drawing(frame, labels, router):
    classifier = MergedNetClassifier(router=router, head=(4,), **QUICK).fit(frame, labels)
    before = network_text(classifier)
    classifier.set_params(merge="sum", head=(8, 8), branches={"photo": "dense"})
    assert network_text(classifier) == before


# --- HTML ---------------------------------------------------------------------------------------


def test_boxes_of_a_fitted_network(fitted):
    assert boxes(fitted) == [
        "photo image (6, 6, 3) uint8 may be absent",
        "ConvBranch filters (4, 8) 64 units 1,212 parameters",
        "note text (2,) int32 vocabulary of 6 may be absent",
        "EmbeddingBranch embedding_dim 8 64 units 832 parameters",
        "tabular tabular age, city (2,) float32 1 of 2 columns are categories",
        "DenseBranch 64 units 460 parameters",
        "merge concat 192 units no parameters",
        "head (8,) 8 units 1,544 parameters",
        "output softmax classes keep, return, swap 3 units 27 parameters",
    ]


def test_boxes_of_an_unfitted_network():
    classifier = MergedNetClassifier("sum", branches={"photo": "conv", "back": "photo"})
    assert boxes(classifier) == [
        "photo kind inferred at fit",
        "ConvBranch",
        "back kind inferred at fit",
        "shared with photo the same network, the same weights",
        "other inputs inferred from X at fit",
        "merge sum",
        "head (64,)",
        "output set by y at fit",
    ]


def test_boxes_of_late_fusion_come_in_the_order_of_its_layers(late):
    kinds = [text.split()[0] for text in boxes(late)]
    assert kinds == [
        *("photo", "ConvBranch", "head"),
        *("note", "EmbeddingBranch", "head"),
        *("tabular", "DenseBranch", "head"),
        *("merge", "output"),
    ]


def test_a_shared_branch_is_drawn_as_shared(shared):
    html = network_html(shared)
    assert html.count('<div class="skmerge-box skmerge-branch skmerge-shared">') == 1
    assert "5 parameters of its own" in boxes(shared)[3]


@pytest.mark.parametrize("name", ["fitted", "shared", "late"])
def test_html_is_balanced_and_holds_scikit_learns_table(name, request):
    estimator = request.getfixturevalue(name)
    page = Page(estimator._repr_html_())
    classes = [each for _, found in page.elements for each in found]
    assert "skmerge-net" in classes
    assert "sk-top-container" in classes
    assert "parameters-table" in classes
    assert classes.index("skmerge-net") < classes.index("sk-top-container")


def test_styles_are_only_for_our_own_classes(fitted):
    html = network_html(fitted)
    styles = html[html.index("<style>") + 7 : html.index("</style>")]
    styles = "".join(part.partition("*/")[2] or part for part in styles.split("/*"))
    rules = [line for line in styles.splitlines() if line.rstrip().endswith(("{", ",", "}"))]
    selectors = [line.partition("{")[0].strip() for line in rules if not line.startswith("@")]
    selectors = [each for each in selectors if each and each != "}"]
    assert len(selectors) > 40
    assert all(each.startswith(".skmerge-net") for each in selectors)
    assert "$" not in styles, "all placeholders are filled in"


def test_without_styles_the_summary_is_shown_as_text(fitted):
    html = network_html(fitted)
    assert '<div class="skmerge-page" hidden>' in html
    page = html.partition('<pre class="skmerge-text">')[2].partition("</pre>")[0]
    assert page.replace("&#x27;", "'").replace("&gt;", ">") == network_text(fitted)


def test_names_are_escaped(labels):
    hostile = '<script>alert("1")</script> & \'"'
    frame = pd.DataFrame(
        {hostile: ["<b>bold</b> words", "other words"] * 20, "<i>n</i>": range(40)}
    )
    y = np.array(["<u>yes</u>", "no"] * 20)
    router = ColumnRouter({hostile: "text", "<em>": ("tabular", ["<i>n</i>"])})
    dense = keras.Sequential([keras.layers.Dense(2)], name="plain")
    branches = {"<em>": DenseBranch(activation="<a>"), hostile: "embedding"}
    unfitted = MergedNetClassifier("<merge>", router=router, branches=branches, head="<head>")
    branches = {"<em>": dense}
    fitted = MergedNetClassifier(router=router, branches=branches, **QUICK).fit(frame, y)
    for estimator in (unfitted, fitted):
        tags = {tag for tag, _ in Page(ours(estimator)).elements}
        assert tags == {"div", "style", "pre", "ol", "li", "span", "b"}
        assert network_html(estimator).count("<script>") == 1, "scikit-learn's own"
        assert hostile in boxes(estimator)[0]
    assert "<u>yes</u>" in boxes(fitted)[-1]


def test_parameters_that_are_not_valid_are_drawn_all_the_same():
    classifier = MergedNetClassifier("gatd", branches={"photo": "conw", "note": 3}, head=5)
    assert boxes(classifier)[:4] == [
        "photo kind inferred at fit",
        "'conw'",
        "note kind inferred at fit",
        "3",
    ]
    for router in ("auto", ColumnRouter):
        assert network_html(MergedNetClassifier(branches=["conv"], router=router))


def test_the_display_option_of_scikit_learn_counts():
    with config_context(display="text"):
        assert not hasattr(MergedNetClassifier(), "_repr_html_")
        assert "text/html" not in MergedNetClassifier()._repr_mimebundle_()
    bundle = MergedNetClassifier()._repr_mimebundle_()
    assert "skmerge-net" in bundle["text/html"]
    assert bundle["text/plain"] == "MergedNetClassifier()"


def test_a_pipeline_is_drawn_by_scikit_learn(frame, labels, router):
    pipeline = make_pipeline(router, MergedNetClassifier(**QUICK))
    for each in (pipeline, pipeline.fit(frame, labels)):
        html = each._repr_html_()
        assert Page(html)
        assert "skmerge-net" not in html
        assert "MergedNetClassifier" in html
    assert boxes(pipeline[-1])[4].startswith("tabular tabular age, city"), "by the features' names"


def test_different_numbers_of_inputs_have_styles_of_their_own(fitted):
    three, one = network_html(fitted), network_html(MergedNetClassifier())
    assert '<div class="skmerge-net skmerge-n3">' in three
    assert ".skmerge-n3 " in three
    assert '<div class="skmerge-net skmerge-n1">' in one
    assert ".skmerge-n3 " not in one


def test_an_unfitted_network_is_drawn_without_tensorflow():
    code = """
import sys
from skmerge import ColumnRouter, ConvBranch, MergedNetClassifier
router = ColumnRouter({"photo": "image"})
estimator = MergedNetClassifier(["concat", "dot"], router=router, branches={"photo": ConvBranch()})
assert "ConvBranch" in estimator._repr_html_()
estimator.summary()
print([name for name in ("tensorflow", "keras", "scikeras", "matplotlib") if name in sys.modules])
"""
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1] == "[]"


def test_lists_of_merges_and_columns_are_shortened():
    columns = [f"column {number}" for number in range(20)]
    router = ColumnRouter({"table": ("tabular", columns)}, remainder="drop")
    classifier = MergedNetClassifier([Concat(), Dot(units=4)], router=router)
    found = boxes(classifier)
    assert found[0] == "table tabular " + ", ".join(columns[:6]) + " and 14 more"
    assert found[2] == "merge concat + dot(units=4)"
