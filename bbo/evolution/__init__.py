"""Evolution strategies as update rules: arrays in, arrays out.

`snes`, `pgpe`, `openai_es` and `sep_cma` each have a `State` (a normal distribution with independent entries, and what the method
remembers), `init(mean, ...)` and ``step(state, z, losses)``. The points of a generation are ``state.mean + state.deviations * z`` with
standard normals z; what is told of them counts by rank. The optimizers of the same names run them in a study.
"""
