"""Probabilistic models: data in, distributions out."""
