"""Evolution strategies: closed forms, invariances and limits of their update rules."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bbo.evolution import openai_es, pgpe, sep_cma, snes
from bbo.evolution.utilities import all_tie, by_rank, centred_ranks, natural_utilities, recombination_weights

RULES = {"snes": snes, "pgpe": pgpe, "openai_es": openai_es, "sep_cma": sep_cma}
N, D = 12, 5


def begun(name: str, mean: Any = 0.0, sigma: float = 0.5) -> Any:
    arguments = {"rate": 0.02} if name == "openai_es" else {}
    return RULES[name].init(np.full(D, mean) if np.isscalar(mean) else mean, sigma, **arguments)  # type: ignore[attr-defined]


def noise(name: str, rng: np.random.Generator) -> Any:
    return rng.standard_normal((N // 2 if name in ("pgpe", "openai_es") else N, D))


def points(state: Any, z: Any, name: str) -> Any:
    move = state.deviations * z
    return np.stack([state.mean + move, state.mean - move], axis=1) if name in ("pgpe", "openai_es") else state.mean + move


def run(name: str, f: Callable[[Any], Any], generations: int = 6, state: Any = None) -> Any:
    rng = np.random.default_rng(0)
    state = begun(name, 0.75) if state is None else state
    for _ in range(generations):
        z = noise(name, rng)
        state = RULES[name].step(state, z, f(points(state, z, name)))  # type: ignore[attr-defined]
    return state


def bowl(x: Any) -> Any:
    return 1 + (np.arange(1, D + 1) * (x - 0.25) ** 2).sum(-1)


# -- utilities ----------------------------------------------------------------------------------------------------------------


def test_what_a_rank_is_worth() -> None:
    raw = [max(0, math.log(4) - math.log(k)) for k in range(1, 7)]
    np.testing.assert_allclose(natural_utilities(6), np.array(raw) / sum(raw) - 1 / 6, rtol=1e-14)
    raw = [math.log(3.5 / k) for k in (1, 2, 3)]
    np.testing.assert_allclose(recombination_weights(6), [*(np.array(raw) / sum(raw)), 0, 0, 0], rtol=1e-14)
    np.testing.assert_array_equal(centred_ranks(5), [0.5, 0.25, 0, -0.25, -0.5])
    for n in (2, 7, 50):
        assert abs(natural_utilities(n).sum()) < 1e-15
        assert abs(centred_ranks(n).sum()) < 1e-14
        assert recombination_weights(n).sum() == pytest.approx(1, abs=1e-15)


def test_the_best_loss_gets_the_first_worth_and_ties_share_theirs() -> None:
    worth = np.array([8.0, 4, 2, 1, 0])
    np.testing.assert_array_equal(by_rank(worth, [3.0, 1, 2, 5, 4]), [2, 8, 4, 0, 1])
    np.testing.assert_array_equal(by_rank(worth, [3.0, 1, 3, 3, 0]), [1, 4, 1, 1, 8])
    np.testing.assert_array_equal(by_rank(worth, [math.nan, 1, math.inf, -math.inf, 0]), [0.5, 2, 0.5, 8, 4])
    np.testing.assert_array_equal(by_rank(worth[:4], [[3.0, 1], [2, 5]]), [[2, 8], [4, 1]])


def test_points_that_tie_are_worth_nothing_together() -> None:
    assert all_tie([2.0, 2.0])
    assert all_tie([math.nan, math.inf])
    assert not all_tie([2.0, 2.0, math.nan])
    np.testing.assert_array_equal(by_rank(centred_ranks(9), np.ones(9)), np.zeros(9))
    np.testing.assert_allclose(by_rank(natural_utilities(9), np.ones(9)), 0, atol=1e-16)


# -- all four -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("transform", [np.exp, lambda y: -1 / y, lambda y: 3 * y - 7])
def test_increasing_transformations_change_nothing_bit_for_bit(name: str, transform: Callable[[Any], Any]) -> None:
    plain, bent = run(name, bowl), run(name, lambda x: transform(bowl(x)))
    assert not np.array_equal(plain.mean, begun(name, 0.75).mean)
    np.testing.assert_array_equal(plain.mean, bent.mean)
    np.testing.assert_array_equal(plain.deviations, bent.deviations)


@pytest.mark.parametrize("name", RULES)
def test_a_generation_of_equal_losses_changes_nothing_bit_for_bit(name: str) -> None:
    moving = run(name, bowl)
    for loss in (0.0, 0.1, -1e300, math.inf, math.nan):
        after = run(name, lambda x, loss=loss: np.full(x.shape[:-1], loss), 1, moving)
        np.testing.assert_array_equal(after.mean, moving.mean)
        np.testing.assert_array_equal(after.deviations, moving.deviations)


@pytest.mark.parametrize("name", RULES)
def test_moved_functions_give_moved_runs_and_permuted_axes_permuted_ones(name: str) -> None:
    plain = run(name, bowl)
    moved = run(name, lambda x: bowl(x - 8), state=begun(name, 8.75))
    np.testing.assert_allclose(moved.mean, plain.mean + 8, rtol=0, atol=1e-12)
    np.testing.assert_allclose(moved.deviations, plain.deviations, rtol=1e-10)
    state, z = begun(name, 0.75), noise(name, np.random.default_rng(1))
    losses = bowl(points(state, z, name))
    after = RULES[name].step(state, z, losses)  # type: ignore[attr-defined]
    turned = RULES[name].step(state, z[:, ::-1], losses)  # type: ignore[attr-defined]
    np.testing.assert_allclose(turned.mean, after.mean[::-1], rtol=1e-14)
    order = np.random.default_rng(2).permutation(len(z))
    shuffled = RULES[name].step(state, z[order], losses[order])  # type: ignore[attr-defined]
    np.testing.assert_allclose(shuffled.mean, after.mean, rtol=1e-13)


@pytest.mark.parametrize("name", ["snes", "sep_cma", "pgpe"])
def test_standard_deviations_keep_their_limits(name: str) -> None:
    wide, narrow = begun(name, sigma=1.5), begun(name, sigma=0.01)
    rng = np.random.default_rng(0)
    for _ in range(400):
        z = noise(name, rng)
        pair = {"axis": -1} if name != "pgpe" else {"axis": -1, "keepdims": True}
        far = np.broadcast_to((z**2).sum(**pair), z.shape[:1] if name != "pgpe" else (len(z), 2))  # type: ignore[call-overload]
        wide = RULES[name].step(wide, z, -far, most=2.0)  # type: ignore[attr-defined]
        narrow = RULES[name].step(narrow, z, far, least=np.array([5e-3] * 4 + [0.1]))  # type: ignore[attr-defined]
    assert wide.deviations.max() == pytest.approx(2.0, rel=1e-12)
    assert narrow.deviations[4] == pytest.approx(0.1, rel=1e-12)
    assert narrow.deviations[:4].min() == pytest.approx(5e-3, rel=1e-12)
    np.testing.assert_allclose(narrow.deviations[:4], 5e-3, rtol=0.2)


# -- one by one ---------------------------------------------------------------------------------------------------------------


def test_snes_is_its_formula() -> None:
    rng = np.random.default_rng(3)
    z, losses, s = rng.standard_normal((N, D)), rng.normal(size=N), rng.uniform(0.1, 2, size=D)
    after = snes.step(snes.init(np.ones(D), s), z, losses)
    u = dict(zip(np.argsort(losses).tolist(), natural_utilities(N), strict=True))
    rate = (3 + math.log(D)) / (5 * math.sqrt(D))
    for k in range(D):
        assert after.mean[k] == pytest.approx(1 + s[k] * sum(u[i] * z[i, k] for i in range(N)), rel=1e-12)
        assert after.deviations[k] == pytest.approx(s[k] * math.exp(rate / 2 * sum(u[i] * (z[i, k] ** 2 - 1) for i in range(N))), rel=1e-12)


def test_the_gradient_of_pgpe_is_that_of_openai_es_times_the_variance() -> None:
    rng = np.random.default_rng(4)
    z, losses = rng.standard_normal((9, D)), rng.normal(size=(9, 2))
    for sigma in (0.3, 1.0, 7.0):
        by_mean, _ = pgpe.gradients(np.full(D, sigma), z, losses)
        np.testing.assert_allclose(by_mean, sigma**2 * openai_es.gradient(sigma, z, losses), rtol=1e-13)


def test_the_gradients_of_pgpe_are_their_sums() -> None:
    rng = np.random.default_rng(5)
    z, losses, s = rng.standard_normal((4, 2)), rng.normal(size=(4, 2)), np.array([0.5, 3.0])
    utility = by_rank(centred_ranks(8), losses)
    mean = [sum((p - m) * s[k] * row[k] for (p, m), row in zip(utility, z, strict=True)) / 8 for k in range(2)]
    baseline = utility.mean()
    terms = [
        [(p + m - 2 * baseline) * ((s[k] * row[k]) ** 2 - s[k] ** 2) / s[k] for (p, m), row in zip(utility, z, strict=True)]
        for k in range(2)
    ]
    by_mean, by_deviation = pgpe.gradients(s, z, losses)
    np.testing.assert_allclose(by_mean, mean, rtol=1e-12)
    np.testing.assert_allclose(by_deviation, np.sum(terms, axis=1) / 8, rtol=1e-12)


def test_openai_es_finds_the_direction_of_a_slope() -> None:
    """Of 20,000 pairs the estimate's angle to the slope is about 1/150; all slopes of ranks are positive multiples of it."""
    rng = np.random.default_rng(6)
    slope, z = np.arange(1.0, D + 1), rng.standard_normal((20_000, D))
    losses = np.stack([z @ slope, -(z @ slope)], axis=1)
    g = openai_es.gradient(0.1, z, losses)
    assert -(g @ slope) / np.linalg.norm(g) / np.linalg.norm(slope) > 0.999


def test_clip_up_steps_by_half_its_speed_at_first_and_never_faster_than_it() -> None:
    g = np.array([3.0, -4.0])
    first = pgpe.clip_up(g, np.zeros(2), speed=0.2)
    np.testing.assert_allclose(first, 0.1 * g / 5, rtol=1e-14)
    np.testing.assert_allclose(pgpe.clip_up(1e-9 * g, np.zeros(2), speed=0.2), first, rtol=1e-14)
    velocity = np.zeros(2)
    for _ in range(50):
        velocity = pgpe.clip_up(g, velocity, speed=0.2)
    np.testing.assert_allclose(velocity, 0.2 * g / 5, rtol=1e-14)
    np.testing.assert_array_equal(pgpe.clip_up(np.zeros(2), velocity, speed=0.2), 0.9 * velocity)


def test_pgpe_begins_at_the_speed_of_the_rule_of_thumb_and_cools_to_a_tenth() -> None:
    state = begun("pgpe", sigma=0.3)
    assert 15 * state.speed == pytest.approx(0.3 * math.sqrt(D))
    rng = np.random.default_rng(0)
    for _ in range(30):
        z = rng.standard_normal((4, D))
        state = pgpe.step(state, z, rng.normal(size=(4, 2)), decay=0.9)
    assert 15 * state.speed == pytest.approx(0.03 * math.sqrt(D))


def test_deviations_of_pgpe_follow_a_tenth_of_their_gradient_and_change_by_a_fifth_at_most() -> None:
    s, losses = np.array([0.5, 3.0]), np.array([[4.0, 2.0], [1.0, 3.0]])
    after = pgpe.step(pgpe.init(np.zeros(2), s), [[2.0, 0.5], [-1.0, 9.0]], losses)
    # The pairs are worth 1/6 - 1/2 and 1/2 - 1/6, and z^2 - 1 is 3 and 0 on one axis, -3/4 and 80 on the other.
    np.testing.assert_allclose(after.deviations, [0.5 * (1 - 0.1 * (1 / 3) * 3 / 4), 3.0 * 1.2], rtol=1e-12)


def test_openai_es_is_adam_on_its_gradient() -> None:
    """Adam's moving means written out as the sums over all gradients that they are."""
    rng, state, gradients = np.random.default_rng(9), openai_es.init(np.ones(D), 0.5, rate=0.02), []
    for n in range(1, 21):
        z, losses = rng.standard_normal((6, D)), rng.normal(size=(6, 2))
        gradients.append(openai_es.gradient(0.5, z, losses))
        before, state = state, openai_es.step(state, z, losses)
        age = np.arange(n)[::-1]
        first = 0.9**age @ np.array(gradients) / (0.9**age).sum()
        second = 0.999**age @ np.array(gradients) ** 2 / (0.999**age).sum()
        np.testing.assert_allclose(state.mean - before.mean, 0.02 * first / (np.sqrt(second) + 1e-8), rtol=1e-9)


def test_the_first_step_of_adam_is_its_rate_along_every_axis_and_all_cools_to_a_tenth() -> None:
    rng = np.random.default_rng(7)
    z, losses = rng.standard_normal((6, D)), rng.normal(size=(6, 2))
    state = begun("openai_es")
    after = openai_es.step(state, z, losses)
    np.testing.assert_allclose(after.mean - state.mean, 0.02 * np.sign(openai_es.gradient(0.5, z, losses)), rtol=1e-6)
    np.testing.assert_array_equal(after.deviations, state.deviations)
    for _ in range(60):
        after = openai_es.step(after, z, losses, decay=0.95)
    np.testing.assert_allclose([after.rate, *after.deviations], [0.002] + [0.05] * D, rtol=1e-12)


def test_sep_cma_is_the_diagonal_of_cma_es_with_rates_that_are_scaled() -> None:
    """Against the matrix equations of the tutorial, written out, for one generation from a diagonal matrix and paths on their way."""
    rng = np.random.default_rng(8)
    before = run("sep_cma", bowl, 3)
    z, losses = rng.standard_normal((N, D)), rng.normal(size=N)
    after = sep_cma.step(before, z, losses)
    w = recombination_weights(N)
    mu_eff = 1 / (w**2).sum()
    chi = math.sqrt(D) * (1 - 1 / (4 * D) + 1 / (21 * D**2))
    c_s = (mu_eff + 2) / (D + mu_eff + 5)
    damping = 1 + 2 * max(0, math.sqrt((mu_eff - 1) / (D + 1)) - 1) + c_s
    c_c = (4 + mu_eff / D) / (D + 4 + 2 * mu_eff / D)
    c_1 = 2 / ((D + 1.3) ** 2 + mu_eff) * (D + 2) / 3
    c_mu = 2 * (mu_eff - 2 + 1 / mu_eff) / ((D + 2) ** 2 + mu_eff) * (D + 2) / 3
    assert c_mu < 1 - c_1
    C = np.diag(before.variances)
    y = z[np.argsort(losses)] @ np.sqrt(C)
    y_w = w @ y
    p_s = (1 - c_s) * before.step_path + math.sqrt(c_s * (2 - c_s) * mu_eff) * np.linalg.inv(np.sqrt(C)) @ y_w
    h = np.linalg.norm(p_s) / math.sqrt(1 - (1 - c_s) ** (2 * 4)) < (1.4 + 2 / (D + 1)) * chi
    p_c = (1 - c_c) * before.variance_path + h * math.sqrt(c_c * (2 - c_c) * mu_eff) * y_w
    rank_mu = sum(wi * np.outer(yi, yi) for wi, yi in zip(w, y, strict=True))
    C = (1 - c_1 - c_mu + (1 - h) * c_1 * c_c * (2 - c_c)) * C + c_1 * np.outer(p_c, p_c) + c_mu * rank_mu
    np.testing.assert_allclose(after.mean, before.mean + before.sigma * y_w, rtol=1e-12)
    np.testing.assert_allclose(after.variances, np.diag(C), rtol=1e-12)
    assert after.sigma == pytest.approx(before.sigma * math.exp(c_s / damping * (np.linalg.norm(p_s) / chi - 1)), rel=1e-12)


@pytest.mark.parametrize("pull", ["down", "up"])
def test_the_step_size_of_sep_cma_stays_a_number_where_limits_hold_every_axis(pull: str) -> None:
    """Pairs at opposite sides that tie pull it down, a slope pulls it up: in the end past the smallest or largest square."""
    rng, state = np.random.default_rng(0), begun("sep_cma", sigma=0.5)
    for _ in range(1500):
        half = rng.standard_normal((N // 2, D))
        z = np.concatenate([half, -half])
        state = sep_cma.step(state, z, (z**2).sum(axis=1) if pull == "down" else z.sum(axis=1), least=0.5, most=0.5)
    assert np.isfinite([state.sigma, *state.variances, *state.variance_path, *state.step_path]).all()
    np.testing.assert_allclose(state.deviations, 0.5, rtol=1e-12)


def test_sep_cma_takes_standard_deviations_that_differ() -> None:
    given = np.array([0.1, 1.0, 10.0])
    np.testing.assert_allclose(sep_cma.init(np.zeros(3), given).deviations, given, rtol=1e-14)


def test_rates_in_one_dimension_are_those_of_cma_es() -> None:
    w = recombination_weights(6)
    rates = sep_cma.Rates.of(w, 1)
    assert rates.c_1 == pytest.approx(2 / (2.3**2 + rates.mu_eff))
    assert rates.c_1 + rates.c_mu <= 1
    assert sep_cma.Rates.of(recombination_weights(1000), 3).c_mu == pytest.approx(1 - sep_cma.Rates.of(recombination_weights(1000), 3).c_1)
