"""Compact convex sets of vectors and matrices in native units: membership, projection, linear minimization, sampling."""

from acquisitions.domain.convex.balls import L1Ball, L2Ball, LInfBall
from acquisitions.domain.convex.box import Box
from acquisitions.domain.convex.convex_set import ConvexSet
from acquisitions.domain.convex.matrix_balls import NuclearBall, SpectralBall
from acquisitions.domain.convex.polytope import Polytope
from acquisitions.domain.convex.product import Product
from acquisitions.domain.convex.spectrahedron import Spectrahedron
from acquisitions.domain.convex.standard_simplex import StandardSimplex

__all__ = [
    "Box",
    "ConvexSet",
    "L1Ball",
    "L2Ball",
    "LInfBall",
    "NuclearBall",
    "Polytope",
    "Product",
    "SpectralBall",
    "Spectrahedron",
    "StandardSimplex",
]
