"""What the example on captions measures with, and the example itself."""

import re
import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.append(str(Path(__file__).parents[1] / "examples"))

import captions as example
from _captioning import (
    END,
    START,
    UNKNOWN,
    NgramClassifier,
    bleu,
    next_word_scores,
    write_captions,
)
from captions import split_caption


class Toy:
    """A captioner that knows the probabilities of the next word after each prefix."""

    def __init__(self, language):
        self.language = language
        followers = {word for following in language.values() for word in following}
        self.classes_ = np.array(sorted(followers), dtype=object)
        self.calls = []

    def predict_proba(self, X):
        assert list(X) == ["image", "words"]
        self.calls.append(list(zip(X["image"], X["words"], strict=True)))
        rows = [self.language[words.removeprefix(START).strip()] for words in X["words"]]
        return np.array([[row.get(word, 0.0) for word in self.classes_] for row in rows])


# the most probable first word leads to no probable caption
TRAP = {
    "": {"a": 0.6, "the": 0.4},
    "a": {"cat": 0.3, "dog": 0.3, "cow": 0.2, "hen": 0.2},
    "the": {"sea": 0.9, "sky": 0.1},
    **{f"a {animal}": {END: 1.0} for animal in ("cat", "dog", "cow", "hen")},
    **{f"the {thing}": {END: 1.0} for thing in ("sea", "sky")},
}


def rows_of(*captions):
    """Return the rows of captions whose words are all known."""
    frame = pd.DataFrame({"image": None, "caption": captions})
    return example.next_word_rows(frame, {word for c in captions for word in c.split()})


def test_rows_are_prefixes_with_their_next_word():
    frame = pd.DataFrame({"image": ["x.png"], "caption": ["A man's DOG , running ."]})
    X, y = example.next_word_rows(frame, {"a", "dog", "running"})
    assert X["image"].tolist() == ["x.png"] * 5
    assert X["words"].tolist() == [
        START,
        f"{START} a",
        f"{START} a {UNKNOWN}",
        f"{START} a {UNKNOWN} dog",
        f"{START} a {UNKNOWN} dog running",
    ]
    assert y.tolist() == ["a", UNKNOWN, "dog", "running", END]


def test_known_words_are_those_that_are_frequent_enough():
    captions = pd.Series(["a dog and a cat", "A dog .", "the dog"])
    assert example.known_words(captions, 2) == {"a", "dog"}


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_ngram_probabilities_sum_to_one_after_any_words(order):
    captioner = NgramClassifier(order).fit(*rows_of("a dog runs", "a dog sits", "the cat sits"))
    seen = pd.DataFrame({"words": [START, f"{START} a", f"{START} a dog", f"{START} cow of a"]})
    probabilities = captioner.predict_proba(seen)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-12)
    assert (probabilities > 0).all()


def test_ngrams_are_smoothed_as_witten_and_bell_do():
    X, y = rows_of("a dog", "a cat", "a dog runs")
    # labels: a 3, dog 2, cat 1, runs 1, end 3; five different of ten
    counts = {"a": 3, "d": 2, "c": 1, "r": 1, "e": 3}
    unigram = {word: (count + 5 * (1 / 5)) / 15 for word, count in counts.items()}
    # after "dog": end 1, runs 1
    after_dog = {word: (count + 2 * unigram[word]) / 4 for word, count in {"e": 1, "r": 1}.items()}
    after_dog |= {word: 2 * unigram[word] / 4 for word in "adc"}
    # after "a dog" the same two words followed as often
    after_a_dog = {w: ((w in "er") + 2 * p) / 4 for w, p in after_dog.items()}
    after_cow = unigram

    def of(order, words):
        captioner = NgramClassifier(order).fit(X, y)
        (probabilities,) = captioner.predict_proba(pd.DataFrame({"words": [words]}))
        return {word[0]: p for word, p in zip(captioner.classes_, probabilities, strict=True)}

    assert of(1, f"{START} a dog") == pytest.approx(unigram)
    assert of(2, f"{START} a dog") == pytest.approx(after_dog)
    assert of(3, f"{START} a dog") == pytest.approx(after_a_dog)
    assert of(3, f"{START} a cow") == pytest.approx(after_cow)


def test_perplexity_of_guessing_is_the_number_of_words():
    X, y = rows_of("a dog runs", "the cat sits")
    guess = NgramClassifier(1).fit(X, y)
    guess.followers_.clear()
    assert next_word_scores(guess, X, y)["perplexity"] == pytest.approx(7)


def test_next_word_scores_follow_their_formulas():
    toy = Toy(TRAP)
    X, y = rows_of("a dog", "the sky")
    scores = next_word_scores(toy, X, y)
    # .6 .3 1 and .4 .1 1; "cat" comes before "dog" where both are as probable
    assert scores["perplexity"] == pytest.approx((0.6 * 0.3 * 0.4 * 0.1) ** (-1 / 6))
    assert scores["top-1"] == pytest.approx(3 / 6)


def test_a_word_never_seen_makes_the_perplexity_infinite():
    scores = next_word_scores(Toy(TRAP), pd.DataFrame({"image": [0], "words": [START]}), ["moon"])
    assert scores == {"perplexity": np.inf, "top-1": 0.0}


def greedy(toy, max_words=20):
    words = []
    while len(words) < max_words:
        row = pd.DataFrame({"image": [None], "words": [" ".join([START, *words])]})
        word = toy.classes_[toy.predict_proba(row)[0].argmax()]
        if word == END:
            break
        words.append(word)
    return words


def test_a_beam_of_one_is_greedy():
    assert write_captions(Toy(TRAP), [None]) == [greedy(Toy(TRAP))] == [["a", "cat"]]


def test_a_beam_of_one_is_greedy_after_ngrams():
    captioner = NgramClassifier(3).fit(*rows_of("a dog runs", "a dog sits", "the cat sits"))
    assert write_captions(captioner, [0, 1], max_words=9) == [greedy(captioner, 9)] * 2


def test_a_beam_finds_a_more_probable_caption_than_greedy():
    (caption,) = write_captions(Toy(TRAP), [None], width=2)
    assert caption == ["the", "sea"]  # .36 against .18


def test_a_wide_beam_finds_the_most_probable_caption_of_all():
    rng = np.random.default_rng(0)
    prefixes = [" ".join(p) for n in range(4) for p in product("xyz", repeat=n)]
    language = {
        prefix: dict(zip(["x", "y", "z", END], rng.dirichlet(np.ones(4)), strict=True))
        for prefix in prefixes
    }
    language |= {" ".join(words): {END: 1.0} for words in product("xyz", repeat=4)}

    def probability(prefix):
        words = prefix.split()
        steps = [language[" ".join(words[:n])][word] for n, word in enumerate(words)]
        return np.prod(steps) * language[prefix][END]

    best = max(language, key=probability)
    assert write_captions(Toy(language), [None], width=200) == [best.split()]


def test_length_power_prefers_longer_captions():
    language = {
        "": {"a": 0.5, END: 0.5 - 1e-9, "b": 1e-9},
        "a": {"b": 0.9, END: 0.1},
        "a b": {END: 1.0},
        "b": {END: 1.0},
    }
    assert write_captions(Toy(language), [None], width=3) == [[]]
    assert write_captions(Toy(language), [None], width=3, length_power=1) == [["a", "b"]]


def test_unknown_words_are_never_written():
    language = {"": {UNKNOWN: 0.9, "a": 0.1}, "a": {UNKNOWN: 0.8, END: 0.2}}
    assert write_captions(Toy(language), [None]) == [["a"]]


def test_a_caption_that_only_an_unknown_word_can_follow_ends():
    language = {"": {"a": 1.0}, "a": {UNKNOWN: 1.0, END: 0.0}}
    assert write_captions(Toy(language), [None], width=3) == [["a"]]


def test_a_caption_that_does_not_end_is_cut():
    forever = {" ".join(["very"] * n): {"very": 0.9, END: 0.1} for n in range(9)}
    assert write_captions(Toy(forever), [None], max_words=5) == [["very"] * 5]


def test_all_pictures_go_through_one_call_a_word():
    toy = Toy(TRAP)
    written = write_captions(toy, ["left", "right"], width=2)
    assert written == [["the", "sea"]] * 2
    assert len(toy.calls) == 3
    assert toy.calls[0] == [("left", START), ("right", START)]
    assert [image for image, _ in toy.calls[1]] == ["left", "left", "right", "right"]


def test_bleu_counts_a_word_no_oftener_than_a_reference_has_it():
    # example 2 of Papineni 2002: 2 of 7 words; the caption is as long as a reference
    caption = split_caption("the the the the the the the")
    references = [
        split_caption("the cat is on the mat now"),
        split_caption("there is a cat on the mat"),
    ]
    assert bleu([caption], [references]) == pytest.approx([2 / 7, 0, 0, 0])


def test_bleu_of_hand_counted_captions():
    captions = [split_caption("a dog runs on grass"), split_caption("a man")]
    references = [
        [split_caption("a dog runs in the grass"), split_caption("the dog is on grass")],
        [split_caption("a man sits"), split_caption("one man")],
    ]
    # words 5/5 and 2/2; pairs "a dog", "dog runs", "on grass" of 4 and "a man" of 1;
    # threes "a dog runs" of 3; no four. Lengths 5 and 2 are those of references.
    one, two, three = 7 / 7, 4 / 5, 1 / 3
    expected = [one, (one * two) ** (1 / 2), (one * two * three) ** (1 / 3), 0]
    assert bleu(captions, references) == pytest.approx(expected)


def test_bleu_punishes_short_captions():
    (score, *_) = bleu([["a", "dog"]], [[split_caption("a dog runs fast")]])
    assert score == pytest.approx(np.exp(1 - 4 / 2))


def test_bleu_of_a_reference_itself_is_one():
    caption = split_caption("a dog runs on the grass")
    assert bleu([caption], [[caption, ["a"]]]) == pytest.approx([1] * 4)


def test_bleu_of_empty_captions_is_zero():
    assert bleu([[]], [[["a", "dog"]]]) == [0.0] * 4


def test_drawn_captions_name_what_is_drawn():
    frame = example.draw_scenes(20, seed=1)
    assert frame.groupby("picture")["split"].nunique().eq(1).all()
    for _, rows in frame.groupby("picture"):
        told = {frozenset(re.findall("|".join(example.COLORS), c)) for c in rows["caption"]}
        assert len(told) == 1
        colors = {tuple(bytes.fromhex(example.COLORS[name][1:])) for name in told.pop()}
        pixels = {color for _, color in rows["image"].iloc[0].getcolors(4096)}
        assert colors <= pixels
        assert len(pixels - colors) <= 1


@pytest.mark.slow
def test_the_example_learns_to_tell_drawings(tmp_path):
    plot = tmp_path / "captions.png"
    arguments = ["--pictures", "60", "--epochs", "1", "--plot", str(plot)]
    command = [sys.executable, example.__file__, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name in ("1-gram", "3-gram", "words alone", "picture and words", "greedy", "beam of 5"):
        assert f"\n{name} " in done.stdout
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_references_on_photographs_are_those_published_with_them(shared_data):
    frame = example.read_photographs(shared_data / "flickr1k")
    training, test = (frame[frame["split"] == part] for part in ("train", "test"))
    known = example.known_words(training["caption"], 3)
    X, y = example.next_word_rows(training, known)
    X_test, y_test = example.next_word_rows(test, known)
    assert len(y_test) == 11995
    perplexities = [
        next_word_scores(NgramClassifier(order).fit(X, y), X_test, y_test)["perplexity"]
        for order in (1, 2, 3)
    ]
    assert perplexities == pytest.approx([122.54, 35.37, 33.45], abs=0.01)

    told = example.references(test)
    constant = split_caption("a man in a red shirt is standing on a rock")
    scores = bleu([constant] * len(told), told)
    assert scores == pytest.approx([0.490, 0.282, 0.140, 0.074], abs=5e-4)
    scores = bleu([captions[0] for captions in told], [captions[1:] for captions in told])
    assert scores == pytest.approx([0.630, 0.452, 0.316, 0.220], abs=5e-4)


def test_a_captioner_reads_photographs_from_disk(shared_data):
    frame = example.read_photographs(shared_data / "flickr1k").head(20)
    X, y = example.next_word_rows(frame, example.known_words(frame["caption"], 1))
    settings = example.PHOTOGRAPHS | {"units": 8, "epochs": 1, "verbose": 0}
    captioner = example.make_captioner(settings, len(y)).fit(X, y)
    np.testing.assert_allclose(captioner.predict_proba(X[:30]).sum(axis=1), 1, rtol=1e-5)
    (caption,) = write_captions(captioner, [X["image"].iloc[0]], width=2, max_words=4)
    assert len(caption) <= 4
    assert set(caption) <= set(y) - {END, UNKNOWN}
