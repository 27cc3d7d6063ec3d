"""Words of like spelling: the runs of letters that they share."""

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from skmerge._wide._spelling import OF_CATEGORIES, OF_WORDS, spelling


def test_words_are_alike_by_the_runs_that_they_share():
    runs = spelling(
        ["red", "redder", "reddest", "redden", "blue", "bluer", "blues"], OF_WORDS
    ).toarray()
    alike = runs @ runs.T
    assert_array_equal(alike[:4, 4:], 0)
    assert np.all(alike[:4, :4] > 0.1)
    assert alike[1, 2] > alike[0, 2]


def test_each_word_has_a_length_of_seven_tenths():
    runs = spelling(["aaa", "aaab", "aaac", "zzz"], OF_WORDS)
    lengths = np.linalg.norm(runs.toarray(), axis=1)
    assert_allclose(lengths, [0.7, 0.7, 0.7, 0], rtol=1e-6)
    assert runs.dtype == np.float32


def test_runs_are_weighed_by_how_rare_they_are():
    # " ab" is in all five words; " abc" and "abc" are in three of them
    runs = spelling(["abcx", "abcy", "abcz", "abdv", "abew"], OF_WORDS).toarray()
    assert runs.shape[1] == 3
    n_words, n_of_rare = 5, 3
    rare, common = (np.log((1 + n_words) / (1 + n)) + 1 for n in (n_of_rare, n_words))
    expected = 0.7 * np.array([common, rare, rare]) / np.sqrt(common**2 + 2 * rare**2)
    assert_allclose(np.sort(runs[0]), np.sort(expected), rtol=1e-6)
    assert_allclose(np.sort(runs[3]), [0, 0, 0.7], rtol=1e-6)


def test_words_that_share_nothing_have_no_runs():
    assert spelling(["abc", "def", "ghi"], OF_WORDS) is None
    assert spelling(["a", "b"], OF_WORDS) is None


def test_categories_are_alike_by_shorter_runs_which_weigh_more():
    codes = ["92276", "92277", "92278", "93510", "93534", "93550"]
    runs = spelling(codes, OF_CATEGORIES).toarray()
    assert_allclose(np.linalg.norm(runs, axis=1), 1.5, rtol=1e-6)
    alike = runs @ runs.T
    assert alike[:3, :3].min() > alike[:3, 3:].max() > 0
