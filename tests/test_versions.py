"""Versions: where the package's own comes from, and the report of `show_versions`."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

import skmerge
from skmerge import _versions

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def names_of(requirements):
    return [re.match(r"[\w-]+", requirement)[0] for requirement in requirements]


def copied_package(folder, written):
    """Copy what `__version__` needs, with the file that a build writes, or without it."""
    package = folder / "skmerge"
    package.mkdir()
    for name in ("__init__.py", "_versions.py"):
        (package / name).write_bytes(Path(skmerge.__file__).with_name(name).read_bytes())
    if written is not None:
        (package / "_version.py").write_text(f'__version__ = "{written}"\n', encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("written", "expected"),
    [("0.1.0.dev12+gabc1234", "0.1.0.dev12+gabc1234"), (None, "0+unknown")],
)
def test_version_is_the_one_written_by_the_build(written, expected, tmp_path):
    """Without git, and without the metadata of another copy that is installed."""
    code = "import skmerge; print(skmerge.__version__, skmerge.__file__)"
    command = [sys.executable, "-c", code]
    ran = subprocess.run(
        command,
        cwd=copied_package(tmp_path, written),
        env={"PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    version, path = ran.stdout.split()
    assert version == expected
    assert Path(path).parent == tmp_path / "skmerge"


def test_installed_versions_keeps_the_order_and_leaves_out_what_is_absent():
    found = _versions.installed_versions(["pandas", "no-such-distribution", "numpy"])
    assert list(found) == ["pandas", "numpy"]
    assert found["numpy"] == np.__version__


def test_every_requirement_is_reported():
    assert list(_versions.REQUIRED) == ["pip", *names_of(PROJECT["dependencies"])]
    assert not set(_versions.REQUIRED) & set(_versions.OPTIONAL)


def test_report_tells_of_system_libraries_devices_and_threads(capsys, monkeypatch):
    monkeypatch.setenv("TF_NUM_INTEROP_THREADS", "1")
    skmerge.show_versions()
    printed = capsys.readouterr().out
    facts = dict(re.findall(r"^ +([^:]+): (.*)$", printed, flags=re.MULTILINE))
    assert re.findall(r"^(\S.*):$", printed, flags=re.MULTILINE) == [
        *("System", "Versions", "Optional", "TensorFlow", "Threads and environment"),
    ]
    assert facts["skmerge"] == skmerge.__version__
    assert facts["numpy"] == np.__version__
    assert set(_versions.REQUIRED) < set(facts)
    assert facts["python"].startswith(".".join(map(str, sys.version_info[:3])))
    assert "CPU" in facts["devices"]
    assert facts["Keras backend"] == "tensorflow"
    assert int(facts["usable cores"]) <= int(facts["cores"])
    assert facts["TF_NUM_INTEROP_THREADS"] == "1"
