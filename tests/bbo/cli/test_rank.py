"""A person ranks by the command line: ask, look, rank, and again, with the best so far shown beside."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import bbo

Run = Callable[..., Any]

COLOURS = """\
space:
  red: {float: [0, 1]}
  green: {float: [0, 1]}
  blue: {float: [0, 1]}
objectives: {beauty: {direction: maximize, feedback: ranking}}
optimizer: {name: rank_sgd, settings: {m: 6, line_search: 3}}
seed: 0
"""


def ugliness(params: dict[str, float]) -> float:
    return (params["red"] - 0.8) ** 2 + (params["green"] - 0.3) ** 2 + (params["blue"] - 0.6) ** 2


@pytest.fixture
def colours(run: Run, folder: Path) -> bbo.Study:
    (folder / "colours.yaml").write_text(COLOURS, encoding="utf-8")
    assert run("create colours.yaml").code == 0
    return bbo.load_study("colours", "bbo.db")


def test_the_whole_loop(run: Run, colours: bbo.Study) -> None:
    """What `bbo ask` says is all that a person needs to know."""
    best = []
    for phase in range(8):
        assert run("ask colours.yaml").code == 0
        shown = run("rank colours.yaml --json").json
        if phase == 1:
            assert [trial["state"] for trial in shown] == ["done"] + ["pending"] * 4  # the best direction, the line, where it began
        order = [str(trial["number"]) for trial in sorted(shown, key=lambda trial: ugliness(trial["params"]))]
        assert run(f"rank colours.yaml {' '.join(order)}").out == f"{' > '.join(order)} is recorded\n"
        best.append(ugliness(run("best colours.yaml --json").json["params"]))
    assert best[1::2] == sorted(best[1::2], reverse=True)
    assert best[-1] < 0.01
    number = run("best colours.yaml --json").json["number"]
    assert f"incumbent after 8 phases: trial {number}" in run("explain colours.yaml").out


def test_ask_says_what_to_rank(run: Run, colours: bbo.Study) -> None:
    said = run("ask colours.yaml -n 2").out
    assert "To be ranked: 0, 1. Best first: bbo rank colours.yaml 1 0 ... 4 more belong to them: bbo ask colours.yaml --more 4." in said
    said = run("ask colours.yaml --more 4").out
    assert "To be ranked: 0, 1, 2, 3, 4, 5. Best first: bbo rank colours.yaml 5 0 ...\n" in said
    run("rank colours.yaml 3 --among 0,1,2,3,4,5")
    assert run("rank colours.yaml").out == "nothing is to be ranked: bbo ask colours.yaml\n"
    said = run("ask colours.yaml").out
    assert "To be ranked: 3, 6, 7, 8, 9 (3 from before)." in said
    assert run("ask colours.yaml").out == said
    assert run("rank colours.yaml").out.endswith(said[said.index("To be ranked") :])


def test_ask_names_how_many_are_enough(run: Run, folder: Path) -> None:
    (folder / "few.yaml").write_text(COLOURS.replace("m: 6", "m: 4, k: 2"), encoding="utf-8")
    run("create few.yaml")
    assert "The best 2 are enough, with --among 0,1,2,3." in run("ask few.yaml").out


def test_one_alone_cannot_be_ranked(run: Run, folder: Path) -> None:
    (folder / "lone.yaml").write_text(COLOURS.replace("{name: rank_sgd, settings: {m: 6, line_search: 3}}", "random"), encoding="utf-8")
    run("create lone.yaml")
    assert "one alone cannot be ranked: bbo ask lone.yaml --more 1" in run("ask lone.yaml").out


def test_on_a_terminal_the_order_is_asked_for(run: Run, colours: bbo.Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bbo.cli.tell.on_terminal", lambda: True)
    run("ask colours.yaml")
    said = run("rank colours.yaml", stdin="best is 3\n3 1,5\n").out
    assert "'best' is no trial's number" in said
    assert "3 > 1 = 5 among 0,1,2,3,4,5 is recorded" in said
    assert bbo.load_study("colours", "bbo.db")._replica.ledger.rankings[0].rest == (0, 2, 4)


def test_files_that_show_a_trial_stand_beside_it(run: Run, colours: bbo.Study) -> None:
    run("ask colours.yaml")
    assert run("tell colours.yaml 2 --attr image=shots/2.png").out == "trial 2 is pending\n"
    header, *rows = [line.split() for line in run("rank colours.yaml").out.splitlines() if line.strip()]
    assert header[-1] == "image"
    assert [row[-1] for row in rows if row[0] == "2"] == ["shots/2.png"]
    assert [trial["attrs"] for trial in run("rank colours.yaml --json").json][2] == {"image": "shots/2.png"}
    assert run("rank colours.yaml 2 0 1 3 4 5").code == 0
    assert "shots/2.png" in run("ask colours.yaml").out + run("rank colours.yaml").out


def test_rank_refuses_what_makes_no_sense(run: Run, week: bbo.Study) -> None:
    assert "told values" in run("rank week.yaml").err
    assert "before --among" in run("rank week.yaml --among 1,2").err
