"""Probabilistic models: data in, distributions out.

`REGISTRY` maps the name of a model to where its ``fit(X, Y, Yvar) -> botorch.models.model.Model`` is, as ``module:function``, to be
imported on use.
"""

REGISTRY: dict[str, str] = {"exact_gp": "surrogates.exact_gp.model:fit_model"}
