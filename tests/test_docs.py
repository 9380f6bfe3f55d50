"""What the README and the documentation show is run here, page by page, as a reader would run it.

A fence titled with a file name is written to that file, executable. A page's other ``python`` fences make up one script, its ``bash``
fences one shell session after it; those in an HTML comment run unseen. Fences of any other kind (``console``, ``text``, ...) only show.
A fence marked ``{.python .no-run title="why"}`` is left out; the title tells the reader what it needs.
"""

from __future__ import annotations

import importlib.util
import itertools
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

import bbo
from bbo.optimizers.base import resolve
from bbo.problem import Problem
from bbo.space.parameter import Parameter

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```[ ]*(?P<info>[^\n`]*)\n(?P<body>.*?)^```[ ]*$", re.MULTILINE | re.DOTALL)
TITLE = re.compile(r'title="([^"]*)"')


@dataclass(frozen=True)
class Fence:
    language: str
    title: str
    run: bool
    line: int  # of the page where the body begins, from 1
    body: str


def fences(text: str) -> list[Fence]:
    found = []
    for match in FENCE.finditer(text):
        info = match["info"]
        title = TITLE.search(info)
        words = TITLE.sub("", info).strip("{} ").split()
        found.append(
            Fence(
                language=words[0].lstrip(".") if words else "",
                title=title[1] if title else "",
                run=".no-run" not in words,
                line=text[: match.start("body")].count("\n") + 1,
                body=match["body"],
            )
        )
    return found


def script(parts: list[Fence]) -> str:
    """The bodies on the lines they have on the page, so that a traceback points there."""
    lines: list[str] = []
    for fence in parts:
        lines += [""] * (fence.line - 1 - len(lines))
        lines += fence.body.splitlines()
    return "\n".join(lines) + "\n"


def page_name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def runs(page: Path) -> bool:
    return any(fence.run and fence.language in {"python", "bash"} for fence in fences(page.read_text()))


@pytest.mark.parametrize("page", [page for page in PAGES if runs(page)], ids=page_name)
def test_page(page: Path, tmp_path: Path) -> None:
    parts = [fence for fence in fences(page.read_text()) if fence.run]
    for fence in parts:
        if fence.title:
            file = tmp_path / fence.title
            file.write_text(fence.body)
            file.chmod(0o755)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "COLUMNS": "120"}
    environment.pop("BBO_STORAGE", None)
    for language, file, command in (
        ("python", tmp_path / "page.py", [sys.executable, "page.py"]),
        ("bash", tmp_path / "page.sh", ["bash", "-euo", "pipefail", "page.sh"]),
    ):
        chosen = [fence for fence in parts if fence.language == language and not fence.title]
        if not chosen:
            continue
        file.write_text(script(chosen))
        done = subprocess.run(command, cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
        told = f"{page_name(page)} (lines of {file.name} are lines of the page)\n{done.stdout}\n{done.stderr}"
        assert done.returncode == 0, told
        assert "Warning" not in done.stderr, told


def test_what_is_left_out_says_why() -> None:
    silent = [
        f"{page_name(page)}:{fence.line}" for page in PAGES for fence in fences(page.read_text()) if not fence.run and not fence.title
    ]
    assert silent == []


def test_the_reader_of_fences() -> None:
    text = 'A\n```python\nx = 1\n```\n\n``` {.python .no-run title="Needs Ray"}\nimport ray\n```\n```yaml title="a.yaml"\nb: 1\n```\n'
    first, second, third = fences(text)
    assert first == Fence("python", "", True, 3, "x = 1\n")
    assert second == Fence("python", "Needs Ray", False, 7, "import ray\n")
    assert (third.language, third.title, third.run) == ("yaml", "a.yaml", True)
    assert script([first, Fence("python", "", True, 6, "y = 2\n")]) == "\n\nx = 1\n\n\ny = 2\n"


def test_the_guarantees_name_tests_that_exist() -> None:
    text = (ROOT / "docs/concepts/guarantees.md").read_text()
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)
    assert len(named) >= 10  # one for each guarantee at least
    missing = [f"{file}::{test}" for file, test in named if not (ROOT / file).exists() or f"def {test}(" not in (ROOT / file).read_text()]
    assert missing == []


def table(page: str, heading: str) -> list[list[str]]:
    """The cells of the first table under a heading, without its head."""
    lines = (ROOT / page).read_text().split(heading, 1)[1].splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("|"))
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in itertools.takewhile(lambda line: line.startswith("|"), lines[first:])
    ]
    return rows[2:]


def test_the_table_of_states_is_the_one_in_the_code() -> None:
    from bbo.log.states import TRANSITIONS

    told = {
        (event, start, end) for event, starts, end in table("docs/concepts/states.md", "## The only ways") for start in starts.split(", ")
    }
    coded = {
        (event, start.value if start else "new", end.value)
        for event, row in TRANSITIONS.items()
        if event != "amended"  # told in words below the table: it leads where the record then points
        for start, end in row.items()
    }
    assert told == coded


def test_every_error_is_explained() -> None:
    import bbo.errors

    named = {row[0].strip("`") for row in table("docs/errors.md", "# Errors")}
    derived = {name for name, cls in vars(bbo.errors).items() if isinstance(cls, type) and issubclass(cls, bbo.errors.BBOError)}
    assert named == derived - {"BBOError"}


def test_the_verbs_of_the_command_line_are_all_there() -> None:
    from bbo.cli.app import app

    named = {row[0].strip("`") for row in table("docs/reference/cli.md", "# Command line")}
    assert named == {command.name for command in app.registered_commands}


def test_the_tables_of_test_problems_are_those_of_the_registry() -> None:
    name = "make_problems"
    spec = importlib.util.spec_from_file_location(name, ROOT / f"docs/reference/{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text = (ROOT / "docs/reference/problems.md").read_text(encoding="utf-8")
    assert "`speed_reducer`" in text
    assert module.renewed(text) == text, "run python docs/reference/make_problems.py"


def acquisition_tables() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_acquisitions", ROOT / "docs/reference/make_acquisitions.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_of_acquisitions_is_that_of_bayes() -> None:
    module, text = acquisition_tables(), (ROOT / "docs/guides/acquisitions.md").read_text(encoding="utf-8")
    assert module.between(text, module.CAN) == module.abilities(), "run python docs/reference/make_acquisitions.py"
    rows = re.findall(r"^\| `(\w+)` \|", module.between(text, module.RUNS), re.MULTILINE)
    assert rows == list(module.TABLE), "run python docs/reference/make_acquisitions.py"


@pytest.mark.parametrize("name", ["log_pi", "straddle"])
def test_what_runs_on_what_in_part(name: str) -> None:
    """Two rows of the table in the guide as they come out, on bbo's processes; all of it is the next test."""
    module = acquisition_tables()
    assert module.outcome(name, "bbo's GP") == "yes"
    constrained = module.outcome(name, "bbo's GPs, outcome constraint")
    assert constrained == "yes" if name == "log_pi" else "takes no outcome constraints" in constrained


def test_the_pages_build_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    built = subprocess.run(command, cwd=ROOT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    assert (tmp_path / "guides/constraints/index.html").is_file()


@pytest.mark.slow
def test_what_runs_on_what_is_what_the_guide_says() -> None:
    """Every acquisition on every kind of model, for one point and four, without running trials and with some: it runs or says why not."""
    module, text = acquisition_tables(), (ROOT / "docs/guides/acquisitions.md").read_text(encoding="utf-8")
    assert module.between(text, module.RUNS) == module.matrix(), "run python docs/reference/make_acquisitions.py"


def problems() -> dict[str, list[Problem]]:
    """Problems by the row of the table in docs/guides/optimizers.md that speaks of them."""
    x, y = bbo.Float(0, 1), bbo.Float(0, 1)
    box = bbo.Space({"x": x, "y": y})
    value = (bbo.Objective("value"),)
    mixed: list[Parameter] = [bbo.Bool(), bbo.Categorical(["a", "b"]), bbo.Ordinal([1, 2, 4])]
    mixtures = [
        bbo.Simplex(["p", "q", "r"], step=0.1),
        bbo.Simplex(["p", "q", "r"], min_share=0.1),
        bbo.Simplex(["p", "q", "r"], max_nonzero=2),
    ]
    curved = [
        bbo.Space({"x": x, "y": y}, constraints=["x * y <= 0.5"]),
        bbo.Space({"x": x, "n": bbo.Int(1, 5)}, constraints=["x + n <= 5"]),
    ]
    conditional = bbo.Space({"x": x, "n": bbo.Int(1, 5), "y": bbo.Float(0, 1, when="n >= 3")})
    floats = bbo.Space({"x": x, "l": bbo.Float(1e-3, 1, log=True)})
    stepped: list[Parameter] = [bbo.Float(0, 1, step=0.25), bbo.Int(1, 5)]
    leveled: list[Parameter] = [bbo.Fidelity(0, 1), bbo.Source({"a": 1, "b": 9})]
    task, given = (bbo.Space({"x": x, "y": y, "z": z}) for z in (bbo.Task(["a", "b"]), bbo.Context(bbo.Float(0, 1))))
    chances: list[Parameter] = [bbo.Environment(bbo.Uniform(0, 1)), bbo.Environment({"a": 0.3, "b": 0.7})]
    return {
        "Float, log scales": [Problem(floats, value)],
        "Int, steps": [Problem(bbo.Space({"x": x, "y": y, "z": z}), value) for z in stepped],
        "Bool, Categorical, Ordinal, `when=`": [
            *(Problem(bbo.Space({"x": x, "y": y, "z": z}), value) for z in mixed),
            Problem(conditional, value),
        ],
        "Simplex": [Problem(bbo.Space({"x": x, "y": y, "z": bbo.Simplex(["p", "q", "r"])}), value)],
        "Simplex with a step, a least share or few components": [Problem(bbo.Space({"x": x, "y": y, "z": z}), value) for z in mixtures],
        "Sequence": [Problem(bbo.Space({"x": x, "y": y, "word": bbo.Sequence("ACGT", 4)}), value)],
        "Array between bounds": [Problem(bbo.Space({"x": x, "z": bbo.Array(3, -1, 2)}), value)],
        "Array within a StandardSimplex": [Problem(bbo.Space({"x": x, "z": bbo.Array(3, within=bbo.StandardSimplex(1))}), value)],
        "Array within another [convex set](../reference/sets.md)": [
            Problem(bbo.Space({"x": x, "z": bbo.Array((2, 2), within=convex)}), value) for convex in (bbo.L1Ball(1), bbo.NuclearBall(1))
        ],
        "known constraints that are linear in floats and shares": [Problem(bbo.Space({"x": x, "y": y}, constraints=["x + y <= 1"]), value)],
        "other known constraints": [Problem(space, value) for space in curved],
        "outcome constraints": [Problem(box, value, (bbo.Constraint("heat", upper=1),))],
        "several objectives": [Problem(box, tuple(bbo.Objective(name) for name in "abcd"))],
        "results told as rankings": [Problem(box, (bbo.Objective("taste", feedback="ranking"),))],
        "fidelity or source": [Problem(bbo.Space({"x": x, "y": y, "z": z}), value) for z in leveled],
        "environment": [Problem(bbo.Space({"x": x, "y": y, "z": z}), value) for z in chances],
        "task": [Problem(task, value)],
        "context": [Problem(given, value)],
    }


def test_optimizers_can_what_the_guide_says() -> None:
    heads = (
        ("bayes",),
        ("turbo",),
        ("config", "epbo", "primal_dual"),
        ("cma_es",),
        ("cbo",),
        ("gfm", "gfm_plus"),
        ("fzoos",),
        ("go_ucb",),
        ("snes", "sep_cma", "pgpe", "openai_es"),
        ("nsga2",),
        ("frank_wolfe",),
        ("rank_sgd",),
        ("sobol", "random"),
        ("grid",),
    )
    told = {row[0]: row[1:] for row in table("docs/guides/optimizers.md", "## What each can do")}
    for row, examples in problems().items():
        for names, says in zip(heads, told[row], strict=True):
            for name in names:
                able = [resolve(name).supports(problem) is None for problem in examples]
                assert able == [says != "no"] * len(examples), (row, name, says)
