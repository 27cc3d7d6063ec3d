"""The arithmetic of the measurements of speed and quality, and the tables that they write."""

import re
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline

from skmerge import MergedNetClassifier, MergedNetRegressor

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

import _quality_page
import _ratios
import quality
import scale
import speed
from _plain_keras import SideBySide
from _quality_ablation import ABLATIONS, Change, differences, means
from _quality_baselines import Stack, as_features, baselines, read_pixels
from _quality_contenders import Result
from _quality_page import sentence, write_sections
from _quality_scores import METRICS, calibration_error, difference, outputs, verdict
from _quality_tasks import TASKS, Task
from _ratios import BEGIN, END, Row, alternate, row_of_times, table, write_table
from _speed_process import _import_seconds, _slope

sys.path.pop()  # there and in examples/ are files of one name

MACHINE = "Machine: one of tests."


@pytest.fixture
def page(tmp_path):
    page = tmp_path / "speed.md"
    page.write_text(f"before\n\n{BEGIN}\n\nnothing yet\n\n{END}\n\nafter\n", encoding="utf-8")
    return page


def row(work="fit", ratio=2.0, **more):
    return Row(work, "another", ratio, ratio, ratio, **more)


def measured(page):
    lines = page.read_text(encoding="utf-8").splitlines()
    return [line.split("|")[1:4] for line in lines if line.startswith("| ")][1:]


def test_ratio_is_the_median_of_the_ratios_of_the_repeats():
    made = row_of_times("fit", "another", [(1.0, 2.0), (2.0, 12.0), (1.0, 9.0)])
    assert (made.ratio, made.low, made.high) == (6.0, 2.0, 9.0)
    assert made.detail == "1 s against 9 s"


def test_sides_take_turns_at_being_first():
    calls = []

    def timed(side):
        calls.append(side())
        return {"ours": 1.0, "theirs": 3.0}[calls[-1]]

    pairs = alternate("work", lambda: "ours", lambda: "theirs", 3, timed=timed)
    assert calls == ["ours", "theirs", "theirs", "ours", "ours", "theirs"]
    assert pairs == [(1.0, 3.0)] * 3


def test_both_sides_are_timed():
    pairs = alternate("work", lambda: None, lambda: sum(range(200_000)), 2)
    assert all(0 < ours < theirs for ours, theirs in pairs)


@pytest.mark.parametrize(
    ("more", "met"),
    [
        ({"must": 2}, True),
        ({"must": 2.1}, False),
        ({"must": 1.9, "at_most": True}, False),
        ({"must": 2, "at_most": True}, True),
        ({}, None),
    ],
)
def test_what_is_required_is_met_or_not(more, met):
    assert row(ratio=2.0, **more).met is met


def test_table_says_what_is_required_and_whether_it_is_met():
    rows = [
        Row("fit", "another", 7.25, 6.9, 8.123, must=6, aim=10, detail="2 s against 14 s"),
        row("memory", 0.3, must=0.2, at_most=True, unit=" MiB"),
        row("a | b", 123.4),
    ]
    lines = table(rows).splitlines()
    assert lines[2:] == [
        "| fit | another | 7.25x | 6.9 to 8.12 | at least 6x, aim 10x | yes | 2 s against 14 s |",
        "| memory | another | 0.3 MiB |  | at most 0.2 MiB | **no** |  |",
        "| a / b | another | 123x |  |  |  |  |",
    ]
    assert {line.count("|") for line in lines} == {8}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0000123, "12.3 µs"), (0.01234, "12.3 ms"), (4.567, "4.57 s"), (251.3, "251 s")],
)
def test_durations_are_in_a_unit_that_fits(seconds, text):
    assert _ratios.duration(seconds) == text


def test_rows_per_second_are_those_of_the_median_repeat():
    pairs = [(1.0, 4.0), (2.0, 8.0), (9.0, 9.0)]
    assert _ratios.per_second(4000, pairs) == "2,000 rows/s against 500"


def test_table_is_written_between_the_marks(page):
    write_table(page, [row()], MACHINE)
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"before\n\n{BEGIN}\n\n{MACHINE}\n\nMeasured 2")
    assert text.endswith(f"|\n\n{END}\n\nafter\n")
    assert "nothing yet" not in text
    assert measured(page) == [[" fit ", " another ", " 2x "]]


def test_lines_not_measured_again_are_kept(page):
    write_table(page, [row("fit"), row("search")], MACHINE)
    write_table(page, [row("fit", 3.0), row("import")], MACHINE)
    assert [line[::2] for line in measured(page)] == [
        [" fit ", " 3x "],
        [" search ", " 2x "],
        [" import ", " 2x "],
    ]


def test_lines_of_two_machines_are_not_mixed(page):
    write_table(page, [row("fit"), row("search")], MACHINE)
    before = page.read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="another machine or other libraries"):
        write_table(page, [row("fit")], "Machine: another one.")
    assert page.read_text(encoding="utf-8") == before
    write_table(page, [row("fit"), row("search")], "Machine: another one.")
    assert MACHINE not in page.read_text(encoding="utf-8")


def test_lines_of_two_commits_are(page):
    write_table(page, [row("fit"), row("search")], f"{MACHINE} skmerge 0.1.dev1+gabc, numpy 2.0.")
    write_table(page, [row("fit")], f"{MACHINE} skmerge 0.1.0, numpy 2.0.")
    assert len(measured(page)) == 2
    with pytest.raises(ValueError, match="another machine or other libraries"):
        write_table(page, [row("fit")], f"{MACHINE} skmerge 0.1.0, numpy 2.1.")


def test_page_without_marks_is_refused(page):
    page.write_text("no marks", encoding="utf-8")
    with pytest.raises(ValueError, match="must hold each of the lines"):
        write_table(page, [row()], MACHINE)


def test_page_in_the_docs_has_the_marks():
    text = speed.PAGE.read_text(encoding="utf-8")
    assert text.count(BEGIN) == text.count(END) == 1


def test_machine_is_described_with_its_libraries():
    described = _ratios.machine_described()
    assert f"Python {sys.version.split()[0]}" in described
    assert f"numpy {np.__version__}" in described
    assert re.search(r", (one core|\d+ cores), ", described)


def test_missing_data_sets_are_named(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(speed, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "argv", ["speed.py"])
    (tmp_path / "emoji").mkdir()
    with pytest.raises(SystemExit):
        speed.main()
    told = " ".join(capsys.readouterr().err.split())
    lacking = "lacks clothing, movies, easy_vqa. Set the environment variable SKMERGE_SHARED_DATA"
    assert lacking in told


def test_inputs_side_by_side_are_laid_apart_as_they_were():
    rng = np.random.default_rng(0)
    arrays = {
        "photo": rng.integers(0, 256, (5, 4, 3, 3), dtype="uint8"),
        "note": rng.integers(0, 2**24, (5, 6)).astype("int32"),
        "note_present": np.ones((5, 1), dtype="float32"),
        "table": rng.normal(size=(5, 2)).astype("float32"),
    }
    lying = SideBySide.of(arrays)
    matrix = lying.join(arrays)
    assert matrix.shape == (5, 45)
    assert matrix.dtype == "float32"
    apart = lying.split(matrix[[3, 1]])
    for name, array in arrays.items():
        assert apart[name].dtype == array.dtype
        np.testing.assert_array_equal(apart[name], array[[3, 1]])


def test_an_import_that_loads_tensorflow_is_refused():
    assert _import_seconds("import json") > 0
    with pytest.raises(RuntimeError, match="must not load TensorFlow"):
        _import_seconds("sys.modules['tensorflow'] = None")


def test_memory_kept_is_the_slope_over_the_refits():
    assert _slope([5.0, 7.0, 9.0, 11.0]) == pytest.approx(2.0)


LETTERS = np.array(["a", "b", "c"])


def test_calibration_error_is_the_mean_gap_of_the_bins():
    # two rows of confidence 0.9, one of them right; three of 0.5, all right
    probabilities = [[0.9, 0.1, 0], [0.1, 0.9, 0], [0.5, 0.3, 0.2], [0.2, 0.5, 0.3], [0, 0.5, 0.5]]
    y = np.array(["a", "a", "a", "b", "b"])
    expected = 2 / 5 * abs(0.5 - 0.9) + 3 / 5 * abs(1 - 0.5)
    assert calibration_error(y, np.array(probabilities), LETTERS) == pytest.approx(expected)


def test_calibration_error_of_one_bin_is_accuracy_beside_confidence():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet([1, 1, 1], size=50)
    y = rng.choice(LETTERS, 50)
    accuracy = np.mean(LETTERS[probabilities.argmax(axis=1)] == y)
    expected = abs(probabilities.max(axis=1).mean() - accuracy)
    assert calibration_error(y, probabilities, LETTERS, n_bins=1) == pytest.approx(expected)


def test_bins_of_the_calibration_error_are_open_to_the_left():
    # 0.5 and 0.75, bins of a quarter: of one bin if they were open to the right, the gap were 0
    y = np.array(["a", "b"])
    probabilities = np.array([[0.5, 0.5, 0], [0.75, 0.25, 0]])
    expected = 0.5 * abs(1 - 0.5) + 0.5 * abs(0 - 0.75)
    assert calibration_error(y, probabilities, LETTERS, n_bins=4) == pytest.approx(expected)


def test_calibration_error_of_certainty_is_the_fraction_that_is_wrong():
    y = np.array(["a", "b", "c", "c"])
    certain = np.eye(3)[[0, 1, 2, 0]]
    assert calibration_error(y, certain, LETTERS) == pytest.approx(1 / 4)


def test_calibration_error_of_several_labels_pools_them():
    y = np.array([[1, 0], [0, 0]])
    probabilities = np.array([[0.7, 0.2], [0.7, 0.0]])
    expected = 2 / 4 * abs(0.5 - 0.7) + 1 / 4 * 0.2 + 1 / 4 * 0
    assert calibration_error(y, probabilities, np.arange(2)) == pytest.approx(expected)


@pytest.mark.parametrize("metric", ["ROC AUC", "PR-AUC", "macro AUC", "macro AP", "accuracy", "R2"])
def test_metrics_are_highest_for_what_is_right(metric):
    classes = LETTERS if metric in ("macro AUC", "accuracy") else LETTERS[:2]
    labels = np.array([0, 1, 0, 1, len(classes) - 1, 0])
    y, right = classes[labels], np.eye(len(classes))[labels]
    if metric == "macro AP":
        y = right
    if metric == "R2":
        y = right = labels.astype(float)
    assert METRICS[metric](y, right, classes) == 1
    assert METRICS[metric](y, right[::-1], classes) < 1


def test_difference_is_paired_by_seed():
    mean, error = difference([0.8, 0.9, 1.0], [0.7, 0.8, 0.6])
    assert mean == pytest.approx(0.2)
    assert error == pytest.approx(np.std([0.1, 0.1, 0.4], ddof=1) / np.sqrt(3))
    assert difference([0.8], [0.7]) == (pytest.approx(0.1), 0)


@pytest.mark.parametrize(
    ("single", "stack", "told"),
    [
        (
            [0.7, 0.7],
            [0.6],
            "skmerge is at least as good as its best single input, note (+0.2000 ± 0.1000) and as "
            "the stack (+0.3000 ± 0.1000).",
        ),
        (
            [0.9, 1.1],
            [0.99],
            "skmerge is at least as good as the stack (-0.0900 ± 0.1000), but is **worse** than "
            "its best single input, note (-0.1000 ± 0.0000).",
        ),
        (
            [1.2, 1.4],
            [1.1],
            "skmerge is **worse** than its best single input, note (-0.4000 ± 0.0000) and than "
            "the stack (-0.2000 ± 0.1000).",
        ),
    ],
)
def test_verdict_compares_with_the_best_single_input_and_the_stack(single, stack, told):
    singles = {"photo": [0.1, 0.1], "note": single}
    assert verdict([0.8, 1.0], singles, stack) == told


def test_verdict_of_one_seed_says_so():
    told = verdict([0.8], {"note": [0.7]}, None)
    assert told.endswith("note (+0.1000). One seed: its standard error is not known.")


def result(name, scores, seconds=1.0):
    made = Result(name)
    for score in scores:
        made.add({"accuracy": score}, 0.05, seconds)
    return made


def test_sentence_finds_single_inputs_and_stack_by_name():
    results = [
        result("skmerge", [0.8, 0.8]),
        result("skmerge, photo alone", [0.5, 0.5]),
        result("TF-IDF", [0.99]),
        result("stack", [0.9]),
    ]
    assert sentence(results) == (
        "skmerge is at least as good as its best single input, photo (+0.3000 ± 0.0000), but is "
        "**worse** than the stack (-0.1000 ± 0.0000)."
    )
    assert sentence(results[:1]) == sentence(results[1:]) == ""


def test_table_of_results_has_mean_spread_calibration_and_median_seconds():
    measured = result("skmerge", [0.8, 0.9])
    measured.add({"accuracy": 1.0}, 0.2, 9.0)
    assert _quality_page.table([measured, result("stack", [0.75])]).splitlines() == [
        "| contender | accuracy | spread | ECE | fit s |",
        "| --- | ---: | ---: | ---: | ---: |",
        "| skmerge | 0.9000 | 0.1000 | 0.1000 | 1 |",
        "| stack | 0.7500 |  | 0.0500 | 1 |",
    ]


def test_ablation_shows_paired_differences_and_the_ratio_of_seconds():
    measured = {
        "skmerge": result("", [0.5, 0.7]),
        "no dropout": result("", [0.4, 0.6], 0.5),
        "no head": result("", [0.5, 0.8]),
    }
    assert differences(measured).splitlines()[2:] == [
        "| none: the score | 0.6000 | 1 s |",
        "| no dropout | -0.1000 ± 0.0000 | 0.50x |",
        "| no head | +0.0500 ± 0.0500 | 1.00x |",
    ]


def test_ablations_are_summed_up_over_the_tasks_on_the_page():
    usual, slow = result("", [0.5]), result("", [0.4], 2.0)
    tables = {
        "emoji": differences({"skmerge": usual, "no dropout": slow, "no head": usual}),
        "houses": differences({"skmerge": usual, "no dropout": usual}),
    }
    assert means(tables).splitlines()[2:] == [
        "| no dropout | -0.0500 | 1.50x | 2 |",
        "| no head | +0.0000 | 1.00x | 1 |",
    ]


@pytest.mark.parametrize("name", ABLATIONS)
def test_ablations_change_what_there_is(name):
    change = ABLATIONS[name]
    changed = change.parameters(TASKS["movies"])
    others = [] if change.needs == "numbers" else [MergedNetClassifier()]
    for estimator in (MergedNetRegressor(), *others):
        usual = estimator.get_params()
        assert all(usual[key] != value for key, value in changed.items())
    if change.constant:
        module, _, constant = change.constant.rpartition(".")
        usual = getattr(import_module(module), constant)
        with change.made():
            assert getattr(import_module(module), constant) == change.value != usual
        assert getattr(import_module(module), constant) is usual
    assert bool(changed) != bool(change.constant)


def test_constants_of_ablations_are_those_that_the_linear_model_reads():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(300, 2)), columns=["size", "age"])
    words = np.array(["red", "green", "blue", "pale", "dark"])[rng.integers(0, 5, (300, 4))]
    X["note"] = [" ".join(row) for row in words]
    # what numbers and words say only two by two
    y = (X["size"] * X["age"] > 0) ^ X["note"].str.contains("pale red|dark blue")
    layers = {}
    for name in ("none", "no pairs of words", "no numbers two by two"):
        with ABLATIONS.get(f"linear model: {name}", Change()).made():
            network = MergedNetClassifier(epochs=1, n_members=1, random_state=0).fit(X, y).model_
        layers[name] = [network.get_layer(f"{of}-wide").get_config() for of in ("tabular", "note")]
    read = [(table["n_crossed"] > 0, text["n_pairs"] > 0) for table, text in layers.values()]
    assert read == [(True, True), (True, False), (False, True)]


@pytest.fixture
def quality_page(tmp_path):
    page = tmp_path / "quality.md"
    end = _quality_page.END
    page.write_text(
        f"before\n\n{quality.SCORES}\n\nnothing yet\n\n{end}\n\nbetween\n\n"
        f"{quality.ABLATION}\n\nnot this\n\n{end}\n\nafter\n",
        encoding="utf-8",
    )
    return page


def test_sections_are_written_after_their_mark(quality_page):
    write_sections(quality_page, quality.SCORES, {"emoji": "| a |"}, machine=MACHINE, n_seeds=3)
    text = quality_page.read_text(encoding="utf-8")
    assert text.startswith(f"before\n\n{quality.SCORES}\n\n{MACHINE}\n\n### emoji\n\nMeasured 2")
    assert ", 3 seeds.\n\n| a |\n\n<!-- end -->\n\nbetween\n\n" in text
    assert text.endswith(f"{quality.ABLATION}\n\nnot this\n\n<!-- end -->\n\nafter\n")
    assert "nothing yet" not in text


def test_sections_not_measured_again_are_kept_on_one_machine(quality_page):
    def write(sections, machine=MACHINE):
        write_sections(quality_page, quality.SCORES, sections, machine=machine, n_seeds=1)
        return quality_page.read_text(encoding="utf-8").split("between")[0]

    write({"emoji": "first", "houses, log10 price": "second"})
    text = write({"emoji": "third"})
    assert [word in text for word in ("first", "second", "third")] == [False, True, True]
    assert text.count("Measured") == 2
    assert text.count(MACHINE) == 1
    with pytest.raises(ValueError, match="another machine or other libraries"):
        write({"emoji": "fourth"}, "Machine: another one.")
    assert "third" in quality_page.read_text(encoding="utf-8")


def test_a_summary_of_all_sections_comes_first(quality_page):
    def write(sections):
        summary = "in all", lambda texts: f"{len(texts)} sections"
        write_sections(
            quality_page, quality.ABLATION, sections, machine=MACHINE, n_seeds=1, summary=summary
        )
        return quality_page.read_text(encoding="utf-8")

    write({"emoji": "first"})
    text = write({"houses": "second"})
    assert f"{MACHINE}\n\n### in all\n\n2 sections\n\n### emoji\n\nMeasured" in text
    assert text.count("sections") == 1


def test_page_of_quality_without_marks_is_refused(quality_page):
    quality_page.write_text(f"{quality.SCORES}\n", encoding="utf-8")
    with pytest.raises(ValueError, match="must hold the line"):
        write_sections(quality_page, quality.SCORES, {}, machine=MACHINE, n_seeds=1)


def test_page_of_quality_in_the_docs_has_the_marks():
    text = quality.PAGE.read_text(encoding="utf-8")
    parts = text.split(quality.SCORES)[1].split(quality.ABLATION)
    assert [part.count(_quality_page.END) for part in parts] == [1, 1]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--write", "--only", "skmerge"], "--write needs all contenders"),
        (["--ablation", "--folds"], "run them one after the other"),
        (["emoji", "--folds"], "--folds measures houses alone"),
        (["--only", "skmerge", "--folds"], "--folds measures houses alone"),
        (["--seeds", "0"], "--seeds must be at least 1. Got 0."),
        (["--without-baselines", "--only", "alone"], "--only goes neither"),
    ],
)
def test_options_that_do_not_go_together_are_refused(monkeypatch, capsys, given, told):
    monkeypatch.setattr(sys, "argv", ["quality.py", *given])
    with pytest.raises(SystemExit):
        quality.main()
    assert told in " ".join(capsys.readouterr().err.split())


def drawn_rows(kind, n_rows=60):
    """Two columns that matter, and targets that are their sum or say which of them is larger."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(n_rows, 2)), columns=["left", "right"])
    numbers = frame.sum(axis=1).to_numpy()
    labels = (frame > 0).to_numpy().astype(int)
    classes = LETTERS[labels.sum(axis=1)]
    return frame, {"numbers": numbers, "labels": labels, "classes": classes}[kind]


def of_column(name, model):
    return make_pipeline(ColumnTransformer([("one", "passthrough", [name])]), model)


@pytest.mark.parametrize("kind", ["numbers", "classes", "labels"])
def test_stack_is_better_than_its_members(kind):
    frame, y = drawn_rows(kind)
    logistic = LogisticRegression()
    final = {"numbers": Ridge(), "classes": logistic, "labels": OneVsRestClassifier(logistic)}[kind]
    metric = {"numbers": "R2", "classes": "accuracy", "labels": "macro AP"}[kind]
    members = {name: of_column(name, clone(final)) for name in frame}
    stack = Stack(members, final).fit(frame, y)
    classes = getattr(stack, "classes_", None)
    reached = METRICS[metric](y, outputs(stack, frame), classes)
    alone = [METRICS[metric](y, outputs(m, frame), classes) for m in stack.members_.values()]
    assert reached > max(alone) + 0.1
    assert hasattr(stack, "predict_proba") == (kind != "numbers")


def test_stack_learns_from_rows_that_its_members_have_not_seen():
    frame, y = drawn_rows("numbers")
    stack = Stack({"left": of_column("left", Ridge())}, Ridge()).fit(frame, y)
    held_out = np.empty(len(frame))
    for train, test in KFold(5, shuffle=True, random_state=0).split(frame):
        model = Ridge().fit(frame[["left"]].iloc[train], y[train])
        held_out[test] = model.predict(frame[["left"]].iloc[test])
    scaled = (held_out - held_out.mean()) / held_out.std()
    final = Ridge().fit(scaled[:, None], y)
    whole = Ridge().fit(frame[["left"]], y).predict(frame[["left"]])
    expected = final.predict(((whole - held_out.mean()) / held_out.std())[:, None])
    np.testing.assert_allclose(stack.predict(frame), expected)


def test_probabilities_enter_the_stack_as_log_odds():
    probabilities = np.array([[0.25, 0.75], [1.0, 0.0]])
    limit = np.log(1e-6 / (1 - 1e-6))
    one = np.log(3)
    np.testing.assert_allclose(as_features(probabilities, False), [[one], [limit]])
    np.testing.assert_allclose(as_features(probabilities, True), [[-one, one], [-limit, limit]])
    np.testing.assert_array_equal(as_features(np.array([1.0, 2.0]), False), [[1.0], [2.0]])


def test_baselines_are_those_that_the_columns_allow(tmp_path, capsys):
    rng = np.random.default_rng(0)
    paths = [str(tmp_path / f"{row % 20}.png") for row in range(40)]
    for path in paths[:20]:
        Image.fromarray(rng.integers(0, 256, (30, 20, 3), dtype="uint8")).save(path)
    frame = pd.DataFrame(
        {
            "note": ["fits well", None, "too small", "sent back"] * 10,
            "photo": paths,
            "city": ["Bern", "Oslo", None, "Rome"] * 10,
            "age": rng.normal(size=40),
        }
    )
    pictures = {"texts": ("note",), "pictures": ("photo",)}
    task = Task(None, ("accuracy",), categories=("city",), **pictures)
    made = baselines(task, frame)
    made.pop("skrub tabular_pipeline", None)
    assert list(made) == ["TF-IDF + linear", "TF-IDF", "gradient boosting", "picture", "stack"]
    assert list(made["stack"].members) == ["TF-IDF", "gradient boosting", "picture"]
    y = np.where(frame["note"].eq("too small"), "return", "keep")
    text = made["TF-IDF + linear"].fit(frame, y)
    assert text.predict(frame).tolist() == y.tolist()
    alone = baselines(Task(None, ("accuracy",), **pictures), frame[["note", "photo"]])
    alone.pop("skrub tabular_pipeline", None)
    assert list(alone) == ["TF-IDF", "picture", "stack"]
    pixels = read_pixels(frame, ["photo"])
    assert pixels.shape == (40, 24 * 24 * 3)
    assert 0 <= pixels.min() < pixels.max() <= 1
    np.testing.assert_array_equal(pixels[:20], pixels[20:])


def test_rows_of_scale_are_the_same_each_time_and_as_many_as_asked_for(monkeypatch):
    monkeypatch.setattr(scale, "CHUNK", 40)
    chunks = list(scale.drawn(100))
    assert [len(chunk) for chunk in chunks] == [40, 40, 20]
    pd.testing.assert_frame_equal(pd.concat(chunks), pd.concat(scale.drawn(100)))
    assert chunks[0]["note"].str.split().map(len).eq(20).all()


def test_pictures_of_scale_part_in_the_column_of_the_target(tmp_path):
    scale.draw_pictures(5, tmp_path)
    frame = scale.pictures(5, tmp_path)
    for path, column in zip(frame["photo"], frame["y"], strict=True):
        pixels = np.asarray(Image.open(path)).astype(int)
        assert pixels.shape == (scale.SIDE, scale.SIDE, 3)
        changes = np.flatnonzero(np.abs(np.diff(pixels[0], axis=0)).sum(axis=1)) + 1
        assert changes.tolist() == ([column] if column else [])
