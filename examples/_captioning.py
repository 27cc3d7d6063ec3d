"""What `captions.py` measures with: rows and captions go in, scores and new captions come out.

A captioner is any classifier whose rows are a picture (column ``image``) and the words so far
(column ``words``, which begins with `START`) and whose label is the next word.
"""

from collections import Counter, defaultdict

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin

START, END, UNKNOWN = "startseq", "endseq", "unknownword"


class NgramClassifier(ClassifierMixin, BaseEstimator):
    """Predict the next word from the last ``order - 1`` words alone; the reference to beat.

    Witten-Bell smoothing: what a context has not shown is left to the context shorter by a word,
    with the weight of one count for each different word that followed. For a context h that was
    followed N times, by T different words::

        p(w | h) = (count(h, w) + T * p(w | h without its first word)) / (N + T)

    and the shortest of all, below the single word, is the uniform distribution.

    Parameters
    ----------
    order : int, default=3
        Words of an n-gram, the predicted one included.

    References
    ----------
    Witten and Bell, The zero-frequency problem, IEEE Transactions on Information Theory 37(4),
    1991, method C; interpolated as in Chen and Goodman, 1998, section 2.4.
    """

    def __init__(self, order: int = 3) -> None:
        self.order = order

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> "NgramClassifier":
        """Count the words after each context of up to ``order - 1`` words."""
        self.classes_, codes = np.unique(y, return_inverse=True)
        self.followers_: dict[tuple[str, ...], Counter[int]] = defaultdict(Counter)
        for context, code in zip(self._contexts(X), codes, strict=True):
            for first in range(self.order):
                self.followers_[context[first:]][int(code)] += 1
        return self

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Return the probability of each of `classes_`, shape (n_samples, n_words)."""
        contexts = self._contexts(X)
        smoothed = {context: self._smoothed(context) for context in set(contexts)}
        return np.array([smoothed[context] for context in contexts])

    def _contexts(self, X: pd.DataFrame) -> list[tuple[str, ...]]:
        before = [START] * (self.order - 1)
        words = [[*before, *text.split()[1:]] for text in X["words"]]
        return [tuple(row[len(row) - self.order + 1 :]) for row in words]

    def _smoothed(self, context: tuple[str, ...]) -> np.ndarray:
        probabilities = np.full(len(self.classes_), 1 / len(self.classes_))
        for first in range(self.order - 1, -1, -1):
            followers = self.followers_.get(context[first:])
            if followers is None:
                break
            counts = np.zeros(len(self.classes_))
            counts[list(followers)] = list(followers.values())
            n_different = len(followers)
            probabilities = (counts + n_different * probabilities) / (counts.sum() + n_different)
        return probabilities


def next_word_scores(captioner, X: pd.DataFrame, y: np.ndarray) -> dict[str, float]:
    """Return perplexity, the exponential of the mean cross-entropy, and top-1 accuracy.

    A word that the captioner does not know has the probability 0, and the perplexity is infinite.
    """
    probabilities = captioner.predict_proba(X).astype(float)
    of_truth = np.where(captioner.classes_ == np.asarray(y)[:, None], probabilities, 0).sum(axis=1)
    with np.errstate(divide="ignore"):
        cross_entropy = -np.log(of_truth).mean()
    guessed = captioner.classes_[probabilities.argmax(axis=1)]
    return {"perplexity": float(np.exp(cross_entropy)), "top-1": float(np.mean(guessed == y))}


def write_captions(
    captioner, images: list, *, width: int = 1, length_power: float = 0.0, max_words: int = 20
) -> list[list[str]]:
    """Write a caption for each picture by beam search; a beam of width 1 is greedy.

    A beam holds the `width` best captions of a picture, finished ones among them. Each step
    extends all unfinished captions of all pictures in one call of ``predict_proba``. The word
    `UNKNOWN` is never written.

    Parameters
    ----------
    captioner : classifier
        Predicts the next word from the columns ``image`` and ``words``.
    images : list
        The pictures, as the captioner takes them.
    width : int, default=1
        Captions in a beam.
    length_power : float, default=0.0
        Captions are compared by ``log p / n_words ** length_power``: 0 takes the most probable
        one, which tends to be short, 1 the one with the most probable words on average.
    max_words : int, default=20
        Longest caption; what is not finished then is taken as it is.
    """
    written = captioner.classes_ != UNKNOWN
    beams: list[list[tuple[float, list[str]]]] = [[(0.0, [])] for _ in images]

    def value(entry: tuple[float, list[str]]) -> float:
        return entry[0] / max(len(entry[1]), 1) ** length_power

    for _ in range(max_words + 1):
        unfinished = [
            (picture, log_p, words)
            for picture, beam in enumerate(beams)
            for log_p, words in beam
            if END not in words
        ]
        if not unfinished:
            break
        pictures, log_ps, prefixes = zip(*unfinished, strict=True)
        rows = {
            "image": [images[picture] for picture in pictures],
            "words": [" ".join([START, *words]) for words in prefixes],
        }
        beams = [[entry for entry in beam if END in entry[1]] for beam in beams]
        with np.errstate(divide="ignore"):
            log_next = np.log(np.where(written, captioner.predict_proba(pd.DataFrame(rows)), 0))
        for row, best in enumerate(np.argsort(-log_next, axis=1, kind="stable")[:, :width]):
            # a caption that no known word can follow ends
            beams[pictures[row]] += [
                (log_ps[row] + log_next[row, code], [*prefixes[row], captioner.classes_[code]])
                for code in best
                if np.isfinite(log_next[row, code])
            ] or [(log_ps[row], [*prefixes[row], END])]
        beams = [sorted(beam, key=value, reverse=True)[:width] for beam in beams]
    return [[str(word) for word in beam[0][1] if word != END][:max_words] for beam in beams]


def bleu(captions: list[list[str]], references: list[list[list[str]]]) -> list[float]:
    """Return BLEU-1 to BLEU-4 of captions, each against the references of its picture.

    The geometric mean of the modified precisions of the n-grams up to 1, 2, 3 and 4 words,
    counted over all captions, times the brevity penalty for captions shorter than the
    reference closest in length.

    References
    ----------
    Papineni et al., BLEU: a method for automatic evaluation of machine translation, ACL 2002,
    section 2.3.
    """
    matches, totals = np.zeros(4), np.zeros(4)
    length = reference_length = 0
    for caption, others in zip(captions, references, strict=True):
        length += len(caption)
        reference_length += min((abs(len(o) - len(caption)), len(o)) for o in others)[1]
        for n in range(1, 5):
            grams = _ngrams(caption, n)
            most = Counter[tuple[str, ...]]()
            for other in others:
                most |= _ngrams(other, n)
            matches[n - 1] += (grams & most).total()
            totals[n - 1] += grams.total()
    if not length:
        return [0.0] * 4
    with np.errstate(divide="ignore"):
        log_precisions = np.log(matches / np.maximum(totals, 1))
    brevity = min(0.0, 1 - reference_length / length)
    means = np.cumsum(log_precisions) / np.arange(1, 5)
    return [float(score) for score in np.exp(brevity + means)]


def _ngrams(words: list[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[first : first + n]) for first in range(len(words) - n + 1))
