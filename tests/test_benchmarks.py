"""The arithmetic of the measurements of speed, and the table that they write."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

import _ratios
import speed
from _plain_keras import SideBySide
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
    assert " cores, " in described


def test_missing_data_sets_are_named(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(speed, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "argv", ["speed.py"])
    (tmp_path / "emoji").mkdir()
    with pytest.raises(SystemExit):
        speed.main()
    told = " ".join(capsys.readouterr().err.split())
    assert "lacks clothing, movies. Set the environment variable SKMERGE_SHARED_DATA" in told


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
