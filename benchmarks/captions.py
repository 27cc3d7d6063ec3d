"""Captions of photographs: the example's network on flickr1k, beside the published references.

Run ``python benchmarks/captions.py`` for all ways to show a picture, or name some:
``... captions.py words picture``. Prints perplexity and top-1 accuracy of the next word, and BLEU
of the captions written greedily and by beam search, all on the 200 pictures of the test part. One
way takes some ten minutes on two cores.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from _datasets import ROOT
from PIL import Image
from sklearn.decomposition import PCA

from skmerge import ArrayEncoder, DenseBranch

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))

import captions as example
from _captioning import bleu, next_word_scores, write_captions

#: perplexity and top-1 accuracy, of the notes beside the data; Witten-Bell smoothing, where top-1
#: is that of the most frequent follower of the longest known context
NEXT_WORD = {"1-gram": (122.54, 0.135), "2-gram": (35.37, 0.304), "3-gram": (33.45, 0.312)}
CONSTANTS = ["a man in a red shirt is standing on a rock", "a dog is running in a field"]
SEARCHES = {
    "greedy": {},
    "beam of 3": {"width": 3},
    "beam of 5": {"width": 5},
    "beam of 5, by word": {"width": 5, "length_power": 0.7},
}


def described(paths: list[str], training: list[str]) -> dict[str, np.ndarray]:
    """Return for each picture 80 numbers made without a network.

    40 principal components each of the pixels at 8 x 8, and of the roots of histograms of 64
    colours in the upper, middle and lower third; components learnt on the training pictures.
    """
    pixels = np.stack([np.asarray(Image.open(p).convert("RGB").resize((32, 30))) for p in paths])
    small = [np.asarray(Image.open(p).convert("RGB").resize((8, 8))).ravel() for p in paths]
    colors = pixels // 64 @ np.array([16, 4, 1])
    thirds = colors.reshape(len(paths), 3, -1)
    counts = [[np.bincount(third, minlength=64) for third in picture] for picture in thirds]
    histograms = np.sqrt(np.array(counts) / thirds.shape[2]).reshape(len(paths), -1)
    is_training = np.isin(paths, training)
    parts = []
    for features in (np.array(small) / 255, histograms):
        pca = PCA(40, whiten=True, random_state=0).fit(features[is_training])
        parts.append(pca.transform(features))
    return dict(zip(paths, np.hstack(parts).astype("float32"), strict=True))


def nearest_captions(training: pd.DataFrame, images: list[str]) -> list[list[str]]:
    """Return for each picture the first caption of the training picture most like it."""
    first = training.drop_duplicates("picture")
    known, asked = (
        np.stack([np.asarray(Image.open(p).convert("RGB").resize((16, 16)), float) for p in paths])
        for paths in (first["image"], images)
    )
    known, asked = known.reshape(len(known), -1), asked.reshape(len(asked), -1)
    nearest = [np.square(known - picture).sum(axis=1).argmin() for picture in asked]
    return [example.split_caption(first["caption"].iloc[position]) for position in nearest]


def measure(way: str, training: pd.DataFrame, test: pd.DataFrame, settings: dict):
    """Train with one way to show pictures; return next-word scores and captions by search."""
    known = example.known_words(training["caption"], 3)
    (X, y), (X_test, y_test) = (example.next_word_rows(part, known) for part in (training, test))
    captioner = example.make_captioner(settings, len(y))
    images = X_test["image"].drop_duplicates()
    shown = dict(zip(X["image"], X["image"], strict=True)) | dict(zip(images, images, strict=True))
    if way in ("words", "mean colour"):
        captioner.set_params(router__inputs__image__size=1)
    if way == "words":
        shown = dict.fromkeys(shown)
    if way == "described":
        shown = described(list(shown), X["image"].unique().tolist())
        captioner.set_params(
            router__inputs__image=ArrayEncoder(),
            branches__image=DenseBranch((64,), dropout=settings["dropout"]),
        )
    X, X_test = (part.assign(image=part["image"].map(shown.get)) for part in (X, X_test))
    wall, cpu = time.perf_counter(), time.process_time()
    captioner.fit(X, y)
    scores = next_word_scores(captioner, X_test, y_test)
    scores |= {"fit s": time.perf_counter() - wall, "CPU s": time.process_time() - cpu}
    images = [shown[path] for path in images]
    texts = {
        f"{way}, {name}": write_captions(captioner, images, **search)
        for name, search in SEARCHES.items()
    }
    return scores, texts


WAYS = ["words", "mean colour", "described", "picture"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ways", nargs="*", help=f"of {', '.join(WAYS)}; all by default")
    parser.add_argument("--epochs", type=int, default=example.PHOTOGRAPHS["epochs"])
    parser.add_argument("--verbose", type=int, default=0)
    arguments = parser.parse_args()
    settings = example.PHOTOGRAPHS | {"epochs": arguments.epochs, "verbose": arguments.verbose}

    frame = example.read_photographs(ROOT / "flickr1k")
    training, test = (frame[frame["split"] == part] for part in ("train", "test"))
    told = example.references(test)
    images = test["image"].drop_duplicates().tolist()
    next_word = {
        name: {"perplexity": perplexity, "top-1": top}
        for name, (perplexity, top) in NEXT_WORD.items()
    }
    captions = {f'always "{text}"': [text.split()] * len(told) for text in CONSTANTS}
    captions["nearest picture's caption"] = nearest_captions(training, images)
    for way in arguments.ways or WAYS:
        next_word[way], texts = measure(way, training, test, settings)
        print(f"{way}: {next_word[way]}", flush=True)
        captions |= texts
    table = {name: bleu(texts, told) for name, texts in captions.items()}
    table["first reference, by the others"] = bleu([t[0] for t in told], [t[1:] for t in told])
    print(pd.DataFrame(next_word).T.round(3).to_string(na_rep=""), "\n")
    columns = [f"BLEU-{n}" for n in range(1, 5)]
    print(pd.DataFrame(table, index=columns).T.round(3).to_string())


if __name__ == "__main__":
    main()
