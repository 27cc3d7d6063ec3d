"""How good: skmerge with its defaults beside single inputs, linear models, trees and their stack.

Run ``python benchmarks/quality.py`` for all tasks (hours on two cores), or name some:
``... quality.py houses emoji``. ``--seeds 1``, ``--only skmerge`` and ``--without-baselines`` cut
the work. ``--folds`` measures houses in repeated 10-fold, and ``--ablation`` switches off one
default at a time, both in place of the tables. ``--write`` puts it all into docs/quality.md.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from _datasets import ROOT
from _quality_ablation import MEANS, differences, means, run_ablation
from _quality_contenders import ALONE, GROUPS, SKMERGE, Result, measure, measure_folds
from _quality_page import ABLATION, SCORES, libraries_and_machine, sentence, table, write_sections
from _quality_tasks import TASKS

PAGE = Path(__file__).parents[1] / "docs" / "quality.md"
DATA = ("clothing", "houses", "movies", "emoji", "easy_vqa")


def arguments_of_the_command() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "names", nargs="*", choices=[*TASKS, []], metavar="task",
        help=f"of {', '.join(TASKS)}; all by default",
    )  # fmt: skip
    parser.add_argument("--seeds", type=int, default=3, help="fits of each network, 3 by default")
    parser.add_argument(
        "--only", action="append", choices=GROUPS,
        help="which contenders; can be given twice, all by default",
    )  # fmt: skip
    parser.add_argument(
        "--without-baselines", action="store_true", help="skmerge and its single inputs only"
    )
    parser.add_argument(
        "--folds", action="store_true", help="houses in repeated 10-fold, no table else"
    )
    parser.add_argument("--ablation", action="store_true", help="one default off at a time")
    parser.add_argument("--write", action="store_true", help=f"put it into {PAGE.name}")
    arguments = parser.parse_args()
    if arguments.seeds < 1:
        parser.error(f"--seeds must be at least 1. Got {arguments.seeds}.")
    narrowed = arguments.only or arguments.without_baselines
    if arguments.folds and (set(arguments.names) - {"houses"} or narrowed):
        parser.error("--folds measures houses alone, and all of its contenders.")
    if arguments.only and (arguments.without_baselines or arguments.ablation):
        parser.error("--only goes neither with --without-baselines nor with --ablation.")
    if arguments.folds and arguments.ablation:
        parser.error("--folds does not go with --ablation: run them one after the other.")
    if arguments.write and (arguments.only or arguments.without_baselines):
        parser.error("--write needs all contenders: leave out --only and --without-baselines.")
    if missing := [name for name in DATA if not (ROOT / name).is_dir()]:
        parser.error(
            f"the data sets {', '.join(DATA)} must be in {ROOT}, which lacks {', '.join(missing)}. "
            "Set the environment variable SKMERGE_SHARED_DATA to the folder that holds them."
        )
    arguments.names = arguments.names or list(TASKS)
    arguments.only = [SKMERGE, ALONE] if arguments.without_baselines else arguments.only or GROUPS
    return arguments


def told(results: list[Result]) -> str:
    return "\n\n".join(part for part in (table(results), sentence(results)) if part)


def collected(results) -> list[Result]:
    kept = []
    for result in results:
        kept.append(result)
        print(f"  {result}", flush=True)
    return kept


def main() -> int:
    arguments = arguments_of_the_command()
    import keras  # noqa: F401, its seconds are no contender's

    machine, sections, mark, summary = libraries_and_machine(), {}, SCORES, None
    began = time.perf_counter()
    if arguments.ablation:
        mark, summary = ABLATION, (MEANS, means)
        for name in arguments.names:
            title = TASKS[name].load().name
            sections[title] = differences(run_ablation(name, arguments.seeds))
            print(f"\n{title}\n\n{sections[title]}\n", flush=True)
    elif arguments.folds:
        task = TASKS["houses"]
        results = collected(measure_folds(task, task.load(), arguments.seeds))
        title = "houses, log10 price, repeated 10-fold"
        sections[title] = told(results)
        print(f"{title}\n\n{sections[title]}\n", flush=True)
    else:
        for name in arguments.names:
            task = TASKS[name]
            data = task.load()
            print(f"{data.name}: {len(data.train)} rows", flush=True)
            results = collected(measure(task, data, arguments.only, arguments.seeds))
            sections[data.name] = told(results)
            print(f"\n{sections[data.name]}\n", flush=True)
    print(f"{machine}\n\n{time.perf_counter() - began:.0f} s in all.")
    if arguments.write:
        write_sections(
            PAGE, mark, sections, machine=machine, n_seeds=arguments.seeds, summary=summary
        )
        print(f"Written to {PAGE}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
