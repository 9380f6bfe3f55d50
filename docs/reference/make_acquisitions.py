"""Write the tables of guides/acquisitions.md: from the table of acquisition functions, and from what happens on models of several kinds.

python docs/reference/make_acquisitions.py
"""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import torch
from botorch.models import ModelListGP, SingleTaskGP
from botorch.models.ensemble import EnsembleModel

import bbo
from bbo.optimizers.acquisitions import ANY, TABLE

PAGE = Path(__file__).parents[1] / "guides/acquisitions.md"
CAN = "<!-- what each can: written by docs/reference/make_acquisitions.py -->", "<!-- end of what each can -->"
RUNS = "<!-- what runs on what: written by docs/reference/make_acquisitions.py -->", "<!-- end of what runs on what -->"

SPACE = bbo.Space(
    {"x": bbo.Float(0, 1), "n": bbo.Int(1, 4), "kind": bbo.Categorical(["a", "b"])},
    constraints=["x * n <= 2"],
)


class Polynomials(EnsembleModel):
    """Polynomials of the second degree, fitted to halves of the data: an ensemble posterior."""

    def __init__(self, X: torch.Tensor, Y: torch.Tensor) -> None:
        super().__init__()
        self._num_outputs = Y.shape[1]
        H = self._basis(X)
        eye = 1e-2 * torch.eye(H.shape[1], dtype=H.dtype)
        halves = [torch.randperm(len(X))[: -(-len(X) // 2)] for _ in range(16)]
        self.weights = torch.stack([torch.linalg.solve(H[r].T @ H[r] + eye, H[r].T @ Y[r]) for r in halves])

    @staticmethod
    def _basis(X: torch.Tensor) -> torch.Tensor:
        return torch.cat([torch.ones_like(X[..., :1]), X, X**2], -1)

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        return self._basis(X).unsqueeze(-3) @ self.weights


def gp(X: torch.Tensor, Y: torch.Tensor, context: Any) -> SingleTaskGP:
    return SingleTaskGP(X, Y, outcome_transform=None)


def gps(X: torch.Tensor, Y: torch.Tensor, context: Any) -> ModelListGP:
    return ModelListGP(*(SingleTaskGP(X, y.unsqueeze(-1), outcome_transform=None) for y in Y.T))


def ensemble(X: torch.Tensor, Y: torch.Tensor, context: Any) -> Polynomials:
    return Polynomials(X, Y)


MODELS = {  # the surrogate, and whether there is an outcome constraint
    "bbo's GP": ("exact_gp", False),
    "bbo's GPs, outcome constraint": ("exact_gp", True),
    "BoTorch GP": (gp, False),
    "ensemble": (ensemble, False),
    "model list": (gps, False),
    "model list, outcome constraint": (gps, True),
}


def settings(name: str) -> dict[str, Any]:
    """What has to be given for an acquisition."""
    return {setting: 0.5 for setting, default in TABLE[name].settings.items() if default is None}


def outcome(name: str, model: str) -> str:
    """``yes``, or why not: asked for one point and for four, without and with trials running, in a mixed space with a known constraint.

    Raises:
        RuntimeError: It fails for another reason than that it refuses, or proposes what it must not.
    """
    surrogate, constrained = MODELS[model]
    objectives = {"f": "minimize"} if TABLE[name].fewest == 1 else {"f": "minimize", "g": "maximize"}
    optimizer = bbo.Bayes(acquisition=name, surrogate=surrogate, n_initial=2, **settings(name))
    for sizes in ((1, 4), (4, 1)):
        try:
            bounds = ["c <= 1"] if constrained else []
            study = bbo.Study(SPACE, objectives, outcome_constraints=bounds, optimizer=optimizer, seed=3)
        except bbo.Unsupported as error:
            return str(error).partition(": ")[2] or str(error)
        for p in SPACE.sobol(8, seed=1):
            told = {"f": (p["x"] - 0.3) ** 2 + 0.1 * p["n"] + (p["kind"] == "b"), "g": p["x"] - p["n"], "c": p["x"] + 0.2 * p["n"]}
            study.add(p, {key: value for key, value in told.items() if key in objectives or (constrained and key == "c")})
        for q in sizes:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                asked = study.ask(q)
            note = study.storage.read("study")[-1].body["note"]
            if refused := re.search(r"the model failed: Unsupported\w*: (.*)", note):
                return refused[1]
            points = {tuple(t.params.items()) for t in study.trials}
            if "failed" in note or "Sobol" in note or len(asked) != q or len(points) != len(study.trials):
                raise RuntimeError(f"{name} on {model}: {note}")
            if not all(SPACE.contains(t.params) for t in asked):
                raise RuntimeError(f"{name} on {model} proposes {[t.params for t in asked]}")
    return "yes"


def abilities() -> str:
    """What each acquisition can do, from the table."""
    lines = [["name", "what is maximized", "objectives", "outcome constraints", "fidelities and sources", "running trials", "settings"]]
    for name, entry in TABLE.items():
        numbers = ", ".join(f"`{key}`" if value is None else f"`{key}={value:.4g}`" for key, value in entry.settings.items())
        several = f"{entry.fewest} to {entry.objectives}" if entry.fewest > 1 else f"up to {entry.objectives}"
        most = "one" if entry.objectives == 1 else "any number" if entry.objectives == ANY else several
        lines.append(
            [
                f"`{name}`",
                entry.title,
                most,
                "no" if entry.unconstrained else "yes",
                "yes" if entry.fidelities else "no",
                entry.running,
                numbers,
            ]
        )
    return _table(lines)


def matrix(names: tuple[str, ...] = tuple(TABLE)) -> str:
    """What runs on which kind of model, with reasons below."""
    lines, reasons = [["name", *MODELS]], list[str]()
    for name in names:
        cells = [f"`{name}`"]
        for model in MODELS:
            found = outcome(name, model).replace(f"{name!r}", "").replace("  ", " ")
            if found != "yes":
                if found not in reasons:
                    reasons.append(found)
                found = f"no ({reasons.index(found) + 1})"
            cells.append(found)
        lines.append(cells)
    return _table(lines) + "\n\n" + "\n".join(f"{k}. {reason}" for k, reason in enumerate(reasons, 1))


def _table(rows: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [rows[0], ["---"] * len(rows[0]), *rows[1:]])


def between(text: str, marks: tuple[str, str]) -> str:
    """What stands on the page between two marks."""
    return text.partition(marks[0])[2].partition(marks[1])[0].strip()


def renewed(text: str, marks: tuple[str, str], table: str) -> str:
    """The page with a table between two marks."""
    before, _, rest = text.partition(marks[0])
    return f"{before}{marks[0]}\n\n{table}\n\n{marks[1]}{rest.partition(marks[1])[2]}"


if __name__ == "__main__":
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(renewed(renewed(page, CAN, abilities()), RUNS, matrix()), encoding="utf-8")
