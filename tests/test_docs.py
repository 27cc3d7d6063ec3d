"""The pages are true: their snippets run, each page's in order, and their links lead somewhere.

A fenced block of Python that cannot be run here stands below a comment that says why::

    <!-- not run: needs two GPUs -->

One that needs a library which the tests do without begins with ``# needs: library``.
"""

import ast
import re
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, ParameterGrid

import skmerge
from skmerge import ConvBranch
from skmerge._merged_net import MergedNet
from skmerge.inspection import _ablation, _compare

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
EXAMPLES = sorted((ROOT / "examples").glob("[!_]*.py"))
WITHOUT_CODE = {"changelog.md", "contributing.md", "guide.md", "quality.md", "speed.md"}

#: Libraries that snippets may need and the tests do without.
OPTIONAL = {"dask", "ray"}

#: How many blocks of all pages are not run. A new one needs a reason, and another number here.
N_NOT_RUN = 0

LINK = re.compile(r"\]\(([^)\s]+)\)|^:(?:target|link): (\S+)$|\{image\} (\S+)$", flags=re.MULTILINE)


@pytest.fixture
def short(monkeypatch):
    """Fits of one epoch, small convolutions, two folds; the last candidate, without single inputs.

    Every candidate of a search is set all the same, so that a parameter that does not exist raises.
    """
    train, candidates = MergedNet._train, _compare.merges_to_compare
    search, prepare = GridSearchCV.fit, _compare.prepare_experiment

    def train_briefly(self, *args, epochs, **options):
        return train(self, *args, epochs=1, **options)

    def search_two_folds(self, *args, **options):
        return search(self.set_params(cv=2), *args, **options)

    def search_last(self, evaluate_candidates):
        grid = list(ParameterGrid(self.param_grid))
        for parameters in grid:
            clone(self.estimator).set_params(**parameters)
        evaluate_candidates(grid[-1:])

    def compare_last(*args):
        return dict(list(candidates(*args).items())[-1:])

    def two_folds(*args, cv, **options):
        return prepare(*args, cv=2, **options)

    monkeypatch.setattr(MergedNet, "_train", train_briefly)
    monkeypatch.setattr(GridSearchCV, "fit", search_two_folds)
    monkeypatch.setattr(GridSearchCV, "_run_search", search_last)
    monkeypatch.setattr(_compare, "merges_to_compare", compare_last)
    for option in ("singles", "ensemble"):
        monkeypatch.setitem(_compare.compare_merges.__kwdefaults__, option, False)
    for module in (_ablation, _compare):
        monkeypatch.setattr(module, "prepare_experiment", two_folds)
    monkeypatch.setattr(ConvBranch.__init__, "__defaults__", ((2,), (8,)))


@pytest.fixture
def names(frame, target):
    """What the snippets find: rows and targets, by the names that the pages give them."""
    # each row comes twice, so that every training part knows nearly the same words, and folds share
    # networks; more than 40 differ, or their notes would be taken for categories
    drawn = np.tile(np.arange(42), 2)
    rows = frame[["age", "city", "note", "photo"]].iloc[drawn].reset_index(drop=True)
    rows["zipcode"] = 1000 + drawn % 5
    pairs = rows[["photo"]].assign(photo_back=rows["photo"].to_list()[::-1])
    prices = {"price_new": drawn / 7, "price_old": drawn / 9}
    left, right = np.random.default_rng(0).normal(size=(2, len(drawn), 32))
    y = target[drawn]
    return {
        "frame": rows,
        "y": y,
        "new_frame": rows[:20],
        "new_y": y[:20],
        "pairs": pairs,
        "goods": rows.assign(customer_id=drawn, **pairs[["photo_back"]], **prices),
        "x_left": left,
        "x_right": right,
    }


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_snippets_run(page, names, short, run_page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = set(names)
    made = set(run_page(page, names)) - before
    assert bool(made) == (page.name not in WITHOUT_CODE)


def test_few_snippets_are_not_run():
    needed = {
        name
        for page in PAGES
        for name in re.findall(r"^# needs: (.+)$", page.read_text("utf-8"), flags=re.MULTILINE)
    }
    assert needed <= OPTIONAL
    assert sum(page.read_text("utf-8").count("<!-- not run:") for page in PAGES) == N_NOT_RUN


def anchors(page):
    """The anchors of a page's headings, as GitHub and MyST make them, and those that it names."""
    text = page.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in kept} | set(
        re.findall(r"^\((\S+)\)=$", text, flags=re.MULTILINE)
    )


def is_there(link, page):
    """Whether a link of a page leads to a file of the project, an example, or the reference."""
    path, _, anchor = link.partition("#")
    target = page.parent / path if path else page
    if path.startswith("auto_examples/"):
        name = Path(path).stem
        return name == "index" or (ROOT / "examples" / f"{name}.py").is_file()
    if path.startswith("generated/"):
        *_, name = Path(path).stem.split(".")
        return any(hasattr(home, name) for home in (skmerge, skmerge.merges, skmerge.inspection))
    if not target.exists():
        pages = [target.with_suffix(ending) for ending in (".md", ".rst")]
        target = next((page for page in pages if page.exists()), target)
    return target.exists() and (not anchor or anchor in anchors(target))


@pytest.mark.parametrize("page", [*PAGES, DOCS / "llms.txt"], ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    links = ["".join(found) for found in LINK.findall(text)]
    local = [link for link in links if not link.startswith(("http:", "https:"))]
    assert [link for link in local if not is_there(link, page)] == []


def in_toctree():
    text = "".join((DOCS / name).read_text(encoding="utf-8") for name in ("index.md", "guide.md"))
    trees = re.findall(
        r"^```\{toctree\}\n(?::[^\n]*\n)+\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE
    )
    lines = "".join(trees).splitlines()
    return {line for line in lines if line and not line.startswith(":")}


def test_every_page_is_in_the_table_of_contents():
    pages = {page.stem for kind in ("*.md", "*.rst") for page in DOCS.glob(kind)}
    made = {"index", "sg_execution_times"}  # the latter by sphinx-gallery, in a tree that was built
    assert in_toctree() == pages - made | {"auto_examples/index"}


def test_llms_txt_names_every_page():
    text = (DOCS / "llms.txt").read_text(encoding="utf-8")
    title, summary = re.match(r"# (\S+)\n\n> (.+?)\n\n", text, flags=re.DOTALL).groups()
    assert title == "skmerge"
    assert len(summary) > 50
    lines = [line for line in text.splitlines() if line.startswith("- ")]
    listed = [re.fullmatch(r"- \[[^]]+\]\(([^)]+)\.html\): .+", line)[1] for line in lines]
    assert len(listed) == len(set(listed))
    assert in_toctree() <= set(listed)


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda script: script.stem)
def test_examples_open_with_a_title_for_the_gallery(script):
    docstring = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8")))
    title, underline, blank, *_ = docstring.split("\n")
    assert underline == "=" * len(title)
    assert not blank


def test_reference_has_every_public_name():
    listed = (DOCS / "api.rst").read_text(encoding="utf-8").split()
    homes = {name.split(".")[-1] for name in listed}
    assert [name for name in skmerge.__all__ if name not in homes] == ["__version__"]
