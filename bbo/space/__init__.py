"""Search spaces: parameters, conditions between them, and constraints known beforehand."""

from bbo.space.choices import Bool, Categorical, Fixed, Ordinal
from bbo.space.numeric import Float, Int
from bbo.space.parameter import Parameter
from bbo.space.space import Space

__all__ = ["Bool", "Categorical", "Fixed", "Float", "Int", "Ordinal", "Parameter", "Space"]
