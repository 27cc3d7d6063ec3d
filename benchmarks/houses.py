"""House prices from four pictures and a table: own weights for each picture, or shared ones.

Run ``python benchmarks/houses.py``; ``--seeds 1 --epochs 5`` for a quick look. Prints R2 on the
log10 price of the test part, mean and spread over the seeds: for the table alone, the pictures
alone and both, pictures through four branches or through one that they share, varied in training
(flips, shifts, zoom) or not. Of other models gradient boosting reaches .710 on the table, and .712
stacked with pictures.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pandas as pd
from _datasets import houses

from skmerge import ColumnRouter, ConvBranch, ImageEncoder, MergedNetRegressor

ROOMS = ["img_frontal", "img_bedroom", "img_bathroom", "img_kitchen"]


def conv(varied: bool) -> ConvBranch:
    variation = {"flip": "horizontal", "shift": 0.1, "zoom": 0.1} if varied else {}
    return ConvBranch((16, 32, 64), (16,), batch_normalization=False, dropout=0.2, **variation)


def own(varied: bool) -> dict[str, object]:
    return {room: conv(varied) for room in ROOMS}


def shared(varied: bool) -> dict[str, object]:
    return {ROOMS[0]: conv(varied), **dict.fromkeys(ROOMS[1:], ROOMS[0])}


def measure(name, columns, branches, arguments) -> dict[str, object]:
    data = houses()
    pictures = [column for column in columns if column in ROOMS]
    router = ColumnRouter({room: ImageEncoder(size=arguments.size) for room in pictures})
    scores, seconds = [], []
    for seed in range(arguments.seeds):
        estimator = MergedNetRegressor(
            router=router,
            branches=branches,
            epochs=arguments.epochs,
            early_stopping=False,
            normalize_features=False,
            learning_rate=None,
            random_state=seed,
        )
        began = time.perf_counter()
        estimator.fit(data.train[columns], data.y_train)
        seconds.append(time.perf_counter() - began)
        scores.append(estimator.score(data.test[columns], data.y_test))
    row = {
        "inputs": name,
        "R2": round(float(np.mean(scores)), 3),
        "spread": round(float(np.std(scores)), 3),
        "parameters": estimator.model_.count_params(),
        "fit s": round(float(np.mean(seconds)), 1),
    }
    print(row, flush=True)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3, help="fits per row")
    parser.add_argument("--epochs", type=int, default=40, help="epochs per fit")
    parser.add_argument("--size", type=int, default=32, help="height and width of pictures, pixels")
    arguments = parser.parse_args()
    table = [column for column in houses().train if column not in ROOMS]
    plan = [
        ("table", table, None),
        ("pictures, own", ROOMS, own(False)),
        ("pictures, shared", ROOMS, shared(False)),
        ("pictures, own, varied", ROOMS, own(True)),
        ("pictures, shared, varied", ROOMS, shared(True)),
        ("table + pictures, own", table + ROOMS, own(False)),
        ("table + pictures, shared", table + ROOMS, shared(False)),
        ("table + pictures, shared, varied", table + ROOMS, shared(True)),
    ]
    rows = [measure(*row, arguments) for row in plan]
    print(pd.DataFrame(rows).to_string(index=False))


if __name__ == "__main__":
    main()
