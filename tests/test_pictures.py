"""The pictures of the documentation: each that a page names is there and told in words, and a script makes it from runs."""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs/images"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)")
SVG = "{http://www.w3.org/2000/svg}"


def made() -> tuple[str, ...]:
    spec = importlib.util.spec_from_file_location("make_guides", IMAGES / "make_guides.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return tuple(module.PICTURES)


def shown() -> list[tuple[Path, str, Path]]:
    """Page, words and file of each picture of our own that a page shows."""
    found = [(page, words, target) for page in PAGES for words, target in IMAGE.findall(page.read_text(encoding="utf-8"))]
    return [(page, words, (page.parent / target).resolve()) for page, words, target in found if "://" not in target]


def test_every_picture_that_a_page_shows_is_there_and_told_in_words() -> None:
    assert [(page.name, file.name) for page, _, file in shown() if not file.is_file()] == []
    assert [(page.name, file.name) for page, words, file in shown() if len(words.split()) < 8] == []


def test_every_picture_is_made_by_a_script_and_shown() -> None:
    names = set(made())
    assert {file.stem for file in IMAGES.glob("*.svg")} == names | {"run"}  # that one is make_run.py's
    assert {file.stem for file in (IMAGES / "pictures").glob("*.py")} == names
    assert names <= {file.stem for page, _, file in shown() if page.parent.name == "guides"}


@pytest.mark.parametrize("name", made())
def test_a_picture_is_small_legible_and_made_by_a_function_figure(name: str) -> None:
    source = ast.parse((IMAGES / f"pictures/{name}.py").read_text(encoding="utf-8"))
    assert "figure" in {node.name for node in source.body if isinstance(node, ast.FunctionDef)}
    file = IMAGES / f"{name}.svg"
    assert file.stat().st_size < 40_000
    root = ET.parse(file).getroot()
    assert root.get("viewBox") == f"0 0 {root.get('width')} {root.get('height')}"
    assert int(root.get("width", "0")) <= 720  # the width of a page's text: a wider one would be shrunk, its texts too
    first = next(iter(root))
    assert (first.tag, first.get("style")) == (f"{SVG}rect", "fill:#ffffff")  # paper of its own, on which ink reads in a dark theme
    sizes = [float(size) for text in root.iter(f"{SVG}text") for size in re.findall(r"font-size:([\d.]+)px", text.get("style", ""))]
    assert sizes
    assert min(sizes) >= 12
    links = {node.get("href") for node in root.iter(f"{SVG}use")} | {f"#{node}" for node in re.findall(r"url\(#(\w+)\)", file.read_text())}
    ids = [f"#{node.get('id')}" for node in root.iter() if node.get("id")]
    assert links <= set(ids)
    assert len(ids) == len(set(ids))
