"""From a Plotly figure to a small SVG file, and the look that the pictures of the guides share.

Chromium draws them: Plotly renders in a browser, and Debian's package needs no display.
"""

from __future__ import annotations

import html
import re
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from bbo.plots.style import FAINT, INK, MUTED, PAPER

WIDTH = 720  # about the width of a page's text, so that a text of 13 stays one of 13

_TO_SVG = """
<script>
Plotly.toImage('figure', {{format: 'svg', width: {width}, height: {height}}}).then(function (url) {{
    document.body.innerHTML = '';
    document.body.appendChild(document.createElement('pre')).textContent = decodeURIComponent(url.slice(url.indexOf(',') + 1));
}});
</script>
"""
_SVG = "http://www.w3.org/2000/svg"
_NEUTRAL = {"opacity: 1", "fill-opacity: 1", "stroke-opacity: 1", "stroke-miterlimit: 2", "white-space: pre"}
_DROPPED = {"class", "data-unformatted", "data-math", "data-notex", "pointer-events", "focusable", "aria-label"}
_LENGTHS = {"d", "transform", "x", "y", "width", "height"}
_LINK = re.compile(r"url\(#([^)]*)\)")
_GROUPS = {f"{{{_SVG}}}{name}" for name in ("g", "defs", "clipPath")}


def svg(figure: Any, *, width: int, height: int, browser: str) -> str:
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


def compact(drawn: str) -> str:
    """The same picture in fewer bytes: tenths of a pixel, no empty groups, no names that only scripts use."""
    ET.register_namespace("", _SVG)
    root = ET.fromstring(drawn)
    _prune(root)
    used = {found for node in root.iter() for found in _LINK.findall(node.get("clip-path", ""))}
    known = [node.get("id", "") for node in root.iter() if node.get("id") in used]
    short = {name: f"c{k}" for k, name in enumerate(known)}
    for node in root.iter():
        kept = {key: text for key, text in node.attrib.items() if key not in _DROPPED}
        if kept.pop("id", "") in used:
            kept["id"] = short[node.attrib["id"]]
        if "clip-path" in kept:
            kept["clip-path"] = _LINK.sub(lambda found: f"url(#{short[found[1]]})", kept["clip-path"])
        kept.update({key: _rounded(text) for key, text in kept.items() if key in _LENGTHS})
        if "style" in kept:
            kept["style"] = _style(kept["style"])
        node.attrib.clear()
        node.attrib.update({key: text for key, text in kept.items() if text})
    _prune(root)
    _share(root)
    return ET.tostring(root, encoding="unicode") + "\n"


def panels(*titles: str, height: int, rows: int = 1, cols: int = 1, heights: Sequence[float] | None = None, **options: Any) -> Any:
    """An empty figure with panels, on white paper in either theme; `options` are those of `make_subplots`."""
    from plotly.subplots import make_subplots

    figure = make_subplots(rows=rows, cols=cols, row_heights=heights, subplot_titles=titles or None, **options)
    figure.update_layout(
        template="none",
        width=WIDTH,
        height=height,
        font={"family": "system-ui, 'Segoe UI', Helvetica, Arial, sans-serif", "size": 13, "color": INK},
        paper_bgcolor=PAPER,
        plot_bgcolor=PAPER,
        margin={"l": 56, "r": 16, "t": 36, "b": 46},
        showlegend=False,
    )
    look = {"gridcolor": FAINT, "linecolor": MUTED, "showline": True, "ticks": "outside", "tickcolor": MUTED, "zeroline": False}
    figure.update_xaxes(**look, showgrid=False, title={"standoff": 6, "font": {"size": 13}})
    figure.update_yaxes(**look, title={"standoff": 6, "font": {"size": 13}})
    figure.update_annotations(font={"size": 14, "color": INK})
    return figure


def line(x: Any, y: Any, colour: str, **options: Any) -> Any:
    """A line through points."""
    import plotly.graph_objects as go

    look = {"color": colour, "width": options.pop("width", 2), "dash": options.pop("dash", "solid"), "simplify": False}
    return go.Scatter(x=list(x), y=list(y), mode="lines", line=look, **options)


def band(x: Any, low: Any, high: Any, colour: str) -> Any:
    """The region between two lines; a colour with its opacity."""
    import plotly.graph_objects as go

    return go.Scatter(
        x=[*x, *x[::-1]], y=[*low, *high[::-1]], mode="lines", line={"width": 0, "simplify": False}, fill="toself", fillcolor=colour
    )


def marks(x: Any, y: Any, colour: str, symbol: str = "circle", size: float = 8, **options: Any) -> Any:
    """Points."""
    import plotly.graph_objects as go

    look = {"color": colour, "symbol": symbol, "size": size, **options.pop("marker", {})}
    return go.Scatter(x=list(x), y=list(y), mode="markers", marker=look, **options)


def label(figure: Any, text: str, x: float, y: float, colour: str, *, row: int = 1, col: int = 1, **options: Any) -> None:
    """A text beside what it names, in place of a legend: what is told by colour is told by words too."""
    options = {"xanchor": "left", "yanchor": "middle", "align": "left", **options}
    font = {"color": colour, "size": 13}
    figure.add_annotation(text=text, x=x, y=y, showarrow=False, font=font, row=row, col=col, **options)


def _prune(node: ET.Element) -> None:
    for child in list(node):
        _prune(child)
        unused = child.tag == f"{{{_SVG}}}clipPath" and "id" not in child.attrib
        blank = child.tag == f"{{{_SVG}}}path" and not child.get("d")
        if unused or blank or (child.tag in _GROUPS and len(child) == 0):
            node.remove(child)


def _share(root: ET.Element) -> None:
    """Draw a long path that comes again, as a region in several panels does, from its first place."""
    seen: dict[tuple[str, str], ET.Element] = {}
    for node in root.iter(f"{{{_SVG}}}path"):
        key = (node.get("d", ""), node.get("style", ""))
        if len(key[0]) < 200:
            continue
        first = seen.setdefault(key, node)
        if first is not node:
            first.attrib.setdefault("id", f"p{list(seen).index(key)}")
            node.tag = f"{{{_SVG}}}use"
            node.attrib.clear()
            node.set("href", f"#{first.attrib['id']}")


def _rounded(numbers: str) -> str:
    return re.sub(r"-?\d+\.\d+(e-?\d+)?", lambda found: f"{float(found[0]):.1f}".removesuffix(".0"), numbers)


def _style(style: str) -> str:
    parts = [part.strip() for part in style.split(";") if part.strip()]
    if "stroke-width: 0px" in parts:
        parts = [part for part in parts if not part.startswith("stroke")]
    kept = [re.sub(r"rgb\((\d+), (\d+), (\d+)\)", _hex, part) for part in parts if part not in _NEUTRAL]
    return ";".join(part.replace(": ", ":") for part in kept)


def _hex(found: re.Match[str]) -> str:
    return "#" + "".join(f"{int(part):02x}" for part in found.groups())
