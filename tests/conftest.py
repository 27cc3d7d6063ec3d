"""Fixtures for all tests: a small frame with every kind of column, and the data sets beside it."""

import os
import re
from pathlib import Path

# before TensorFlow and matplotlib are imported: no start-up messages, no windows
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "agg")
if "PYTEST_XDIST_WORKER" in os.environ:
    # workers that each use all cores slow each other down tenfold
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
    # and those of NumPy's linear algebra, which wait for each other in a loop, a hundredfold
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw

ROOT = Path(__file__).parents[1]
SHARED_DATA = Path(os.environ.get("SKMERGE_SHARED_DATA") or ROOT.parent / "shared" / "data")

PYTHON_BLOCK = re.compile(r"^```python\n(.*?)^```", flags=re.DOTALL | re.MULTILINE)
NOT_RUN = re.compile(r"<!-- not run: .+ -->\n+\Z")

N_ROWS = 60
CITIES = ["Bern", "Lyon", "Oslo", "Rome"]
THINGS = ["lamp", "chair", "table", "clock", "shelf", "stove", "mirror", "carpet"]
VERDICTS = ["arrived broken", "works well", "came late", "looks lovely"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark the tests that use the data sets, and skip them where the data sets are absent."""
    skip = pytest.mark.skip(
        reason=f"no data sets at {SHARED_DATA}; SKMERGE_SHARED_DATA may name their folder"
    )
    for item in items:
        if "shared_data" in getattr(item, "fixturenames", ()):
            item.add_marker("shared_data")
        if item.get_closest_marker("shared_data") and not SHARED_DATA.is_dir():
            item.add_marker(skip)


@pytest.fixture(scope="session")
def shared_data():
    """Folder of the data sets; a test that uses it is marked ``shared_data``."""
    return SHARED_DATA


@pytest.fixture(scope="session")
def run_page():
    """A function that runs the Python blocks of a Markdown page in order, in one namespace.

    Left out are blocks below ``<!-- not run: reason -->``, and those whose first line is
    ``# needs: library``, which the test of that library runs. Tracebacks name the line of the page.
    """

    def run(page, names):
        text = page.read_text(encoding="utf-8")
        for block in PYTHON_BLOCK.finditer(text):
            optional = block[1].startswith("# needs: ")
            if not optional and not NOT_RUN.search(text, 0, block.start()):
                line = text.count("\n", 0, block.start(1))
                exec(compile("\n" * line + block[1], str(page), "exec"), names)
        return names

    return run


@pytest.fixture(scope="session")
def shared_frame():
    """The rows of `frame`, drawn once; tests must not change them."""
    return make_frame()


@pytest.fixture
def frame():
    """60 rows with numbers, categories, dates, text, tags and drawn pictures.

    Every column but `visits`, `member`, `joined` and `photo` has missing or empty cells. The
    index is no range, so that a mix-up of labels and positions shows.
    """
    return make_frame()


@pytest.fixture
def target(frame):
    """Labels "keep" and "return" of `frame`: by number, category, text and picture together."""
    points = (
        frame["age"].fillna(40).to_numpy() / 20
        + frame["city"].isin(CITIES[:2]).to_numpy()
        + frame["note"].str.contains("well|lovely").to_numpy(dtype=bool)
        + np.array([np.asarray(picture).mean() > 60 for picture in frame["photo"]])
    )
    return np.where(points > np.median(points), "keep", "return")


def make_frame(n_rows=N_ROWS, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": np.where(rng.random(n_rows) < 0.1, np.nan, rng.integers(18, 90, n_rows)),
            "visits": rng.poisson(3, n_rows),
            "member": rng.random(n_rows) < 0.5,
            "city": rng.choice([*CITIES, None], n_rows, p=[0.3, 0.3, 0.2, 0.15, 0.05]),
            "joined": pd.Timestamp("2024-01-01")
            + pd.to_timedelta(rng.integers(0, 700, n_rows), unit="D"),
            "note": [draw_note(rng) for _ in range(n_rows)],
            "tags": [
                rng.choice(THINGS, count, replace=False).tolist()
                for count in rng.integers(0, 4, n_rows)
            ],
            "photo": [draw_photo(rng) for _ in range(n_rows)],
            "scan": [rng.integers(0, 256, (8, 8), dtype="uint8") for _ in range(n_rows)],
        },
        index=[f"row {position}" for position in range(n_rows)],
    )
    frame.loc[frame.index[[3, 17]], "note"] = ""
    frame.loc[frame.index[[5, 29]], "scan"] = None
    return frame


def draw_note(rng):
    things = rng.choice(THINGS, rng.integers(1, 4), replace=False)
    return f"the {' and the '.join(things)} {rng.choice(VERDICTS)}, order {rng.integers(1000)}"


def draw_photo(rng):
    picture = Image.new("RGB", (12, 12))
    shape = ImageDraw.Draw(picture)
    color = tuple(int(value) for value in rng.integers(100, 256, 3))
    x, y, size = (int(value) for value in (*rng.integers(0, 4, 2), rng.integers(4, 9)))
    draw = shape.ellipse if rng.random() < 0.5 else shape.rectangle
    draw((x, y, x + size, y + size), fill=color)
    return picture
