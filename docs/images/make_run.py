"""Make run.svg, the picture of a run in the README, from the database that `make demo` leaves.

    python docs/images/make_run.py demo.db

Chromium draws it: Plotly renders in a browser, and Debian's package needs no display.
"""

from __future__ import annotations

import argparse
import html
import re
import subprocess
import tempfile
from pathlib import Path

import bbo

_TO_SVG = """
<script>
Plotly.toImage('figure', {{format: 'svg', width: {width}, height: {height}}}).then(function (url) {{
    document.body.innerHTML = '';
    document.body.appendChild(document.createElement('pre')).textContent = decodeURIComponent(url.slice(url.indexOf(',') + 1));
}});
</script>
"""


def svg(figure: object, *, width: int, height: int, browser: str) -> str:
    """The figure as the browser's Plotly draws it."""
    page = figure.to_html(include_plotlyjs=True, div_id="figure") + _TO_SVG.format(width=width, height=height)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "figure.html"
        file.write_text(page, encoding="utf-8")
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--virtual-time-budget=20000"]
        dom = subprocess.run(
            [browser, *options, "--dump-dom", file.as_uri()], check=True, capture_output=True, text=True, timeout=120
        ).stdout
    found = re.search(r"<pre>(.*)</pre>", dom, flags=re.DOTALL)
    if found is None:
        raise SystemExit(f"{browser} left no picture; its page was {len(dom)} characters long")
    return html.unescape(found[1])


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
