"""Pictures of every form, whole, cut, altered or hostile: pixels, or an error that says why."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import strategies as st

from skmerge import ColumnRouter, ImageEncoder

from ._cases import IS_LONG, cases
from ._cells import these
from ._judging import Refused, outcome
from ._pictures import BOMBS, CELLS, SPECIAL, WRITTEN
from ._routing import check_router

ENCODERS = st.builds(
    ImageEncoder,
    size=these(["auto", 4, (5, 3), (1, 1), (64, 2)]),
    color=st.sampled_from(["auto", "grayscale", "rgb", "rgba"]),
    resize=st.sampled_from(["stretch", "pad", "crop"]),
    on_error=st.sampled_from(["raise", "missing"]),
    value_range=these(["auto", (0, 1), (-1e308, 1e308)]),
    n_jobs=these([1, None]),
)


def frame_of(cells):
    column = np.empty(len(cells), dtype=object)
    for row, cell in enumerate(cells):
        column[row] = cell
    return pd.DataFrame({"photo": pd.Series(column, dtype=object)})


@cases(st.tuples(st.lists(CELLS, min_size=1, max_size=4), ENCODERS), few=80, many=3000)
def test_pictures_are_decoded_alike_or_refused(case):
    cells, encoder = case
    return check_router(frame_of(cells), ColumnRouter({"photo": encoder}))


@pytest.mark.fuzz
@pytest.mark.parametrize("name", SPECIAL)
def test_pictures_of_every_kind_are_read_whole(name):
    encoder = ImageEncoder(size=3)
    assert not isinstance(outcome(encoder.fit_transform, [SPECIAL[name]]), Refused)


@pytest.mark.fuzz
@pytest.mark.parametrize("name", BOMBS)
def test_hostile_pictures_are_decoded_or_refused_in_time(name):
    outcome(ImageEncoder(size=3).fit_transform, [BOMBS[name]], seconds=10)


@pytest.mark.fuzz
@pytest.mark.parametrize("name", ["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "AVIF"])
def test_a_picture_cut_anywhere_is_decoded_or_refused(name):
    data = WRITTEN.get((name, "RGB", (16, 17)), b"")
    step = 1 if IS_LONG else max(1, len(data) // 25)
    for size in range(0, len(data), step):
        outcome(ImageEncoder(size=3).fit_transform, [data[:size]])
