"""Spaces in which one choice decides what else there is to set."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import bbo

PIPELINE = bbo.Space(
    {
        "model": bbo.Categorical(["linear", "forest", "net"]),
        "rate": bbo.Float(1e-4, 1, log=True),
        "penalty": bbo.Float(1e-4, 10, log=True, when={"model": "linear"}),
        "depth": bbo.Int(1, 12, when={"model": "forest"}),
        "features": bbo.Float(0.1, 1, when={"model": "forest"}),
        "activation": bbo.Categorical(["sigmoid", "tanh", "relu"], when={"model": "net"}),
        "layers": bbo.Int(1, 3, when={"model": "net"}),
        "width": bbo.Int(8, 512, log=True, when={"model": "net"}),
        "dropout": bbo.Float(0, 0.5, when={"layers": [2, 3]}),
    }
)


def pipeline(params: Mapping[str, Any]) -> dict[str, float]:
    """Three models with parameters of their own: smooth bowls, the least value 0 at a net of two layers."""
    shared = 0.1 * (math.log10(params["rate"]) + 2.7) ** 2
    if params["model"] == "linear":
        return {"loss": shared + 0.35 + 0.05 * (math.log10(params["penalty"]) + 1) ** 2}
    if params["model"] == "forest":
        return {"loss": shared + 0.15 + 2 * ((params["depth"] - 8) / 11) ** 2 + (params["features"] - 0.4) ** 2}
    activation = {"relu": 0.0, "tanh": 0.1, "sigmoid": 0.3}[params["activation"]]
    dropout = 2 * (params["dropout"] - 0.15) ** 2 if "dropout" in params else 0.045
    return {"loss": shared + activation + dropout + 0.1 * abs(params["layers"] - 2) + 0.5 * (math.log2(params["width"] / 64) / 3) ** 2}
