"""Print the lower bounds in ``pyproject.toml`` as constraints for pip, such as ``numpy==1.26``.

Enters: the names of extras, as arguments. Leaves, on stdout: a line for each requirement of the
package and of these extras, with the oldest version that it allows. An environment installed under
these constraints has the oldest requirements that are supported; so it must be of the oldest Python
as well, and the script ends with an error in any other.
"""

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)(\[.*?\])?\s*(?P<bounds>[^;]*)(?P<marker>;.*)?")
LOWER_BOUND = re.compile(r">=\s*([\w.]+)")


def oldest_python(project: dict) -> tuple[int, int]:
    """Return the version of Python that ``requires-python`` begins with."""
    bound = LOWER_BOUND.search(project["requires-python"])
    if bound is None:
        raise ValueError(f"requires-python must have a '>='. Got {project['requires-python']!r}.")
    major, minor = bound[1].split(".")[:2]
    return int(major), int(minor)


def constraints(requirements: Iterable[str]) -> Iterator[str]:
    """Yield each requirement at its lower bound."""
    for requirement in requirements:
        parts = REQUIREMENT.fullmatch(requirement.strip())
        bound = LOWER_BOUND.search(parts["bounds"]) if parts else None
        if parts is None or bound is None:
            raise ValueError(f"A requirement must have a lower bound, '>='. Got {requirement!r}.")
        yield f"{parts['name']}=={bound[1]}{parts['marker'] or ''}"


def main(extras: list[str]) -> int:
    path = Path(__file__).parents[1] / "pyproject.toml"
    project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    major, minor = oldest_python(project)
    if sys.version_info[:2] != (major, minor):
        found = ".".join(map(str, sys.version_info[:2]))
        print(
            f"The oldest requirements go with Python {major}.{minor}, and this is {found}. Name "
            f"another one, for example: make PYTHON=python{major}.{minor} test-oldest",
            file=sys.stderr,
        )
        return 1
    wanted = [*project["dependencies"]]
    for extra in extras:
        wanted += project["optional-dependencies"][extra]
    print(*constraints(wanted), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
