"""Search spaces: parameters, conditions between them, and constraints known beforehand."""

from bbo.space.array import Array
from bbo.space.choices import Bool, Categorical, Fixed, Ordinal
from bbo.space.numeric import Float, Int
from bbo.space.parameter import Parameter
from bbo.space.roles import Context, Environment, Fidelity, Normal, Source, Task, Uniform
from bbo.space.sequence import Sequence
from bbo.space.simplex import Simplex
from bbo.space.space import Space

__all__ = [
    "Array",
    "Bool",
    "Categorical",
    "Context",
    "Environment",
    "Fidelity",
    "Fixed",
    "Float",
    "Int",
    "Normal",
    "Ordinal",
    "Parameter",
    "Sequence",
    "Simplex",
    "Source",
    "Space",
    "Task",
    "Uniform",
]
