"""The examples of comparing and of importance, each run as a user would run it, in little."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(script, *arguments):
    command = [sys.executable, str(EXAMPLES / script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_two_questions_are_compared_and_plotted(tmp_path):
    plot = tmp_path / "plot.png"
    small = ("--rows", 200, "--epochs", 1, "--merges", "multiply", "--plot", plot)
    printed = run("compare_merges.py", *small)
    which, together = printed.split("Do the halves belong together?")
    for part in (which, together):
        assert "accuracy, 3 folds of 67 rows, best first" in part
        for candidate in ("multiply", "left alone", "right alone", "ensemble of single inputs"):
            assert f"\n{candidate} " in part
        assert "multiply, the best merge, " in part
    assert plot.read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_importance_and_ablation_are_printed_and_plotted(tmp_path):
    plot = tmp_path / "plot.png"
    printed = run("input_importance.py", "--rows", 120, "--epochs", 1, "--plot", plot)
    inputs, columns, left_out = printed.split("\n\n")[:3]
    assert {line.split()[0] for line in inputs.splitlines()[2:]} == {"photo", "text", "table"}
    assert {line.split()[0] for line in columns.splitlines()[2:]} == {
        "photo",
        "text",
        "year",
        "age",
        "shelf",
    }
    assert "without photo" in left_out
    assert plot.read_bytes().startswith(b"\x89PNG")
