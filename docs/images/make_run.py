"""Make run.svg, the picture of a run in the README, from the database that `make demo` leaves.

python docs/images/make_run.py demo.db

It needs Chromium, see `drawing`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from drawing import svg

import bbo


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("database", help="what examples/demo.py left")
    parser.add_argument("--browser", default="chromium")
    options = parser.parse_args()
    study, random = (bbo.load_study(name, options.database) for name in ("bbo", "random search"))
    figure = study.plot("history", others=[random])
    figure.update_layout(title_text="Tuning a classifier of handwritten digits: every trial, and the best so far")
    target = Path(__file__).with_name("run.svg")
    target.write_text(svg(figure, width=900, height=460, browser=options.browser), encoding="utf-8")
    print(f"{target}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
