"""Cholesky factors of many small covariances at once, and the way back from their gradients."""

from __future__ import annotations

import numpy as np

from acquisitions.gaussian import LEAST_VARIANCE, Array


def factor(S: Array) -> Array:
    """Lower factors of `m x k x k` covariances, given by lower triangles; what rounding leaves of entries known from others is floored."""
    L = np.zeros_like(S)
    for b in range(S.shape[1]):
        left = S[:, b:, b] - np.einsum("mij,mj->mi", L[:, b:, :b], L[:, b, :b])
        pivot = np.sqrt(np.maximum(left[:, 0], LEAST_VARIANCE))
        L[:, b:, b] = left / pivot[:, None]
        L[:, b, b] = pivot
    return L


def pull_factor(L: Array, d_L: Array) -> Array:
    """Gradient in the covariances, `m x k x k`, of ``sum(d_L * L)``; that in the covariance of a and b is the sum of both of its entries.

    Source: Murray (2016), arXiv:1602.07527, equation 10.
    """
    k = L.shape[1]
    middle = np.tril(L.transpose(0, 2, 1) @ d_L)
    middle[:, np.arange(k), np.arange(k)] *= 0.5
    inverse = np.linalg.solve(L, np.broadcast_to(np.eye(k), L.shape))
    d_S: Array = inverse.transpose(0, 2, 1) @ middle @ inverse
    return d_S
