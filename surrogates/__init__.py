"""Probabilistic models: data in, distributions out.

`REGISTRY` maps a model's name to where its ``fit`` is (``module:function``), imported on use.
"""

REGISTRY: dict[str, str] = {"exact_gp": "surrogates.exact_gp:fit"}
