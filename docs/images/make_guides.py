"""Make the pictures of the guides: each from runs of bbo with fixed seeds, or from acquisition functions and models as they come.

    python docs/images/make_guides.py                      # all of them, minutes
    python docs/images/make_guides.py robust gradients     # these

A picture's module in `pictures` has its name, and a function `figure` without arguments.
"""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path

PICTURES = (
    "acquisitions",
    "draws",
    "objectives",
    "constraints",
    "active_learning",
    "fidelities",
    "robust",
    "rankings",
    "gradients",
    "knowledge",
)


def main() -> None:
    from drawing import compact, svg

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="all by default")
    parser.add_argument("--browser", default="chromium")
    options = parser.parse_args()
    if unknown := set(options.names) - set(PICTURES):
        raise SystemExit(f"no picture is called {', '.join(sorted(unknown))}; there are {', '.join(PICTURES)}")
    for name in options.names or PICTURES:
        figure = import_module(f"pictures.{name}").figure()
        drawn = svg(figure, width=figure.layout.width, height=figure.layout.height, browser=options.browser)
        target = Path(__file__).with_name(f"{name}.svg")
        target.write_text(compact(drawn), encoding="utf-8")
        print(f"{target}: {target.stat().st_size} bytes", flush=True)


if __name__ == "__main__":
    main()
