"""Which genes matter to how long patients live: sparse Cox regression from values of the likelihood alone.

    python examples/sparse_regression.py --trials 2040

Weights of 50 genes are searched within an l1 ball, whose corners have one weight each, so that a solution has few that are not zero. The
likelihood is taken for a black box: no gradient of it is used. `frank_wolfe` estimates one from differences (51 evaluations) and goes a
part of the way to a corner, so that after 40 steps at most 40 genes have a weight. Random search on the same ball has as many evaluations.
The patients are made up, which tells what should be found: lifetimes are exponential with a rate that four genes decide, and a third of
the patients, about, are lost from sight before.
"""

from __future__ import annotations

import argparse

import numpy as np

import bbo

GENES, PATIENTS, RADIUS = 50, 150, 2.5
TRUE = {3: 1.0, 11: -0.7, 24: 0.5, 40: -0.3}


def patients(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Expressions of the genes (patients x genes), in the order in which patients were last seen, and who died then."""
    rng = np.random.default_rng(seed)
    expression = rng.standard_normal((PATIENTS, GENES))
    rate = np.exp(sum(weight * expression[:, gene] for gene, weight in TRUE.items()))
    death, lost = rng.exponential(1 / rate), rng.exponential(2.0, PATIENTS)
    order = np.argsort(np.minimum(death, lost))
    return expression[order], (death < lost)[order]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=2040)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    expression, died = patients(options.seed)

    def loss(trial: bbo.Trial) -> float:
        """Cox's partial likelihood, negative and in logarithms, a death: each death against all who were still alive and in sight."""
        score = expression @ np.asarray(trial["w"])
        at_risk = np.logaddexp.accumulate(score[::-1])[::-1]
        return float(np.mean((at_risk - score)[died]))

    space = bbo.Space({"w": bbo.Array(GENES, within=bbo.L1Ball(RADIUS))})
    studies = {
        name: bbo.minimize(loss, space, optimizer=name, n_trials=options.trials, seed=options.seed) for name in ("frank_wolfe", "random")
    }

    print(f"Negative log partial likelihood a death, {options.trials} evaluations each:")
    for name, study in studies.items():
        print(f"{name:12} {study.best_value:.4f}")
    weights = np.array(studies["frank_wolfe"].best_params["w"])
    print("Largest weights found (and true ones):")
    for gene in np.argsort(-np.abs(weights))[:6]:
        print(f"gene {gene:2}  {weights[gene]:+.2f}  ({TRUE.get(int(gene), 0.0):+.2f})")
    print(f"{np.count_nonzero(np.abs(weights) > 0.01)} of {GENES} weights are above 0.01.")


if __name__ == "__main__":
    main()
