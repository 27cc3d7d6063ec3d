"""The example that reads a network, run as a user would run it."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "reading_a_network.py"


@pytest.mark.slow
def test_the_example_prints_what_is_inside_and_saves_each_figure(tmp_path):
    folder = tmp_path / "out"
    command = [sys.executable, EXAMPLE, "--rows", "240", "--epochs", "2", "--folder", folder]
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("MergedNetClassifier, ")
    assert any(line.startswith("  merge ") and " attention " in line for line in lines)
    assert [line.split()[0] for line in lines if " features" in line] == [
        "picture:",
        "note:",
        "tabular:",
        "merged:",
    ]
    table = lines[lines.index("Mean weight of each input, by the state of the picture:") :]
    assert table[1].split() == ["picture", "note", "tabular"]
    assert [line.split()[0] for line in table[3:5]] == ["blotted", "clear"]
    figures = sorted(path.name for path in folder.glob("*.png"))
    assert figures == [
        "feature_maps.png",
        "filters.png",
        "saliency_blotted.png",
        "saliency_clear.png",
        "training_curve.png",
    ]
    for name in figures:
        assert (folder / name).read_bytes().startswith(b"\x89PNG")
    assert 'class="skmerge-net' in (folder / "network.html").read_text(encoding="utf-8")
