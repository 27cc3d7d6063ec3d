"""The example of sequences, run as a user would run it, on fewer rows."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "examples" / "sequences.py"


@pytest.mark.slow
def test_the_example_reads_the_curve_by_each_branch():
    command = [sys.executable, str(SCRIPT), "--rows", "160", "--epochs", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "pressure  sequence <- pressure -> (40, 2) float32" in done.stdout
    table = done.stdout.rpartition("parameters\n")[2]
    rows = [line.rsplit(maxsplit=3) for line in table.splitlines()]
    assert [row[0].strip() for row in rows] == ["no curve", "recurrent", "attention", "conv1d"]
    assert all(0.3 < float(row[1]) <= 1 for row in rows)
