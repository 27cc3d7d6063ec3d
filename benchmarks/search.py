"""GridSearchCV in a Pipeline on real data: merge modes on clothing, filters on emoji.

Run ``python benchmarks/search.py`` for both, or name one: ``... search.py emoji``. Prints mean and
spread of the score, and seconds per fit.
"""

from __future__ import annotations

import sys

import pandas as pd
from _datasets import clothing, emoji
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline

from skmerge import ColumnRouter, MergedNetClassifier

MODES = ["concat", "sum", "multiply", "average", "maximum", "minimum", ["concat", "multiply"]]
FILTERS = [(8, 16), (16, 32), (32, 64)]


def table(search: GridSearchCV, parameter: str) -> str:
    results = pd.DataFrame(search.cv_results_)
    columns = {
        f"param_mergednetclassifier__{parameter}": parameter,
        "mean_test_score": "score",
        "std_test_score": "spread",
        "mean_fit_time": "fit s",
        "mean_score_time": "score s",
    }
    return results[list(columns)].rename(columns=columns).round(4).to_string(index=False)


def merges_on_clothing() -> None:
    data = clothing()
    frame, y = data.train[:2000], data.y_train[:2000]
    pipeline = make_pipeline(ColumnRouter(), MergedNetClassifier(epochs=10, random_state=0))
    search = GridSearchCV(
        pipeline,
        {"mergednetclassifier__merge": MODES},
        cv=5,
        scoring="roc_auc",
        error_score="raise",
    ).fit(frame, y)
    print("clothing, recommended, 2,000 rows, 5 folds, ROC AUC")
    print(table(search, "merge"), flush=True)


def filters_on_emoji() -> None:
    data = emoji()
    pipeline = make_pipeline(
        ColumnRouter(),
        MergedNetClassifier(branches={"image": "conv"}, epochs=15, random_state=0),
    )
    search = GridSearchCV(
        pipeline,
        {"mergednetclassifier__branches__image__filters": FILTERS},
        cv=StratifiedKFold(3, shuffle=True, random_state=0),  # the file is sorted by likeness
        error_score="raise",
    ).fit(data.train, data.y_train)
    print("emoji, group from name, picture and numbers, 3 shuffled folds, accuracy")
    print(table(search, "branches__image__filters"))
    print(f"test part, best of them: {search.score(data.test, data.y_test):.4f}", flush=True)


SEARCHES = {"clothing": merges_on_clothing, "emoji": filters_on_emoji}


def main() -> None:
    for name in sys.argv[1:] or SEARCHES:
        SEARCHES[name]()


if __name__ == "__main__":
    main()
