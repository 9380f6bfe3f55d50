"""What a domain cannot do."""

from __future__ import annotations


class EmptyDomain(ValueError):
    """No point satisfies the constraints."""


class UnsupportedDomain(NotImplementedError):
    """The operation has no exact method on this kind of domain."""
