"""The figures: what is drawn, where, and for which studies."""

from __future__ import annotations

import math

import pytest

import bbo
from bbo.plots import KINDS, plot


def trace(fig, name):
    (found,) = [t for t in fig.data if t.name == name]
    return found


def points(found):
    return list(zip(found.x, found.y, strict=True))


# -- history ---------------------------------------------------------------------------------------------------------------


def test_history_shows_every_status_apart(tree):
    fig = plot(tree, "history")
    assert points(trace(fig, "feasible")) == [(0, 3.0), (1, 2.0), (4, 1.0)]
    assert points(trace(fig, "infeasible")) == [(2, 0.5)]
    assert points(trace(fig, "outside the space or off target")) == [(6, 0.1)]
    assert list(trace(fig, "failed").x) == [3]
    assert list(trace(fig, "pruned").x) == [5]
    assert not [t for t in fig.data if t.name == "open"]


def test_best_so_far_skips_what_may_not_be_best_and_reaches_the_last_trial(tree):
    assert points(trace(plot(tree, "history"), "best so far")) == [(0, 3.0), (1, 2.0), (4, 1.0), (7, 1.0)]


def test_best_so_far_rises_when_maximizing(mixture):
    assert points(trace(plot(mixture, "history"), "best so far")) == [(0, 0.3), (1, 0.7), (2, 0.7)]


def test_told_sd_is_an_error_bar(tree):
    assert list(trace(plot(tree, "history"), "feasible").error_y.array) == [0.5, None, None]


def test_history_has_a_row_an_objective(trade_off):
    fig = plot(trade_off, "history")
    assert [fig.layout.yaxis.title.text, fig.layout.yaxis2.title.text] == ["cost ↓", "gain ↑"]
    best = [t for t in fig.data if t.name == "best so far"]
    assert [list(t.y) for t in best] == [[1.0, 1.0], [1.0, 1.5, 3.0, 4.0, 4.0]]


def test_studies_laid_over_each_other(mixture):
    other = bbo.Study(mixture.space, {"yield": "maximize"}, optimizer="random", seed=1, name="other <1>")
    other.add({"mix": {"THF": 1, "DMF": 1, "water": 98}, "T": 30}, 0.9)
    fig = plot(mixture, "history", others=[other])
    assert points(trace(fig, "mix"))[-1] == (2, 0.7)
    assert points(trace(fig, "other &lt;1&gt;")) == [(0, 0.9), (0, 0.9)]
    assert trace(fig, "mix").line.color != trace(fig, "other &lt;1&gt;").line.color


def test_studies_of_other_objectives_are_not_laid_over(mixture, tree):
    with pytest.raises(bbo.InvalidStudy, match=r"'tree' has other objectives than 'mix'"):
        plot(mixture, "history", others=[tree])


def test_outcomes_over_decades_are_drawn_in_logarithms():
    study = bbo.Study(bbo.Space({"x": bbo.Float(0, 1)}), optimizer="random")
    for x, value in [(0.1, 0.001), (0.2, 5.0), (0.3, 900.0)]:
        study.add({"x": x}, value)
    fig = plot(study, "history")
    assert fig.layout.yaxis.type == "log"
    assert 10 ** fig.layout.yaxis.range[0] < 0.001 < 900 < 10 ** fig.layout.yaxis.range[1]
    study.add({"x": 0.4}, -1.0)
    assert plot(study, "history").layout.yaxis.type == "linear"


# -- parallel coordinates --------------------------------------------------------------------------------------------------


def dimension(fig, label):
    (found,) = [d for d in fig.data[0].dimensions if d.label == label]
    return found


def test_parallel_places_logs_choices_and_inactive_values(tree):
    fig = plot(tree, "parallel")
    order = [round(10**v, 6) for v in dimension(fig, "C [1/m]").values]
    assert sorted(order) == [0.01, 0.1, 1.0, 10.0, 5000.0]
    assert order[-1] == 10.0  # the best line is drawn last
    by_c = dict(zip(order, dimension(fig, "kernel").values, strict=True))
    assert by_c == {0.01: 0, 10.0: 0, 0.1: 1, 1.0: 1, 5000.0: 1}
    degree = dimension(fig, "degree")
    assert degree.ticktext[0] == "inactive"
    assert dict(zip(order, degree.values, strict=True)) == {0.01: degree.tickvals[0], 10.0: degree.tickvals[0], 0.1: 2, 1.0: 3, 5000.0: 2}
    assert degree.tickvals[0] < 2
    low, high = dimension(fig, "C [1/m]").range
    assert low < -3 < math.log10(5000) < high  # the point outside the range is on the axis


def test_parallel_greys_what_may_not_be_best_and_ends_the_colours_at_the_best(tree):
    fig = plot(tree, "parallel")
    colour = dict(zip((round(10**v, 6) for v in dimension(fig, "C [1/m]").values), fig.data[0].line.color, strict=True))
    assert colour[1.0] == colour[5000.0] == 0.0
    assert colour[10.0] == 1.0
    assert 0 < colour[0.01] < colour[0.1] < 1


def test_parallel_shows_shares_and_all_outcomes(mixture, trade_off):
    assert [d.label for d in plot(mixture, "parallel").data[0].dimensions] == ["mix.THF", "mix.DMF", "mix.water", "T [°C]", "<b>yield</b>"]
    assert [d.label for d in plot(trade_off, "parallel", outcome="gain").data[0].dimensions] == ["x", "<b>cost</b>", "<b>gain</b>"]
    assert [d.label for d in plot(mixture, "parallel", parameters=["T"]).data[0].dimensions] == ["T [°C]", "<b>yield</b>"]


# -- slices ----------------------------------------------------------------------------------------------------------------


def test_slices_leave_out_inactive_values_and_keep_failures_at_the_edge(tree):
    fig = plot(tree, "slices", model=False)
    titles = [fig.layout[name].title.text for name in ("xaxis", "xaxis2", "xaxis3")]
    assert titles == ["C [1/m]", "kernel", "degree"]
    assert [fig.layout[name].type for name in ("xaxis", "xaxis2", "xaxis3")] == ["log", None, "linear"]
    assert list(fig.layout.xaxis2.ticktext) == ["rbf", "poly"]
    degree = [t for t in fig.data if t.xaxis == "x3"]
    assert sorted(x for t in degree for x in t.x) == [2, 2, 3]
    (failed,) = [t for t in fig.data if t.xaxis == "x" and t.legendgroup == "failed"]
    assert list(failed.x) == [500.0]
    measured = [y for t in fig.data if t.legendgroup != "failed" for y in t.y]
    assert fig.layout.yaxis.range[0] < failed.y[0] < min(measured)


def test_slices_name_each_status_once_in_the_legend(tree):
    fig = plot(tree, "slices", model=False)
    shown = [t.name for t in fig.data if t.showlegend]
    assert sorted(shown) == sorted(set(shown)) and "feasible" in shown


def test_slices_of_a_constrained_outcome(tree):
    fig = plot(tree, "slices", outcome="ms", parameters=["C"], model=False)
    assert sorted(y for t in fig.data if t.legendgroup != "failed" for y in t.y) == [1.0, 5.0, 15.0, 20.0, 30.0]


def test_choices_are_spread_but_stay_at_their_level(tree):
    fig = plot(tree, "slices", model=False)
    spread = [x for t in fig.data if t.xaxis == "x2" for x in t.x]
    assert all(abs(x - round(x)) < 0.2 for x in spread)
    assert len(set(spread)) == len(spread)


# -- contours --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def plane():
    """f = 3 x + 0.3 log10(y) + c under x + z <= 1: x matters most, then c; 20 points of it, the best with c = 'a'."""
    space = bbo.Space(
        {"x": bbo.Float(0, 1), "y": bbo.Float(0.1, 10, log=True), "c": bbo.Categorical(["a", "b"]), "z": bbo.Float(0, 1)},
        constraints=["x + z <= 1"],
    )
    study = bbo.Study(space, optimizer="bayes", seed=0, name="plane")
    for p in space.sobol(20, seed=3):
        study.add(p, 3 * p["x"] + 0.3 * math.log10(p["y"]) + (p["c"] == "b"))
    return study


def test_contours_are_the_models_mean_and_sd_through_the_best_trial(plane):
    fig = plot(plane, "contours", parameters=["x", "y"])
    mean, sd = (t for t in fig.data if t.type == "contour")
    assert fig.layout.yaxis.type == fig.layout.yaxis2.type == "log"
    assert (mean.x[0], mean.x[-1], len(mean.x)) == (0.0, 1.0, 31)
    assert (mean.y[0], mean.y[-1], len(mean.y)) == (0.1, 10.0, 31)
    i, j = 20, 3
    expected = plane.predict({**plane.best_params, "x": mean.x[j], "y": mean.y[i]})
    assert mean.z[i][j] == pytest.approx(expected.mean["value"])
    assert sd.z[i][j] == pytest.approx(expected.sd["value"])
    assert f"all else as in trial {plane.best_trial.number}" in [a.text for a in fig.layout.annotations]
    marks = [t for t in fig.data if t.name == "measured"]
    assert [len(t.x) for t in marks] == [20, 20]
    assert [t.showlegend for t in marks] == [True, False]


def test_contours_are_blank_where_a_known_constraint_is_broken(plane):
    fig = plot(plane, "contours", parameters=["x", "z"])
    field = next(t for t in fig.data if t.type == "contour")
    for i, z in enumerate(field.y):
        for j, x in enumerate(field.x):
            assert (field.z[i][j] is None) == (not plane.space.contains({**plane.best_params, "x": x, "z": z}))
    assert field.z[0][30] is not None and field.z[30][30] is None


def test_contours_choose_what_matters_most_and_draw_choices_as_cells(plane):
    fig = plot(plane, "contours")
    assert (fig.layout.xaxis.title.text, fig.layout.yaxis.title.text) == ("x", "c")
    cells = next(t for t in fig.data if t.type == "heatmap")
    assert list(cells.y) == [0.0, 1.0]
    pairs = [(a, b) for a, b in zip(cells.z[0], cells.z[1], strict=True) if a is not None]  # x + z <= 1 holds
    assert len(pairs) > 15 and all(b > a for a, b in pairs)


def test_contours_over_shares_of_a_mixture(mixture):
    fig = plot(mixture, "contours", parameters=["mix.DMF", "T"])
    field = next(t for t in fig.data if t.type == "contour")
    assert (fig.layout.xaxis.title.text, field.x[0], field.x[-1]) == ("mix.DMF", 0.0, 100.0)
    assert all(value is not None for row in field.z for value in row)


def test_contours_say_why_there_are_none(tree):
    few = bbo.Study(bbo.Space({"x": bbo.Float(0, 1), "y": bbo.Float(0, 1)}), optimizer="random")
    few.add({"x": 0.5, "y": 0.5}, 1.0)
    assert "two finished trials" in plot(few, "contours").layout.annotations[0].text
    assert "degree is inactive in trial 4" in plot(tree, "contours", parameters=["C", "degree"]).layout.annotations[0].text
    with pytest.raises(bbo.InvalidStudy, match="two different parameters"):
        plot(tree, "contours", parameters=["C"])
    with pytest.raises(bbo.InvalidStudy, match="two different parameters"):
        plot(tree, "contours", parameters=["C", "C"])
    one = bbo.Study(bbo.Space({"x": bbo.Float(0, 1)}), optimizer="random")
    for x in (0.1, 0.5, 0.8):
        one.add({"x": x}, x)
    with pytest.raises(bbo.InvalidStudy, match="use 'slices'"):
        plot(one, "contours")


# -- Pareto front ----------------------------------------------------------------------------------------------------------


def test_the_front_is_a_staircase_through_the_unbeaten(trade_off):
    fig = plot(trade_off, "pareto")
    front = trace(fig, "on the front")
    assert points(front) == [(1.0, 1.0), (2.0, 3.0), (3.0, 4.0)]
    assert front.line.shape == "hv"
    assert points(trace(fig, "beaten by another")) == [(2.5, 1.5), (3.0, 2.0)]
    assert fig.layout.xaxis.title.text == "cost (smaller is better)"
    assert fig.layout.yaxis.title.text == "gain (larger is better)"


def test_three_objectives_give_three_panels_without_staircases():
    study = bbo.Study(bbo.Space({"x": bbo.Float(0, 1)}), {"a": "minimize", "b": "minimize", "c": "maximize"}, optimizer="random")
    study.add({"x": 0.5}, {"a": 1, "b": 2, "c": 3})
    fig = plot(study, "pareto")
    panels = [(fig.layout[f"xaxis{k}"].title.text[0], fig.layout[f"yaxis{k}"].title.text[0]) for k in ("", 2, 3)]
    assert panels == [("a", "b"), ("a", "c"), ("b", "c")]
    assert {t.mode for t in fig.data} == {"markers"}


def test_the_reference_point_is_marked_where_given():
    objectives = [bbo.Objective("a", reference=5.0), bbo.Objective("b", reference=7.0)]
    study = bbo.Study(bbo.Space({"x": bbo.Float(0, 1)}), objectives, optimizer="random")
    study.add({"x": 0.5}, {"a": 1, "b": 2})
    assert points(trace(plot(study, "pareto"), "reference")) == [(5.0, 7.0)]


# -- feasibility -----------------------------------------------------------------------------------------------------------


def test_feasibility_counts_every_trial_once(tree):
    fig = plot(tree, "feasibility")
    labels = dict(zip(fig.layout.yaxis.tickvals, fig.layout.yaxis.ticktext, strict=True))
    strip = [(t.x[k], labels[t.y[k]]) for t in fig.data if t.yaxis == "y" for k in range(len(t.x))]
    assert sorted(number for number, _ in strip) == list(range(8))
    assert dict(strip)[3].startswith("failed") and dict(strip)[7].startswith("open") and dict(strip)[2].startswith("infeasible")
    assert "<b>3</b>" in dict(strip)[0]


def test_feasibility_shades_the_forbidden_side(tree):
    fig = plot(tree, "feasibility")
    (band,) = [shape for shape in fig.layout.shapes if shape.type == "rect"]
    assert band.y0 == 20.0 and band.y1 > 30.0
    assert fig.layout.yaxis2.title.text == "ms &lt;= 20"


# -- any figure ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_study_gives_a_figure_that_says_so(kind):
    study = bbo.Study(bbo.Space({"x": bbo.Float(0, 1)}), {"a": "minimize", "b": "minimize"}, optimizer="random", name="new")
    fig = plot(study, kind)
    assert not fig.data
    assert "yet" in fig.layout.annotations[0].text


@pytest.mark.parametrize("kind", ["history", "parallel", "slices", "contours"])
def test_rankings_have_no_values_to_draw(kind):
    study = bbo.Study(bbo.Space({"x": bbo.Float(0, 1)}), bbo.Objective("taste", "maximize", feedback="ranking"), optimizer="random")
    study.tell_ranking(study.ask(2))
    with pytest.raises(bbo.InvalidStudy, match=r"'taste' is told as rankings"):
        plot(study, kind)
    assert [t.name for t in plot(study, "feasibility").data] == ["measured"]


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("histroy", {}, r"kind='histroy' is unknown; kinds: history.*did you mean 'history'"),
        ("pareto", {}, r"'pareto' needs several objectives; this study has one, 'loss': use 'history'"),
        ("history", {"other": []}, r"'history' has no option 'other'; its options: others"),
        ("pareto", {"outcome": "loss"}, r"'pareto' has no option 'outcome'; its options: none"),
        ("slices", {"outcome": "C"}, r"outcome='C' is not measured here; outcomes: loss, ms"),
        ("parallel", {"parameters": ["degre"]}, r"parameters: 'degre'.*did you mean 'degree'"),
    ],
)
def test_what_cannot_be_drawn_is_refused_by_name(tree, kind, options, message):
    with pytest.raises(bbo.InvalidStudy, match=message):
        plot(tree, kind, **options)


def test_names_and_reasons_are_shown_literally(tree):
    hover = trace(plot(tree, "history"), "failed").text[0]
    assert "exploded &lt;b&gt;" in hover
    assert "C: 500 1/m" in hover and "kernel: rbf" in hover
    study = bbo.Study(bbo.Space({"<x>": bbo.Float(0, 1)}), optimizer="random", name="<script>")
    study.add({"<x>": 0.5}, 1.0)
    text = plot(study, "slices", model=False).to_json()
    assert "<script>" not in text and "&lt;x&gt;" in text


def test_study_plot_is_the_same_function(tree):
    assert tree.plot("history").to_json() == plot(tree, "history").to_json()
