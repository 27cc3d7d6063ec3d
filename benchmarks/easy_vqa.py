"""Where merging inside the network is what counts: easy-VQA, merge by merge.

A question such as "is there a red shape?" and a picture; the answer is in neither alone. Run
``python benchmarks/easy_vqa.py`` for the merges listed below, or name some, with the number of
epochs: ``python benchmarks/easy_vqa.py --epochs 15 multiply film late``. Prints the accuracy on the
test part of the official split, which has other pictures, and the seconds of the fit.
"""

from __future__ import annotations

import argparse
import time

from _datasets import easy_vqa

from skmerge import ColumnRouter, ConvBranch, EmbeddingBranch, ImageEncoder, MergedNetClassifier

MERGES = ["multiply", "bilinear", "film", "gated", "attention", "concat", "sum", "late"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("merges", nargs="*", default=MERGES)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--verbose", type=int, default=0)
    options = parser.parse_args()

    data = easy_vqa()
    router = ColumnRouter({"image": ImageEncoder(size=32), "question": "text"})
    train, test = router.fit_transform(data.train), router.transform(data.test)
    print(f"{data.name}: {len(train)} rows to train on, {len(test)} to test on; {data.reference}")
    for merge in options.merges:
        clf = MergedNetClassifier(
            merge=merge,
            branches={
                "image": ConvBranch((16, 32, 64), (64,), batch_normalization=True),
                "question": EmbeddingBranch(64, (64,)),
            },
            head=(64,),
            dropout=0,
            batch_size=64,
            learning_rate=2e-3,
            epochs=options.epochs,
            early_stopping=False,
            normalize_features=False,
            random_state=0,
            verbose=options.verbose,
        )
        began = time.perf_counter()
        clf.fit(train, data.y_train)
        seconds = time.perf_counter() - began
        accuracy = clf.score(test, data.y_test)
        print(f"{merge:<10} accuracy {accuracy:.4f}, fitted in {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
