"""Formulas of bandits, arrays in and arrays out: probabilities of arms, and the regressions they rest on.

The optimizers that play with them on a study's log are `bbo.TsallisINF`, `bbo.ChebCB`, `bbo.NeuSquareCB` and `bbo.NeuFastCB`.
"""
