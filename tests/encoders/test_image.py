"""What the encoder of pictures learns, and how rows become pixels."""

import io
import pickle
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageFile
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags

from skmerge import ImageEncoder
from skmerge.encoders._pictures import PictureReader

HEIGHT, WIDTH = 6, 10
RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
GRAY = RNG.integers(0, 256, (HEIGHT, WIDTH), dtype=np.uint8)
BITS = GRAY > 127


def encoded(image, image_format="PNG", **options):
    file = io.BytesIO()
    image.save(file, image_format, **options)
    return file.getvalue()


def decoded(source, color="rgb", size=(HEIGHT, WIDTH), **params):
    encoder = ImageEncoder(size, color, **params)
    return encoder.fit([source]).transform([source])[0]


def as_rgb(gray):
    return np.repeat(np.asarray(gray)[..., None], 3, axis=-1)


@pytest.fixture
def folder(tmp_path):
    Image.fromarray(RGB).save(tmp_path / "rgb.png")
    Image.fromarray(GRAY).save(tmp_path / "gray.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "rgb.png").read_bytes()[:150])
    return tmp_path


@pytest.mark.parametrize(
    "form", [str, Path, Path.read_bytes, lambda p: bytearray(p.read_bytes()), Image.open,
             lambda p: np.asarray(Image.open(p))],
    ids=["str", "path", "bytes", "bytearray", "pillow", "array"],
)  # fmt: skip
def test_every_form_of_a_picture_gives_the_same_pixels(folder, form):
    source = form(folder / "rgb.png")
    encoder = ImageEncoder().fit(pd.Series([source], dtype=object))
    assert encoder.spec_.shape == (HEIGHT, WIDTH, 3)
    pixels, present = encoder.encode([source, None])
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels[0], RGB)
    np.testing.assert_array_equal(present, [True, False])


def test_automatic_size_is_the_most_common_small_one():
    sizes = [(20, 30), (40, 64), (40, 64), (10, 10)]
    pictures = [np.zeros(size, dtype=np.uint8) for size in sizes]
    assert ImageEncoder().fit(pictures).size_ == (40, 64)
    assert ImageEncoder().fit([np.zeros((40, 65), dtype=np.uint8), *pictures[:1]]).size_ == (20, 30)
    assert ImageEncoder().fit([np.zeros((40, 65), dtype=np.uint8)]).size_ == (64, 64)
    assert ImageEncoder().fit([None]).size_ == (64, 64)


@pytest.mark.parametrize("size", [12, (12, 12), [12, 12], np.int64(12)])
def test_one_number_is_a_square(size):
    assert ImageEncoder(size).fit([RGB]).spec_.shape == (12, 12, 3)


@pytest.mark.parametrize("shape", [(3, 4, 5), (3, 4, 5, 1), (3, 4, 5, 3), (3, 4, 5, 4)])
def test_a_stack_of_pictures_is_one_picture_per_row(shape):
    stack = RNG.integers(0, 256, shape, dtype=np.uint8)
    color = "rgba" if shape[-1] == 4 and len(shape) == 4 else "auto"
    pixels, present = ImageEncoder(color=color).fit(stack).encode(stack)
    np.testing.assert_array_equal(pixels, stack.reshape(3, 4, 5, -1))
    assert present.all()
    assert not np.shares_memory(pixels, stack)
    one_by_one = ImageEncoder(color=color).fit(list(stack)).transform(list(stack))
    np.testing.assert_array_equal(pixels, one_by_one)


@pytest.mark.parametrize(
    ("values", "value_range", "expected"),
    [
        ([[0.0, 0.5, 1.0]], (0, 1), [0, 128, 255]),
        ([[0.25, 0.5, 0.75]], (0, 1), [64, 128, 191]),
        ([[0, 8, 16]], (0, 16), [0, 128, 255]),
        ([[-1.0, 0.0, 3.0]], (-1, 3), [0, 64, 255]),
        ([[7, 7, 7]], (7, 7), [0, 0, 0]),
        (np.array([[0, 300, 1020]], dtype=np.uint16), (0, 1020), [0, 75, 255]),
        (np.array([[0, 1, 1]], dtype=np.int8), (0, 1), [0, 255, 255]),
        (np.array([[0, 1, 2]], dtype=np.float16), (0, 2), [0, 128, 255]),
    ],
)
def test_range_of_values_is_learnt(values, value_range, expected):
    array = np.asarray(values)
    encoder = ImageEncoder().fit([array])
    assert encoder.value_range_ == value_range
    np.testing.assert_array_equal(encoder.transform([array])[0, 0, :, 0], expected)


def test_range_of_values_is_that_of_all_training_rows():
    rows = np.zeros((400, 2, 2))
    rows[201, 1, 1] = 40  # a row that the probe of headers passes over
    rows[7, 0, 0] = -10
    assert ImageEncoder().fit(rows).value_range_ == (-10, 40)


def test_values_outside_of_the_range_are_clipped():
    encoder = ImageEncoder(value_range=(10, 20)).fit(np.full((1, 1, 3), 15.0))
    pixels = encoder.transform(np.array([[[-1e300, 15, 1e300]]]))
    np.testing.assert_array_equal(pixels.ravel(), [0, 128, 255])


def test_bytes_and_booleans_need_no_range():
    encoder = ImageEncoder().fit([GRAY])
    assert encoder.value_range_ is None
    np.testing.assert_array_equal(encoder.transform([BITS])[0, ..., 0], BITS * 255)


def test_floats_after_training_rows_without_any_are_an_error():
    encoder = ImageEncoder(on_error="missing").fit([GRAY])
    column = pd.Series([None, GRAY / 255], name="photo", dtype=object)
    with pytest.raises(ValueError, match=r"Row 1 of column 'photo' .* give it, as in value_range="):
        encoder.transform(column)
    given = ImageEncoder(value_range=(0, 1)).fit([GRAY])
    np.testing.assert_array_equal(given.transform(column)[1, ..., 0], GRAY)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_must_be_finite(value):
    bad = np.array([[0.0, value]])
    for X in ([GRAY / 255, bad], np.stack([np.zeros((1, 2)), bad])):
        with pytest.raises(ValueError, match=r"Row 1: array of shape .* not finite"):
            ImageEncoder().fit(X)
    with pytest.raises(ValueError, match=r"Row 0: array of shape .* not finite"):
        ImageEncoder().fit([GRAY / 255]).transform([bad])


@pytest.mark.parametrize(
    "cell",
    [
        np.zeros(4),
        np.zeros((3, 8, 8)),
        np.zeros((8, 8, 2)),
        np.zeros((2, 8, 8, 3)),
        np.zeros((0, 8)),
        np.zeros((8, 8), dtype=complex),
        np.full((8, 8), "a"),
        np.float64(3),
        3,
        [[1, 2], [3, 4]],
        {"bytes": b""},
    ],
    ids=str,
)
@pytest.mark.parametrize("on_error", ["raise", "missing"])
def test_what_is_no_picture_is_an_error(cell, on_error):
    column = pd.Series([GRAY, cell], name="photo", dtype=object)
    with pytest.raises(ValueError, match="Row 1 of column 'photo' must be a"):
        ImageEncoder(on_error=on_error).fit(column)
    with pytest.raises(ValueError, match="Row 1 of column 'photo' must be a"):
        ImageEncoder(on_error=on_error).fit([GRAY]).transform(column)


def test_channels_first_gets_a_hint():
    with pytest.raises(ValueError, match="channels come last"):
        ImageEncoder().fit(np.zeros((2, 3, 8, 8)))


def test_unreadable_pictures_can_count_as_missing(folder):
    names = ["gone.png", "rgb.png", "cut.png", None, "", "gone.png", "rgb.png"]
    encoder = ImageEncoder(root=folder, on_error="missing").fit(names)
    assert encoder.size_ == (HEIGHT, WIDTH)
    with pytest.warns(
        UserWarning, match=r"3 of 7 pictures cannot be read .* Row 0: 'gone.png' is"
    ) as caught:
        pixels, present = encoder.encode(names)
    assert len(caught) == 1
    np.testing.assert_array_equal(present, [False, True, False, False, False, False, True])
    np.testing.assert_array_equal(pixels[1], RGB)
    assert not pixels[~present].any()


def test_fit_warns_where_no_picture_can_be_read(folder):
    with pytest.warns(UserWarning, match="No picture can be read, the first: Row 1: 'gone.png'"):
        encoder = ImageEncoder(root=folder, on_error="missing").fit([None, "gone.png", "cut"])
    assert encoder.spec_.shape == (64, 64, 3)


@pytest.mark.parametrize("n_jobs", [1, 2, 8, -1, None])
def test_the_first_bad_row_is_named_whatever_the_threads(n_jobs):
    slow = encoded(Image.fromarray(RNG.integers(0, 256, (700, 700, 3), dtype=np.uint8)))
    rows = [slow] * 3 + [encoded(Image.fromarray(RGB + np.uint8(i))) for i in range(200)]
    rows[90] = slow[: len(slow) - 40]
    rows[91] = rows[150] = b"nonsense"
    encoder = ImageEncoder(8, n_jobs=n_jobs).fit([RGB])
    for _ in range(3):
        with pytest.raises(ValueError, match=r"Row 90: .*truncated file"):
            encoder.transform(rows)


@pytest.mark.parametrize("n_jobs", [2, -2, None])
def test_threads_do_not_change_the_pixels(n_jobs):
    rows = [encoded(Image.fromarray(RGB + np.uint8(i)), "JPEG") for i in range(100)]
    alone = ImageEncoder(n_jobs=1).fit(rows).transform(rows)
    np.testing.assert_array_equal(ImageEncoder(n_jobs=n_jobs).fit(rows).transform(rows), alone)


def test_each_distinct_picture_is_decoded_once(folder, monkeypatch):
    calls = []
    decode = PictureReader.decode
    monkeypatch.setattr(
        PictureReader, "decode", lambda *args, **kwargs: calls.append(1) or decode(*args, **kwargs)
    )
    image, source = Image.fromarray(RGB), encoded(Image.fromarray(RGB))
    rows = ["rgb.png", Path("rgb.png"), image, "gray.png", image, source, bytes(source), RGB, RGB]
    pixels = ImageEncoder((HEIGHT, WIDTH), "rgb", root=folder).fit(rows).transform(rows)
    assert len(calls) == 5
    np.testing.assert_array_equal(pixels[[0, 1, 2, 4, 5, 6, 7, 8]], np.stack([RGB] * 8))
    np.testing.assert_array_equal(pixels[3], as_rgb(GRAY))


def test_fit_reads_no_more_than_headers(monkeypatch):
    def load(self):
        raise AssertionError("decoded")

    formats = ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM"]
    sources = [encoded(Image.fromarray(RGB), image_format) for image_format in formats]
    monkeypatch.setattr(ImageFile.ImageFile, "load", load)
    assert ImageEncoder().fit(sources).spec_.shape == (HEIGHT, WIDTH, 3)


def test_fit_probes_a_sample_spread_over_the_rows(folder, monkeypatch):
    probed = []
    header = PictureReader.header
    monkeypatch.setattr(
        PictureReader, "header", lambda self, source: probed.append(source) or header(self, source)
    )
    stack = np.arange(1000, dtype=np.uint8)[:, None, None].repeat(2, axis=1)
    rows = list(stack)
    ImageEncoder().fit(rows)
    assert len(probed) == 256
    assert probed[0] is rows[0]
    assert probed[-1] is rows[-1]


def test_relative_paths_start_from_the_root(folder, monkeypatch):
    for root in (folder, str(folder)):
        np.testing.assert_array_equal(decoded("rgb.png", root=root), RGB)
        np.testing.assert_array_equal(decoded(str(folder / "rgb.png"), root=root), RGB)
    monkeypatch.chdir(folder)
    np.testing.assert_array_equal(decoded("rgb.png"), RGB)


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, ""], ids=repr)
def test_missing_pictures_are_zeros_and_absent(missing):
    column = pd.Series([missing, RGB], dtype=object)
    pixels, present = ImageEncoder().fit(column).encode(column)
    np.testing.assert_array_equal(present, [False, True])
    assert not pixels[0].any()
    assert present.dtype == bool


def test_a_column_without_pictures_is_encoded():
    pixels, present = ImageEncoder().fit(pd.Series([np.nan, np.nan])).encode([None])
    assert pixels.shape == (1, 64, 64, 3)
    assert not present.any()


@pytest.mark.parametrize("dtype", ["string", "category", None])
def test_paths_of_any_dtype_are_read(folder, dtype):
    paths = pd.Series([str(folder / "rgb.png"), None], dtype=dtype, name="photo")
    pixels, present = ImageEncoder().fit(paths.to_frame()).encode(paths)
    np.testing.assert_array_equal(pixels[0], RGB)
    np.testing.assert_array_equal(present, [True, False])


def test_spec_describes_what_transform_returns():
    encoder = ImageEncoder((5, 7)).fit([GRAY])
    spec, pixels = encoder.spec_, encoder.transform([GRAY])
    assert (spec.name, spec.kind, spec.default_branch) == ("image", "image", "conv")
    assert spec.shape == (5, 7, 1) == pixels.shape[1:]
    assert spec.dtype == "uint8" == pixels.dtype
    assert spec.optional


def test_fit_needs_a_row_and_transform_does_not():
    for X in ([], np.zeros((0, 4, 4))):
        with pytest.raises(ValueError, match="ImageEncoder must be fitted on at least 1 row"):
            ImageEncoder().fit(X)
        pixels, present = ImageEncoder(4).fit([RGB]).encode(X)
        assert (pixels.shape, pixels.dtype, present.shape) == ((0, 4, 4, 3), np.uint8, (0,))


@pytest.mark.parametrize(
    "params",
    [
        {"size": 0},
        {"size": "big"},
        {"size": (3,)},
        {"size": (0, 3)},
        {"size": (3.5, 3)},
        {"color": "bgr"},
        {"resize": "fit"},
        {"root": 3},
        {"max_pixels": 0},
        {"on_error": "ignore"},
        {"value_range": (1, 0)},
        {"value_range": (0, np.nan)},
        {"value_range": (0, 1, 2)},
        {"value_range": ("a", "b")},
        {"n_jobs": 0},
    ],
    ids=str,
)
def test_invalid_parameters_are_named(params):
    with pytest.raises(ValueError, match=f"The '{next(iter(params))}' parameter of ImageEncoder"):
        ImageEncoder(**params).fit([RGB])


def test_a_failed_fit_leaves_the_encoder_as_it_was():
    encoder = ImageEncoder().fit([RGB])
    before = dict(vars(encoder))
    with pytest.raises(ValueError, match="Row 1"):
        encoder.fit([GRAY, b"nonsense"])
    assert vars(encoder) == before


def test_fitting_twice_equals_a_fresh_fit():
    encoder = ImageEncoder().fit([RGB / 300]).fit([GRAY])
    assert vars(encoder) == vars(ImageEncoder().fit([GRAY]))


def test_permuted_rows_give_permuted_pixels(folder):
    rows = np.empty(5, dtype=object)
    rows[:] = [RGB, None, str(folder / "gray.png"), GRAY / 255, str(folder / "gray.png")]
    order = np.array([3, 1, 4, 0, 2])
    expected, present = ImageEncoder().fit(rows).encode(rows)
    pixels, permuted_present = ImageEncoder().fit(rows[order]).encode(rows[order])
    np.testing.assert_array_equal(pixels, expected[order])
    np.testing.assert_array_equal(permuted_present, present[order])


def test_pickled_encoder_encodes_the_same():
    encoder = ImageEncoder(4).fit([RGB / 255])
    again = pickle.loads(pickle.dumps(encoder))
    np.testing.assert_array_equal(again.transform([RGB / 255]), encoder.transform([RGB / 255]))
    assert again.spec_ == encoder.spec_


def test_clone_is_unfitted_with_the_same_parameters():
    encoder = ImageEncoder((3, 4), "rgb", root="photos", value_range=(0, 2)).fit([RGB])
    copy = clone(encoder)
    assert copy.get_params() == encoder.get_params()
    with pytest.raises(NotFittedError):
        copy.transform([RGB])


def test_inputs_stay_as_they_were(folder):
    loaded, lazy = Image.fromarray(RGB).convert("RGBA"), Image.open(folder / "rgb.png")
    stack = RNG.random((2, 8, 8))
    kept = stack.copy()
    before = (loaded.tobytes(), loaded.mode, loaded.size)
    ImageEncoder(4).fit([loaded, lazy]).transform([loaded, lazy])
    ImageEncoder(4).fit(stack).transform(stack)
    assert (loaded.tobytes(), loaded.mode, loaded.size) == before
    assert (lazy.size, lazy.mode) == ((WIDTH, HEIGHT), "RGB")
    np.testing.assert_array_equal(stack, kept)


def test_pixels_do_not_alias_the_input():
    pixels = ImageEncoder().fit([RGB]).transform([RGB])
    assert not np.shares_memory(pixels, RGB)


def test_filters_of_warnings_stay_as_they_were(folder):
    before = list(warnings.filters)
    with pytest.raises(ValueError, match="gone"):
        ImageEncoder().fit([RGB]).transform(["gone.png"])
    assert warnings.filters == before


def test_tags_say_strings_and_missing_values():
    tags = get_tags(ImageEncoder()).input_tags
    assert tags.string
    assert tags.allow_nan
    assert not tags.two_d_array
