"""The types that a user's type checker sees, from outside of the package."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import skmerge

pytest.importorskip("mypy", reason="mypy is in the extra 'lint'")

SCRIPT = Path(__file__).with_name("typed_script.py")
EXPECTED = re.compile(r"# error: ([\w-]+)$")
FOUND = re.compile(r"typed_script\.py:(\d+): error: (.*?)  \[([\w-]+)\]$", re.MULTILINE)


@pytest.mark.slow
def test_a_strict_type_checker_sees_the_types_of_the_public_names(tmp_path):
    command = [
        *(sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir", tmp_path),
        *("--no-error-summary", "--follow-imports=silent", SCRIPT),
    ]
    ran = subprocess.run(
        list(map(str, command)),
        cwd=tmp_path,
        # this package, whichever way it was made importable here
        env=os.environ | {"MYPYPATH": str(Path(skmerge.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stderr == ""
    lines = SCRIPT.read_text(encoding="utf-8").splitlines()
    expected = {
        number: code[1]
        for number, line in enumerate(lines, start=1)
        if (code := EXPECTED.search(line))
    }
    found = {int(line[1]): line[3] for line in FOUND.finditer(ran.stdout)}
    assert found == expected, ran.stdout
