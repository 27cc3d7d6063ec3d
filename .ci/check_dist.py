"""Check the sdist and the wheel in a folder: what must be in them is there, and nothing else.

Enters: the folder, as the argument. Prints a line per finding and exits with 1 if there is any.
"""

import sys
import tarfile
import zipfile
from collections.abc import Iterator
from email.parser import Parser
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[1]
IN_WHEEL = ("skmerge/py.typed", "skmerge/_diagram.css", "skmerge/_version.py")
IN_SDIST = (
    *("pyproject.toml", "PKG-INFO", "LICENSE", "README.md", "CHANGELOG.md", "CONTRIBUTING.md"),
    *("Makefile", "CITATION.cff", "SECURITY.md", ".pre-commit-config.yaml"),
    *("skmerge/_version.py", "tests/conftest.py", ".ci/check_docstrings.py", ".ci/run"),
    *("examples/quickstart.py", "benchmarks/quality.py", "docs/index.md"),
    ".github/workflows/tests.yml",
)
UNWANTED = ("__pycache__", ".venv", ".mypy_cache", ".ruff_cache", ".pytest_cache", "_build")


def only(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise SystemExit(f"{folder} must hold one {pattern}. Got {[path.name for path in found]}.")
    return found[0]


def own_modules() -> set[str]:
    return {path.relative_to(ROOT).as_posix() for path in (ROOT / "skmerge").rglob("*.py")}


def wheel_findings(path: Path) -> Iterator[str]:
    with zipfile.ZipFile(path) as wheel:
        names = set(wheel.namelist())
        metadata_name = next(name for name in names if name.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(wheel.read(metadata_name).decode())
    for name in sorted({*IN_WHEEL, *own_modules()} - names):
        yield f"lacks {name}"
    if not any(name.endswith(".dist-info/licenses/LICENSE") for name in names):
        yield "lacks the licence"
    tops = {PurePosixPath(name).parts[0] for name in names}
    for top in sorted(tops - {"skmerge", PurePosixPath(metadata_name).parts[0]}):
        yield f"has {top}, which is none of the package"
    yield from (f"has {name}" for name in sorted(names) if set(UNWANTED) & set(Path(name).parts))
    version = path.name.split("-")[1]
    if metadata["Version"] != version:
        yield f"is version {metadata['Version']}, and named {version}"
    if metadata["License-Expression"] is None:
        yield "has no licence in its metadata"


def sdist_findings(path: Path) -> Iterator[str]:
    with tarfile.open(path) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    tests = {file.relative_to(ROOT).as_posix() for file in (ROOT / "tests").rglob("*.py")}
    for name in sorted({*IN_SDIST, *own_modules(), *tests} - names):
        yield f"lacks {name}"
    yield from (f"has {name}" for name in sorted(names) if set(UNWANTED) & set(Path(name).parts))


def main(folder: Path) -> int:
    wheel, sdist = only(folder, "*.whl"), only(folder, "*.tar.gz")
    findings = [f"{wheel.name} {finding}" for finding in wheel_findings(wheel)]
    findings += [f"{sdist.name} {finding}" for finding in sdist_findings(sdist)]
    print(*findings, f"{wheel.name}, {sdist.name}: {len(findings)} findings", sep="\n")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
