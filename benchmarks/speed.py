"""How fast: skmerge beside named alternatives, as ratios in one run on one machine.

Run ``python benchmarks/speed.py`` for all measurements (some 35 minutes on two cores), or name
some: ``... speed.py one-row import``. ``--quick`` goes through them in tiny sizes, whose numbers
mean nothing; ``--write`` puts the table into docs/speed.md. Each measurement runs in a process of
its own.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import traceback
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from _datasets import ROOT
from _ratios import in_fresh_process, machine_described, table, write_table
from _speed_checks import checks
from _speed_encode import encode
from _speed_fit import default_fits
from _speed_predict import one_row
from _speed_process import imports, memory
from _speed_search import search, search_pictures, two_workers
from _speed_train import train, train_pictures

PAGE = Path(__file__).parents[1] / "docs" / "speed.md"
MEASUREMENTS = {
    "search": search,
    "search-pictures": search_pictures,
    "train": train,
    "train-pictures": train_pictures,
    "fit": default_fits,
    "one-row": one_row,
    "encode": encode,
    "memory": memory,
    "checks": checks,
    "import": imports,
    "n-jobs": two_workers,
}
DATA = ("clothing", "emoji", "movies", "easy_vqa")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "names", nargs="*", choices=[*MEASUREMENTS, []], metavar="name",
        help=f"measurements to do, of {', '.join(MEASUREMENTS)}; all by default",
    )  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that all runs")
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.name}")
    arguments = parser.parse_args()
    if arguments.quick and arguments.write:
        parser.error("--quick measures nothing worth writing down: leave out one of the two.")
    if missing := [name for name in DATA if not (ROOT / name).is_dir()]:
        parser.error(
            f"the data sets {', '.join(DATA)} must be in {ROOT}, which lacks {', '.join(missing)}. "
            "Set the environment variable SKMERGE_SHARED_DATA to the folder that holds them."
        )

    machine, rows, failed = machine_described(), [], []
    for name in arguments.names or MEASUREMENTS:
        began = time.perf_counter()
        try:
            measured = in_fresh_process(MEASUREMENTS[name], arguments.quick)
        except Exception:
            traceback.print_exc()
            failed.append(name)
            continue
        rows += measured
        print(f"{name}: done in {time.perf_counter() - began:.0f} s\n", flush=True)

    print(f"{machine}\n\n{table(rows)}")
    if arguments.quick:
        print("\nOf tiny sizes, not those that the lines name: to see that all runs, no more.")
    if failed:
        print(f"\nFailed, and not in the table: {', '.join(failed)}.", file=sys.stderr)
    elif arguments.write:
        write_table(PAGE, rows, machine)
        print(f"\nWritten to {PAGE}.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
