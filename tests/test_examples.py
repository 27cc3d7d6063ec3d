"""The examples, each run as a user would run it; ``make demo`` runs the quickstart in full."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(script, *arguments):
    command = [sys.executable, str(EXAMPLES / script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_quickstart_prints_a_row_per_merge_and_saves_a_plot(tmp_path):
    plot = tmp_path / "modes.png"
    printed = run("quickstart.py", "--rows", 120, "--epochs", 1, "--plot", plot)
    for mode in ("concat", "sum", "multiply", "cosine", "concat + multiply"):
        assert f"\n{mode:>17} " in printed
    assert plot.read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_the_two_branch_snippet_learns_digits():
    lines = run("two_branches.py").splitlines()
    accuracies = {line.split()[0]: float(line.split()[2].rstrip(",")) for line in lines}
    assert list(accuracies) == ["concat", "sum", "mul", "ave", "max", "dot", "cos"]
    assert accuracies["concat"] > 0.9


@pytest.mark.slow
def test_input_dropout_teaches_to_do_without_an_input():
    header, *lines = run("absent_inputs.py").splitlines()
    scores = {tuple(line.split()[:2]): [float(cell) for cell in line.split()[2:]] for line in lines}
    assert header.split() == ["merge", "input_dropout", "both", "left", "right", "mixed"]
    for merge in ("concat", "multiply", "attention", "late"):
        (both, *untaught), (_, *taught) = scores[merge, "0.0"], scores[merge, "0.3"]
        assert both > 0.9
        assert min(taught) > 0.7
        assert np.mean(taught) > np.mean(untaught) + 0.03
