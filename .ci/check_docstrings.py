"""Validate the docstrings of the public API by numpydoc.

Public is what can be reached from ``skmerge`` without an underscore: the names in ``__all__`` of
its public modules (or, without it, what they define), and what the package defines of the members
of these classes. The checks are those of ``[tool.numpydoc_validation]`` in ``pyproject.toml``.
Prints a line per finding and exits with 1 if there is any.
"""

import inspect
import pkgutil
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from numpydoc.hooks.validate_docstrings import parse_config
from numpydoc.validate import validate

import skmerge

MEMBERS = (property, classmethod, staticmethod)


def public_modules() -> Iterator[str]:
    yield "skmerge"
    for module in pkgutil.walk_packages(skmerge.__path__, "skmerge."):
        if "._" not in module.name:
            yield module.name


def public_objects(module_name: str) -> Iterator[tuple[str, object]]:
    module = import_module(module_name)
    listed = getattr(module, "__all__", None)
    for name in vars(module) if listed is None else listed:
        value = getattr(module, name)
        is_own = listed is not None or getattr(value, "__module__", "") == module_name
        if is_own and not name.startswith("_") and callable(value):
            yield f"{module_name}.{name}", value


def public_members(path: str, owner: type) -> Iterator[tuple[str, object]]:
    """Yield the members that a class of this package defines, be it a private base."""
    for name in dir(owner):
        home = next((base for base in owner.__mro__ if name in vars(base)), None)
        if name.startswith("_") or home is None or not home.__module__.startswith("skmerge"):
            continue
        member = vars(home)[name]
        if inspect.isfunction(member) or isinstance(member, MEMBERS):
            yield f"{path}.{name}", member


def public_docstrings() -> Iterator[str]:
    """Yield the path of each public object and member once, under its shortest path."""
    seen: set[int] = set()
    for module_name in sorted(public_modules(), key=lambda name: (name.count("."), name)):
        for path, value in public_objects(module_name):
            members = public_members(path, value) if inspect.isclass(value) else ()
            for found, item in [(path, value), *members]:
                if id(item) not in seen:
                    seen.add(id(item))
                    yield found


def main() -> int:
    checks = parse_config(Path(__file__).parents[1])["checks"]
    findings = n_checked = 0
    for path in public_docstrings():
        n_checked += 1
        report = validate(path)
        for code, message in report["errors"]:
            if code in checks:
                findings += 1
                file = Path(report["file"] or path)
                print(f"{file.name}:{report['file_line']}: {path}: {code} {message}")
    print(f"{n_checked} docstrings of the public API, {findings} findings")
    return 1 if findings or not n_checked else 0


if __name__ == "__main__":
    sys.exit(main())
