"""The report: one file that holds everything and asks nothing of the network."""

from __future__ import annotations

import html
import re

import pytest

import bbo
from bbo.report import write_report


def text_of(page: str) -> str:
    """What a reader sees beside the figures: scripts and tags left out."""
    return re.sub(r"<[^>]+>", " ", re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL))


def titles(page: str) -> list[str]:
    """Of the sections; what looks wrong is tested apart."""
    return [title for title in re.findall(r"<h2>(.*?)</h2>", page) if title != "What to look at"]


@pytest.fixture
def study() -> bbo.Study:
    space = bbo.Space({"x": bbo.Float(0, 1, unit="mm"), "mode": bbo.Categorical(["a", "b"]), "depth": bbo.Int(1, 3, when={"mode": "b"})})
    study = bbo.Study(space, {"loss": "minimize"}, outcome_constraints=["ms <= 20"], optimizer="random", seed=0, name="net <1>")
    study.add({"x": 0.123456789, "mode": "a"}, {"loss": 2.0, "ms": 5.0}, sd={"loss": 0.25})
    study.add({"x": 0.5, "mode": "b", "depth": 2}, {"loss": 1.0, "ms": 50.0})
    study.fail(study.ask(), "exploded <script>alert(1)</script>")
    return study


def test_the_report_tells_the_best_the_method_and_every_trial(study, tmp_path):
    path = write_report(study, tmp_path / "r.html", remarks=["Better & cheaper."])
    page = path.read_text(encoding="utf-8")
    assert titles(page) == [
        "Best", "How it was found", "History", "Parallel coordinates", "Slices: loss", "Feasibility and failures", "Trials",
    ]  # fmt: skip
    shown = text_of(page)
    assert "net &lt;1&gt;" in shown
    assert "minimize loss, ms &lt;= 20 · 3 trials: 1 feasible, 1 infeasible, 1 failed" in shown
    assert "Better &amp; cheaper." in shown
    assert "0.123456789 mm" in shown  # the best configuration is exact
    assert "2 ± 0.25" in shown
    assert page.count("<tr><td>") == 3
    for line in study.explain().splitlines():
        assert html.escape(line) in page


def test_what_looks_wrong_is_shown_where_something_does(study, tmp_path, monkeypatch):
    page = text_of(write_report(study, tmp_path / "r.html").read_text(encoding="utf-8"))
    assert study.diagnose()
    for finding in study.diagnose():
        assert html.escape(finding.text) in page and html.escape(finding.advice) in page
    monkeypatch.setattr(bbo.Study, "diagnose", lambda self: [])
    assert "What to look at" not in write_report(study, tmp_path / "r.html").read_text(encoding="utf-8")


def test_the_report_asks_nothing_of_the_network(study, tmp_path):
    page = write_report(study, tmp_path / "r.html").read_text(encoding="utf-8")
    assert page.count("plotly.js v") == 1  # the library's banner: embedded once
    assert not re.search(r"<(script|img|link|iframe)[^>]+(src|href)=", page)


def test_reasons_and_names_cannot_break_out_of_the_page(study, tmp_path):
    page = write_report(study, tmp_path / "r.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "exploded &lt;script&gt;" in page


def test_several_objectives_have_a_front_instead_of_a_best(tmp_path):
    study = bbo.Study(bbo.Space({"x": bbo.Float(0, 1)}), {"a": "minimize", "b": "maximize"}, optimizer="random", name="two")
    for k in range(3):
        study.add({"x": k / 2}, {"a": k, "b": [1.0, 3.0, 2.0][k]})
    page = write_report(study, tmp_path / "r.html").read_text(encoding="utf-8")
    assert titles(page) == [
        "Best",
        "How it was found",
        "History",
        "Pareto front",
        "Parallel coordinates",
        "Slices: a",
        "Slices: b",
        "Trials",
    ]
    best = page[page.index("<h2>Best") : page.index("<h2>How")]
    assert re.findall(r"<tr><td>(\d+)</td>", best) == ["0", "1"]


def test_a_new_study_has_a_report_too(tmp_path):
    study = bbo.Study(bbo.Space({"x": bbo.Float(0, 1)}), optimizer="random", name="new")
    shown = text_of(write_report(study, tmp_path / "r.html").read_text(encoding="utf-8"))
    assert "0 trials" in shown and "no trial is done yet" in shown


def test_rankings_have_a_report_without_value_figures(tmp_path):
    study = bbo.Study(bbo.Space({"x": bbo.Float(0, 1)}), bbo.Objective("taste", "maximize", feedback="ranking"), optimizer="random", seed=0)
    study.tell_ranking(study.ask(3)[::-1])
    page = write_report(study, tmp_path / "r.html").read_text(encoding="utf-8")
    assert titles(page) == ["Best", "How it was found", "Trials"]
    assert "Trial 2" in text_of(page)


def test_the_older_report_stays_when_the_new_one_cannot_be_written(study, tmp_path):
    missing = tmp_path / "no" / "r.html"
    with pytest.raises(bbo.StorageError, match=r"r\.html cannot be written: No such file"):
        write_report(study, missing)
    path = write_report(study, tmp_path / "r.html")
    before = path.read_bytes()
    other = bbo.Study(study.space, {"other": "minimize"}, optimizer="random", name="other")
    with pytest.raises(bbo.InvalidStudy, match="other objectives"):
        write_report(study, path, others=[other])
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["r.html"]


def test_a_long_study_lists_its_last_thousand_trials(tmp_path):
    study = bbo.Study(bbo.Space({"x": bbo.Float(0, 1)}), optimizer="random", name="long")
    for k in range(1003):
        study.add({"x": k / 1003}, float(k))
    page = write_report(study, tmp_path / "r.html").read_text(encoding="utf-8")
    assert "The last 1000 of 1003 trials." in text_of(page)
    assert page.count("<tr><td>") == 1000
