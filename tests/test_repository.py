"""The files around the package can be read, and agree with pyproject.toml and the Makefile."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TEMPLATES = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))


def read(*parts):
    return yaml.safe_load(ROOT.joinpath(*parts).read_text(encoding="utf-8"))


def recipe(target):
    """Lines that the Makefile runs for a target."""
    (lines,) = re.findall(rf"^{target}:.*\n((?:\t.*\n)+)", MAKEFILE, flags=re.MULTILINE)
    return [line.strip().replace("$(BIN)", ".venv/bin") for line in lines.splitlines()]


def jobs(path):
    return read(path)["jobs"].items()


def lower_bounds(*extras, edited=None, tmp_path=None):
    """Run the script that reads the bounds, on this ``pyproject.toml`` or an edited one."""
    script = ROOT / ".ci" / "lower_bounds.py"
    if edited is not None:
        (tmp_path / ".ci").mkdir()
        script = tmp_path / ".ci" / script.name
        script.write_bytes((ROOT / ".ci" / script.name).read_bytes())
        (tmp_path / "pyproject.toml").write_text(edited, encoding="utf-8")
    command = [sys.executable, str(script), *extras]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_python_versions_are_those_of_the_workflow():
    listed = [re.search(r":: (3\.\d+)$", line) for line in PROJECT["classifiers"]]
    versions = [found[1] for found in listed if found]
    tests = read(".github", "workflows", "tests.yml")["jobs"]
    assert tests["newest"]["strategy"]["matrix"]["python"] == versions
    assert PROJECT["requires-python"] == f">={versions[0]}"
    (setup,) = (step for step in tests["oldest"]["steps"] if "setup-python" in step.get("uses", ""))
    assert setup["with"]["python-version"] == versions[0]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflow_has_few_rights_and_runs_what_the_makefile_has(path):
    workflow = read(path)
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["concurrency"]["group"]
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, flags=re.MULTILINE))
    for name, job in jobs(path):
        if "uses" in job:
            assert (ROOT / job["uses"]).is_file()
            continue
        assert job["timeout-minutes"] <= 60, name
        assert set(job.get("needs", [])) <= set(workflow["jobs"])
        for step in job["steps"]:
            assert ("uses" in step) != ("run" in step)
            if "uses" in step:
                assert re.fullmatch(r"(actions|pypa)/[\w-]+@(v\d+|release/v\d+)", step["uses"])
            elif step["run"].startswith("make "):
                assert step["run"].split()[1] in targets


def test_only_the_job_that_publishes_gets_a_token_and_waits_for_the_tests():
    granted = {
        name: job["permissions"]
        for path in WORKFLOWS
        for name, job in jobs(path)
        if "permissions" in job
    }
    assert granted == {"publish": {"id-token": "write"}}
    publish = dict(jobs(ROOT / ".github" / "workflows" / "release.yml"))["publish"]
    assert publish["needs"] == ["tests", "build"]
    assert not any("checkout" in step["uses"] for step in publish["steps"])


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_issue_forms_can_be_read(path):
    form = read(path)
    if path.name == "config.yml":
        return
    assert form["name"]
    assert form["description"]
    ids = [field["id"] for field in form["body"] if field["type"] != "markdown"]
    assert len(ids) == len(set(ids)) > 0


def test_bug_report_asks_for_the_versions():
    (field,) = (
        field
        for field in read(".github", "ISSUE_TEMPLATE", "bug_report.yml")["body"]
        if field.get("id") == "versions"
    )
    assert "skmerge.show_versions()" in field["attributes"]["description"]
    assert field["validations"] == {"required": True}


def test_hooks_run_what_make_lint_runs():
    (repository,) = read(".pre-commit-config.yaml")["repos"]
    assert [hook["entry"] for hook in repository["hooks"]] == recipe("lint")


def test_citation_says_what_the_project_says():
    citation = read("CITATION.cff")
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert citation["title"] == PROJECT["name"]
    assert citation["abstract"] == PROJECT["description"]
    assert citation["license"] == PROJECT["license"]
    assert citation["authors"] == PROJECT["authors"]
    assert citation["keywords"] == PROJECT["keywords"]


def test_license_file_is_the_licence():
    (name,) = PROJECT["license-files"]
    text = (ROOT / name).read_text(encoding="utf-8")
    assert PROJECT["license"] == "BSD-3-Clause"
    assert "Neither the name of the copyright holder" in " ".join(text.split())
    assert "Redistribution and use in source and binary forms" in text


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the oldest Python is 3.11")
class TestLowerBounds:
    def test_each_requirement_is_pinned_at_its_bound(self):
        ran = lower_bounds("test")
        wanted = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]]
        bounds = [re.match(r"([\w-]+)(?:\[.*\])?>=([\w.]+)", requirement) for requirement in wanted]
        assert ran.stdout.split() == [f"{bound[1]}=={bound[2]}" for bound in bounds]

    def test_upper_bounds_extras_and_markers_are_understood(self, tmp_path):
        edited = """
            [project]
            requires-python = ">=3.11"
            dependencies = ["a[x]>=1.2,<2", 'b <3, >= 2.0rc1; python_version < "3.13"']
        """
        ran = lower_bounds(edited=edited, tmp_path=tmp_path)
        assert ran.stdout.splitlines() == ["a==1.2", 'b==2.0rc1; python_version < "3.13"']

    def test_a_requirement_without_bound_is_an_error(self, tmp_path):
        edited = '[project]\nrequires-python = ">=3.11"\ndependencies = ["a<2"]\n'
        ran = lower_bounds(edited=edited, tmp_path=tmp_path)
        assert ran.returncode != 0
        assert "must have a lower bound, '>='. Got 'a<2'" in ran.stderr

    def test_another_python_is_refused(self, tmp_path):
        edited = '[project]\nrequires-python = ">=3.10"\ndependencies = []\n'
        ran = lower_bounds(edited=edited, tmp_path=tmp_path)
        assert ran.returncode == 1
        assert "go with Python 3.10, and this is 3.11. Name another one" in ran.stderr
