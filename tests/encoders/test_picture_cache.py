"""Pictures decoded into a folder: each once, whole, and the same as in memory."""

import errno
import io
import os
import pickle
import subprocess
import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.base import clone

import skmerge
from skmerge import ColumnRouter, ImageEncoder
from skmerge._stored_rows import StoredRows
from skmerge.encoders import _picture_cache, _pixel_segments
from skmerge.encoders._pictures import PictureReader

RNG = np.random.default_rng(0)
N_FILES = 12


def encoded(pixels, image_format="PNG"):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, image_format)
    return file.getvalue()


def drawn(*shape):
    return RNG.integers(0, 256, shape, dtype=np.uint8)


@pytest.fixture
def paths(tmp_path):
    (tmp_path / "photos").mkdir()
    paths = [tmp_path / "photos" / f"{number}.png" for number in range(N_FILES)]
    for path in paths:
        path.write_bytes(encoded(drawn(6, 10, 3)))
    return [str(path) for path in paths]


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "deep" / "cache"


@pytest.fixture
def decoded(monkeypatch):
    """The pictures that were decoded; a file by the bytes in it."""
    calls = []
    decode = PictureReader.decode

    def counted(self, source, *args, **kwargs):
        calls.append(source)
        return decode(self, source, *args, **kwargs)

    monkeypatch.setattr(PictureReader, "decode", counted)
    return calls


def encoder(cache, **params):
    return ImageEncoder(**{"size": (6, 10), "color": "rgb", "cache": cache, **params}).fit([RGB])


def segments(cache):
    return sorted(cache.rglob("*.npy"))


RGB = drawn(6, 10, 3)


def test_pixels_are_those_in_memory(paths, cache):
    source = encoded(drawn(20, 20, 3), "JPEG")
    rows = [None, paths[3], source, Path(paths[3]), RGB, Image.fromarray(RGB), "", bytes(source)]
    for params in ({}, {"color": "grayscale"}, {"size": 4, "resize": "pad"}, {"color": "rgba"}):
        pixels, present = encoder(cache, **params).encode(rows)
        expected, expected_present = encoder(None, **params).encode(rows)
        assert isinstance(pixels, StoredRows)
        assert (pixels.shape, pixels.dtype) == (expected.shape, np.uint8)
        np.testing.assert_array_equal(np.asarray(pixels), expected)
        np.testing.assert_array_equal(present, expected_present)
    assert np.asarray(pixels[4:6]).any()


def test_each_picture_is_decoded_once_over_calls_folds_and_clones(paths, cache, decoded):
    first = encoder(cache)
    first.transform(paths[:8])
    assert len(decoded) == 8
    clone(first).fit(paths[:5]).transform(paths[::-1])
    assert len(decoded) == N_FILES
    encoder(str(cache), n_jobs=1, on_error="missing").transform(paths)
    assert len(decoded) == N_FILES
    pixels = pickle.loads(pickle.dumps(first)).transform(paths + paths)
    assert len(decoded) == N_FILES
    np.testing.assert_array_equal(np.asarray(pixels)[:N_FILES], encoder(None).transform(paths))


def test_content_is_known_again_whatever_object_holds_it(paths, cache, decoded):
    source = Path(paths[0]).read_bytes()
    palette = Image.fromarray(RGB).quantize(4)
    deep = Image.fromarray(drawn(6, 10).astype(np.int32) * 200)
    forms = [
        lambda: bytes(bytearray(source)),
        lambda: bytearray(source),
        lambda: Image.open(paths[0]),
        lambda: RGB.copy(),
        lambda: RGB[..., 0] > 128,
        lambda: np.asfortranarray(RGB[..., 0]),
        palette.copy,
        deep.copy,
    ]
    fitted = encoder(cache)
    before = np.asarray(fitted.transform([form() for form in forms]))
    assert len(decoded) == len(forms) - 1  # bytes are bytes, whether they can change or not
    after = np.asarray(fitted.transform([form() for form in forms]))
    assert len(decoded) == len(forms) - 1
    np.testing.assert_array_equal(after, before)


def test_one_content_in_several_objects_is_decoded_once_in_a_call(paths, cache, decoded):
    rows = [RGB, None, RGB.copy(), paths[0], os.path.join("", paths[0]), RGB.copy(), paths[1]]
    rows += [bytearray(b"nonsense"), bytearray(b"nonsense")]
    with pytest.warns(UserWarning, match="2 of 9 pictures cannot be read.*Row 7"):
        pixels, present = encoder(cache, on_error="missing").encode(rows)
    assert len(decoded) == 4
    np.testing.assert_array_equal(np.asarray(pixels)[[0, 2, 5]], [RGB] * 3)
    np.testing.assert_array_equal(present, [True, False, *[True] * 5, False, False])


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "GIF", "BMP", "TIFF"])
def test_pillow_images_of_cut_files_are_unreadable(cache, image_format):
    source = encoded(drawn(40, 40, 3), image_format)
    cut = Image.open(io.BytesIO(source[:-300]))
    with pytest.raises(ValueError, match="Row 1: Pillow image of mode .* is not a readable"):
        encoder(cache).transform([RGB, cut])


def test_pictures_of_like_content_are_told_apart(cache):
    entries = Image.frombytes("P", (10, 6), bytes(60))
    red, blue, clear = entries.copy(), entries.copy(), entries.copy()
    red.putpalette([255, 0, 0])
    blue.putpalette([0, 0, 255])
    clear.putpalette([255, 0, 0])
    clear.info["transparency"] = 0
    turned = Image.fromarray(RGB)
    turned.getexif()[0x0112] = 3
    flat = np.zeros((6, 10), dtype=np.uint8)
    rows = [red, blue, clear, turned, Image.fromarray(RGB), flat, flat.T.copy(), flat > 1, flat + 1]
    fitted, plain = encoder(cache), encoder(None)
    for row in rows:  # one by one, so that each is looked up among those before it
        np.testing.assert_array_equal(np.asarray(fitted.transform([row])), plain.transform([row]))
    assert len(segments(cache)) == len(rows)


def test_the_range_of_values_is_part_of_an_arrays_key_and_not_of_a_files(paths, cache, decoded):
    numbers = RNG.random((6, 10))
    for high in (1.0, 2.0, 1.0):
        fitted = ImageEncoder((6, 10), "rgb", cache=cache).fit([numbers * 0, numbers * 0 + high])
        fitted.value_range_ = (0.0, high)
        pixels = np.asarray(fitted.transform([numbers, paths[0]]))
        np.testing.assert_array_equal(pixels[0, ..., 0], np.rint(numbers / high * 255))
    assert len(decoded) == 3


@pytest.mark.parametrize(
    "params",
    [{"size": (10, 6)}, {"color": "rgba"}, {"resize": "crop"}, {"value_range": (0, 9)}],
    ids=str,
)
def test_another_geometry_decodes_anew(paths, cache, decoded, params):
    encoder(cache).transform(paths)
    pixels = encoder(cache, **params).transform(paths)
    assert len(decoded) == 2 * N_FILES
    np.testing.assert_array_equal(np.asarray(pixels), encoder(None, **params).transform(paths))
    assert len(list(cache.iterdir())) == 2


def test_the_limit_of_pixels_holds_for_pictures_in_the_cache(paths, cache):
    encoder(cache).transform(paths)
    with Image.open(paths[2]) as image:
        for source in (paths[2], image):
            with pytest.raises(ValueError, match="Row 0: .*too many pixels: 10x6 > max_pixels=59"):
                encoder(cache, max_pixels=59).transform([source])


def test_a_file_that_changed_is_decoded_anew(paths, cache, decoded):
    fitted = encoder(cache)
    fitted.transform(paths)
    Path(paths[4]).write_bytes(encoded(RGB, "BMP"))
    os.utime(paths[5], ns=(0, 0))
    pixels = fitted.transform(paths)
    assert len(decoded) == N_FILES + 2
    np.testing.assert_array_equal(pixels[4], RGB)


def test_relative_paths_are_known_by_where_they_lie(paths, cache, decoded, monkeypatch):
    folder = Path(paths[0]).parent
    encoder(cache).transform(paths)
    encoder(cache, root=folder).transform([Path(path).name for path in paths])
    monkeypatch.chdir(folder)
    pixels = encoder(os.path.relpath(cache)).transform([Path(path).name for path in paths])
    assert len(decoded) == N_FILES
    monkeypatch.chdir("/")
    np.testing.assert_array_equal(np.asarray(pixels), encoder(None).transform(paths))


def test_missing_and_unreadable_pictures_are_absent_zeros(paths, cache, decoded):
    rows = [paths[0], None, "gone.png", b"nonsense", paths[1], "gone.png", paths[0]]
    lenient = encoder(cache, on_error="missing")
    expected = encoder(None).transform([paths[0], paths[1], paths[0]])
    for tried in ([1, 1, 1], [0, 1, 0]):  # what cannot be read is tried again: it may be mended
        decoded.clear()
        with pytest.warns(UserWarning, match=r"3 of 7 pictures cannot be read .* Row 2: 'gone"):
            pixels, present = lenient.encode(rows)
        np.testing.assert_array_equal(present, [True, False, False, False, True, False, True])
        assert not np.asarray(pixels)[~present].any()
        np.testing.assert_array_equal(np.asarray(pixels)[present], expected)
        assert len(decoded) == sum(tried)
    with pytest.warns(UserWarning, match="1 of 1"):
        pixels, present = lenient.encode([b"nonsense"])
    assert (pixels.shape, len(pixels.files), present.any()) == ((1, 6, 10, 3), 0, False)


def test_the_first_unreadable_picture_is_named_and_nothing_half_is_left(paths, cache):
    column = pd.Series([*paths[:3], b"nonsense", "gone.png"], name="photo", dtype=object)
    with pytest.raises(ValueError, match="Row 3 of column 'photo': bytes of length 8"):
        encoder(cache).transform(column)
    assert not [path for path in cache.rglob("*") if path.is_file()]


def test_whole_segments_before_an_unreadable_picture_are_kept(paths, cache, decoded, monkeypatch):
    monkeypatch.setattr(_picture_cache, "_SEGMENT_BYTES", 4 * 6 * 10 * 3)
    fitted = encoder(cache)
    with pytest.raises(ValueError, match="Row 10: "):
        fitted.transform([*paths[:10], "gone.png"])
    assert len(segments(cache)) == 2
    decoded.clear()
    np.testing.assert_array_equal(
        np.asarray(fitted.transform(paths)), encoder(None).transform(paths)
    )
    assert len(decoded) == 4 + N_FILES


def test_no_rows_and_no_pictures_make_no_folder(cache):
    pixels, present = encoder(cache).encode([])
    assert (pixels.shape, present.shape) == ((0, 6, 10, 3), (0,))
    pixels, present = encoder(cache).encode([None, np.nan])
    np.testing.assert_array_equal(np.asarray(pixels), np.zeros((2, 6, 10, 3)))
    assert not present.any()
    assert not cache.exists()


@pytest.mark.parametrize("chunk", [1, 3, 1000])
@pytest.mark.parametrize("segment", [1, 5, 1000])
def test_chunks_and_segments_do_not_change_the_pixels(paths, cache, monkeypatch, chunk, segment):
    row_bytes = 6 * 10 * 3
    monkeypatch.setattr(_picture_cache, "_MIN_CHUNK", 1)
    monkeypatch.setattr(_picture_cache, "_CHUNK_BYTES", chunk * row_bytes)
    monkeypatch.setattr(_picture_cache, "_SEGMENT_BYTES", segment * row_bytes)
    rows = [paths[5], None, *paths, b"nonsense", paths[5]]
    with pytest.warns(UserWarning, match="1 of 16"):
        pixels, present = encoder(cache, on_error="missing").encode(rows)
    assert present.sum() == 14
    kept = [row for row, is_there in zip(rows, present, strict=True) if is_there]
    np.testing.assert_array_equal(np.asarray(pixels)[present], encoder(None).transform(kept))
    assert len(segments(cache)) == -(-13 // segment) - (segment == 1)
    again = encoder(cache).transform(paths[::-1])
    np.testing.assert_array_equal(np.asarray(again), encoder(None).transform(paths[::-1]))


def test_only_the_segments_that_are_used_are_named(paths, cache):
    fitted = encoder(cache)
    for path in paths:
        fitted.transform([path])
    pixels = fitted.transform([paths[7], None, paths[2], paths[7]])
    assert len(pixels.files) == 2
    expected = encoder(None).transform([paths[7], None, paths[2], paths[7]])
    np.testing.assert_array_equal(np.asarray(pixels), expected)


DAMAGES = {
    "cut": lambda segment: segment[:-1],
    "cut in its header": lambda segment: segment[:50],
    "empty": lambda segment: b"",
    "longer": lambda segment: segment + b"x",
    "no npy": lambda segment: b"text" + segment[4:],
    "of another dtype": lambda segment: segment.replace(b"|u1", b"|i1"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_segment_is_noticed_and_decoded_anew(paths, cache, decoded, damage):
    fitted = encoder(cache)
    fitted.transform(paths[:6])
    fitted.transform(paths[6:])
    broken = segments(cache)[0]
    broken.write_bytes(DAMAGES[damage](broken.read_bytes()))
    np.testing.assert_array_equal(
        np.asarray(fitted.transform(paths)), encoder(None).transform(paths)
    )
    assert len(decoded) == N_FILES + 6 + N_FILES
    np.testing.assert_array_equal(
        np.asarray(fitted.transform(paths)), encoder(None).transform(paths)
    )
    assert len(decoded) == N_FILES + 6 + 2 * N_FILES


def test_a_segment_holds_an_ordinary_npy_array(paths, cache):
    encoder(cache).transform(paths)
    (path,) = segments(cache)
    np.testing.assert_array_equal(
        np.load(path, mmap_mode="r", allow_pickle=False), encoder(None).transform(paths)
    )


def test_a_folder_that_was_cleared_is_filled_again(paths, cache):
    fitted = encoder(cache)
    before = fitted.transform(paths)
    for path in segments(cache):
        path.unlink()
    with pytest.raises(FileNotFoundError, match="encode the rows again"):
        before.read([0])
    np.testing.assert_array_equal(
        np.asarray(fitted.transform(paths)), encoder(None).transform(paths)
    )


def test_a_full_disk_is_named_with_the_folder_and_leaves_nothing(paths, cache, monkeypatch):
    def fail(self, pixels):
        with _pixel_segments._worded(self.folder):
            self.file.write(b"some of them")
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(_pixel_segments.SegmentWriter, "write", fail)
    with pytest.raises(
        OSError, match="cached in '.*cache.*' .No space left .*'cache' parameter"
    ) as e:
        encoder(cache).transform(paths)
    assert e.value.errno == errno.ENOSPC
    assert not [path for path in cache.rglob("*") if path.is_file()]


def test_a_folder_that_cannot_be_is_named(paths, tmp_path):
    (tmp_path / "file").write_text("in the way")
    for cache in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OSError, match="Pictures cannot be cached in '.*file.*None keeps"):
            encoder(cache).transform(paths)


def test_an_interrupt_leaves_nothing_half(paths, cache, monkeypatch):
    def interrupt(self, *args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(PictureReader, "decode", interrupt)
    with pytest.raises(KeyboardInterrupt):
        encoder(cache).transform(paths)
    assert not [path for path in cache.rglob("*") if path.is_file()]


def test_threads_fill_one_folder_at_once(paths, cache, monkeypatch):
    monkeypatch.setattr(_picture_cache, "_SEGMENT_BYTES", 2 * 6 * 10 * 3)
    expected = encoder(None).transform(paths)
    fitted = encoder(cache)
    orders = [np.random.default_rng(seed).permutation(N_FILES) for seed in range(24)]

    def transform(order):
        return np.asarray(fitted.transform([paths[number] for number in order]))

    with ThreadPoolExecutor(8) as executor:
        for order, pixels in zip(orders, executor.map(transform, orders), strict=True):
            np.testing.assert_array_equal(pixels, expected[order])
    assert not list(cache.rglob("*.part"))


PROCESS = """
import sys, numpy as np
sys.path.insert(0, sys.argv[3])
from skmerge import ImageEncoder
paths = sys.argv[2].split("|")
encoder = ImageEncoder((6, 10), "rgb", cache=sys.argv[1]).fit(paths)
for _ in range(5):
    pixels = np.asarray(encoder.transform(paths))
sys.stdout.buffer.write(pixels.tobytes())
"""


@pytest.mark.slow
def test_processes_fill_one_folder_at_once(paths, cache, decoded):
    source = str(Path(skmerge.__file__).parents[1])
    command = [sys.executable, "-c", PROCESS, str(cache), "|".join(paths), source]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    outputs = [process.communicate(timeout=120)[0] for process in processes]
    decoded.clear()
    pixels = np.asarray(encoder(cache).transform(paths))
    assert not decoded
    assert outputs == [pixels.tobytes()] * 2
    np.testing.assert_array_equal(pixels, encoder(None).transform(paths))


@pytest.mark.slow
def test_memory_holds_a_chunk_and_not_all_pictures(tmp_path, cache, monkeypatch):
    n_pictures, row_bytes = 3000, 32 * 32 * 3
    monkeypatch.setattr(_picture_cache, "_CHUNK_BYTES", 64 * row_bytes)
    monkeypatch.setattr(_picture_cache, "_SEGMENT_BYTES", 1000 * row_bytes)
    (tmp_path / "photos").mkdir()
    template = bytearray(encoded(np.zeros((4, 4, 3), dtype=np.uint8), "BMP"))
    rows = []
    for number in range(n_pictures):
        template[-12:-9] = number.to_bytes(3, "big")
        rows.append(str(tmp_path / "photos" / f"{number}.bmp"))
        Path(rows[-1]).write_bytes(template)
    fitted = encoder(cache, size=32)
    fitted.transform(rows[:2])
    tracemalloc.start()
    try:
        pixels = fitted.transform(rows)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert pixels.nbytes == n_pictures * row_bytes > 9e6
    assert peak < 3e6
    assert len({pixels[number].tobytes() for number in range(0, n_pictures, 500)}) == 6


def test_an_index_is_read_once_per_state_of_the_folder(paths, cache, monkeypatch):
    reads = []
    read = _pixel_segments._read_segment
    monkeypatch.setattr(
        _pixel_segments, "_read_segment", lambda *args: reads.append(args) or read(*args)
    )
    fitted = encoder(cache)
    for _ in range(3):
        fitted.transform(paths[:6])
    assert len(reads) == 1
    for _ in range(3):
        fitted.transform(paths)
    assert len(reads) == 2


def test_the_router_sets_the_cache_of_an_input(paths, cache):
    frame = pd.DataFrame({"photo": paths, "age": np.arange(N_FILES)})
    router = ColumnRouter({"photo": ImageEncoder(4), "tabular": ["age"]})
    plain = router.fit_transform(frame)
    router.set_params(inputs__photo__cache=cache)
    routed = clone(router).fit_transform(frame)
    assert isinstance(routed["photo"], StoredRows)
    np.testing.assert_array_equal(np.asarray(routed[[3, 1]]["photo"]), plain["photo"][[3, 1]])
    assert routed.specs == plain.specs
    again = router.fit(frame).transform(frame[::-1])
    np.testing.assert_array_equal(np.asarray(again["photo"]), plain["photo"][::-1])


@pytest.mark.parametrize("value", [3, True, ["folder"]], ids=str)
def test_a_cache_must_be_a_folder(value):
    with pytest.raises(ValueError, match="The 'cache' parameter of ImageEncoder"):
        ImageEncoder(cache=value).fit([RGB])
