"""The example that shows what the merge modes can do, run as a user would run it."""

import subprocess
import sys
from pathlib import Path

import pytest

from skmerge.merges import MERGES

SCRIPT = Path(__file__).parents[2] / "examples" / "merge_modes.py"
LEFT_OUT = {"average", "subtract", "minimum"}


@pytest.mark.slow
def test_only_modes_that_bring_the_inputs_together_see_what_both_have_in_common():
    command = [sys.executable, str(SCRIPT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    table, with_head = done.stdout.split("\n\n")
    _, alone, *rows = [line.rsplit(maxsplit=2) for line in table.splitlines()]
    sums = {mode: float(value) for mode, value, _ in rows}
    same = {mode: float(value) for mode, _, value in rows}
    assert set(sums) == set(MERGES) - LEFT_OUT

    assert min(sums.values()) > float(alone[1]) + 0.03
    adding = {"late", "concat", "sum"}
    assert max(same[mode] for mode in adding) < 0.6
    assert min(value for mode, value in same.items() if mode not in adding) > 0.75

    headed = dict(line.split() for line in with_head.splitlines()[1:])
    assert float(headed["late"]) < 0.6
    assert min(float(headed["concat"]), float(headed["sum"])) > 0.75
