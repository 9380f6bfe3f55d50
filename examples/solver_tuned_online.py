"""A solver that learns its relaxation factor while it works through a sequence of linear systems.

    python examples/solver_tuned_online.py --systems 400

Each system is solved once, with the factor that a bandit draws for it; the number of iterations is all it learns from. `tsallis_inf` knows
nothing of a system beforehand. `cheb_cb` is given its offset, which says how near to singular it is, and fits polynomials of it.
"""

from __future__ import annotations

import argparse

import bbo

OMEGA = bbo.Float(1.0, 1.95)
SPACES = {
    "tsallis_inf": bbo.Space({"omega": OMEGA}),
    "cheb_cb": bbo.Space({"omega": OMEGA, "c": bbo.Context(bbo.Float(-0.15, 0.65))}),
}


def tuned(optimizer: str, systems: bbo.problems.Relaxation, n: int) -> tuple[bbo.Study, int]:
    """A study over the first n systems, and the iterations that they took."""
    study = bbo.Study(SPACES[optimizer], {"iterations": "minimize"}, optimizer=optimizer, seed=0, name=optimizer)
    total = 0
    for t in range(n):
        trial = study.ask(context=systems.context(t) if optimizer == "cheb_cb" else None)
        iterations = systems.iterations(trial["omega"], t)
        study.tell(trial, iterations)
        total += iterations
    return study, total


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--systems", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    systems = bbo.problems.Relaxation("low", seed=options.seed)
    for omega in (1.0, 1.6, 1.9):
        total = sum(systems.iterations(omega, t) for t in range(options.systems))
        print(f"omega = {omega} for all: {total / options.systems:.1f} iterations a system")
    for optimizer in SPACES:
        study, total = tuned(optimizer, systems, options.systems)
        print(f"{optimizer}: {total / options.systems:.1f} iterations a system")
        for c in (-0.1, 0.0, 0.2) if optimizer == "cheb_cb" else (None,):
            best = study.recommend(fixed=None if c is None else {"c": c})
            where = "for all" if c is None else f"at c = {c}"
            print(f"  recommended {where}: omega = {best.params['omega']:.2f}, about {best.mean['iterations']:.0f} iterations")


if __name__ == "__main__":
    main()
