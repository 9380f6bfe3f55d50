"""Sets of candidate points: membership, sampling, projection and linear minimization, with NumPy alone at import."""

from acquisitions.domain.box import Box
from acquisitions.domain.convex_domain import ConvexDomain
from acquisitions.domain.domain import Domain, Linear, Opaque
from acquisitions.domain.errors import EmptyDomain, UnsupportedDomain
from acquisitions.domain.polytope import Polytope
from acquisitions.domain.shape import Shape
from acquisitions.domain.simplex import Simplex
from acquisitions.domain.within import Within

__all__ = [
    "Box",
    "ConvexDomain",
    "Domain",
    "EmptyDomain",
    "Linear",
    "Opaque",
    "Polytope",
    "Shape",
    "Simplex",
    "UnsupportedDomain",
    "Within",
]
