"""The space: named parameters, their conditions, and the constraints every proposal keeps."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from types import EllipsisType, MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from bbo.errors import InvalidSpace, OutOfRange, Unsupported
from bbo.space.choices import Fixed
from bbo.space.constraints import Check, Known, known_from_json, make_known
from bbo.space.encoding import Encoding
from bbo.space.numeric import Float, Int
from bbo.space.parameter import Array, Parameter
from bbo.space.serialization import parameter_from_json, parameter_to_json, split_space
from bbo.space.tree import Tree, nearest
from surrogates.columns import Columns, Role

if TYPE_CHECKING:
    from acquisitions.domain import Domain
    from acquisitions.domain.polytope import Polytope

Params = dict[str, Any]
Constraint = str | Callable[[Params], Any]


class Space:
    """An immutable search space.

    Args:
        params: Parameters by name. Names are non-empty strings without backquotes.
        constraints: Known input constraints: expressions such as ``"lr * layers <= 0.05"`` or callables ``f(params) -> bool``.
            A constraint holds vacuously where a parameter in it is inactive.

    Raises:
        InvalidSpace: A name, condition or constraint is unsound, conditions form a cycle, or no point keeps all constraints
            (proved by linear programming, or none found by search; the message says which).
    """

    def __init__(self, params: Mapping[str, Parameter], constraints: Iterable[Constraint] = ()) -> None:
        if not isinstance(params, Mapping):
            raise InvalidSpace(f"Space takes a mapping of names to parameters, got a {type(params).__name__}")
        if not params:
            raise InvalidSpace("a space needs at least one parameter")
        for name, parameter in params.items():
            _check_entry(name, parameter)
        if isinstance(constraints, str) or callable(constraints):
            raise InvalidSpace(f"constraints must be a list, got {constraints!r}; write constraints=[...]")
        self._parameters = dict(params)
        self._tree = Tree(self._parameters)
        self._encoding = Encoding(self._tree)
        self._known: tuple[Known, ...] = tuple(make_known(c, self._magnitude, self._tree.check) for c in constraints)
        self._identities = [(name, None if type(p).identity is Parameter.identity else p.identity) for name, p in self._parameters.items()]
        self._polytopes: dict[bytes, Polytope] = {}  # met so far by the samplers, which ask for the same ones again and again
        self._refuted: dict[Hashable, bool] = {}  # the same of linear systems without a solution
        self._witness: Params | None = None  # a feasible point, from which one can always be reached
        if self._known:
            from bbo.space.feasibility import find_feasible

            self._witness = find_feasible(self)

    # ------------------------------------------------------------------------------------------------------ definition

    @property
    def parameters(self) -> Mapping[str, Parameter]:
        """The parameters by name, in order of declaration."""
        return MappingProxyType(self._parameters)

    @property
    def names(self) -> tuple[str, ...]:
        """Names in order of declaration."""
        return tuple(self._parameters)

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        """The known constraints as they were given."""
        return tuple(known.function if isinstance(known, Check) else known.text for known in self._known)

    @property
    def roles(self) -> dict[str, Role]:
        """Role of each parameter."""
        return {name: parameter.role for name, parameter in self._parameters.items()}

    def of_role(self, role: Role) -> list[str]:
        """Names of the parameters that have a role, in order."""
        return [name for name, parameter in self._parameters.items() if parameter.role == role]

    @property
    def targets(self) -> Params:
        """Values of the fidelity and source parameters that stand for the real thing."""
        return {name: target for name, p in self._parameters.items() if (target := getattr(p, "target", None)) is not None}

    @property
    def columns(self) -> Columns:
        """What each column of the encoding means."""
        return self._encoding.columns

    @property
    def d(self) -> int:
        """Number of columns of the encoding."""
        return len(self._encoding.columns)

    @property
    def plain(self) -> bool:
        """Whether this is a plain box: decisions that are numbers with a range, always active and unconstrained."""
        numbers = all(isinstance(p, (Float, Int)) for p in self._parameters.values())
        return numbers and not self._known and not self._tree.conditions

    @cached_property
    def cardinality(self) -> int | None:
        """Number of different points when known constraints are left aside; None when infinite."""
        return self._tree.cardinality

    @cached_property
    def acceptance(self) -> float:
        """Share of uniform random points that keep the known constraints, by 256 of them: 1 without constraints, 0 where hardly any do."""
        from bbo.space.feasibility import acceptance

        return acceptance(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Space) and self._definition == other._definition

    def __hash__(self) -> int:
        return hash(self.names)

    def __repr__(self) -> str:
        lines = [f"    {name!r}: {parameter!r}," for name, parameter in self._parameters.items()]
        constraints = ", ".join(repr(known.text) for known in self._known)
        return "\n".join(["Space({", *lines, f"}}, constraints=[{constraints}])" if constraints else "})"])

    def __reduce__(self) -> tuple[Any, ...]:
        return Space, (self._parameters, self.constraints)

    @cached_property
    def _definition(self) -> tuple[Any, ...]:
        data = self.to_json()
        return tuple(_typed(data["parameters"]).items()), _typed(data["constraints"])

    def _magnitude(self, flat: str) -> float | None:
        return self._parameters[self._tree.owner[flat]].magnitude

    # ------------------------------------------------------------------------------------------------------ points

    def validate(self, params: Mapping[str, Any], *, outside: bool = False, partial: bool = False, what: str = "params") -> Params:
        """The point in canonical form: plain Python values, in order of declaration; a missing `Fixed` is filled in.

        Args:
            params: Values by parameter name.
            outside: Admit values out of range and broken constraints; types, names and choices are still checked.
            partial: Admit missing parameters; constraints are checked where all their parameters are given.
            what: What the message calls the point.

        Raises:
            OutOfRange: An unknown or missing parameter, a wrong type, a value out of range, a value for an inactive parameter,
                or a known constraint that does not hold.
        """
        if not isinstance(params, Mapping):
            raise OutOfRange(f"{what} must map parameter names to values, got a {type(params).__name__}")
        for name in params:
            if name not in self._parameters:
                raise OutOfRange(f"{what}: unknown parameter {name!r}{nearest(name, self._parameters)}")
        point: Params = {}
        active: dict[str, bool | None] = {}
        for name in self._tree.order:
            parameter = self._parameters[name]
            active[name] = self._tree.is_active(name, point, active)
            if name in params:
                if active[name] is False:
                    reason = self._tree.conditions[name]
                    raise OutOfRange(f"{what}: {name}={params[name]!r} is given but inactive, since {reason} does not hold; leave it out")
                try:
                    point[name] = parameter.check(params[name], name, outside=outside)
                except OutOfRange as error:
                    raise OutOfRange(f"{what}: {error}") from None
            elif active[name] and not partial:
                if not isinstance(parameter, Fixed):
                    raise OutOfRange(f"{what}: parameter {name!r} is missing; it is {parameter!r}")
                point[name] = parameter.value
        point = {name: point[name] for name in self._parameters if name in point}
        if not outside:
            self._require_constraints(point, partial=partial, what=what)
        return point

    def _require_constraints(self, point: Params, *, partial: bool, what: str) -> None:
        env = self._tree.env(point)
        for known in self._known:
            if isinstance(known, Check) and partial:
                continue
            if not known.holds(point if isinstance(known, Check) else env):
                values = ", ".join(f"{name}={env[name]!r}" for name in sorted(known.names)) or repr(point)
                raise OutOfRange(f"{what}: the constraint {known.text!r} does not hold at {values}")

    def active(self, params: Mapping[str, Any]) -> tuple[str, ...]:
        """Names of the parameters that are active given these values, in order of declaration; a missing parent deactivates.

        Raises:
            OutOfRange: A parent's value is of a wrong type.
        """
        if not self._tree.conditions:
            return self.names
        known = {name: self._parameters[name].check(params[name], name, outside=True) for name in self._tree.inner if name in params}
        active: dict[str, bool | None] = {}
        for name in self._tree.order:
            active[name] = self._tree.is_active(name, known, active)
        return tuple(name for name in self._parameters if active[name])

    def satisfies(self, params: Mapping[str, Any]) -> bool:
        """Whether a checked point keeps every known constraint."""
        return self._keeps(params)

    def _keeps(self, params: Mapping[str, Any], *, exact: bool = False) -> bool:
        if not self._known:
            return True
        env = self._tree.env(params)
        return all(known.holds(params if isinstance(known, Check) else env, exact=exact) for known in self._known)

    def contains(self, params: Mapping[str, Any]) -> bool:
        """Whether `validate` accepts the point."""
        try:
            self.validate(params)
        except OutOfRange:
            return False
        return True

    def key(self, params: Mapping[str, Any]) -> Hashable:
        """A hashable that is equal for equal checked points only: 1 and 1.0 are equal, True and 1 are not."""
        return tuple(
            (params[name] if identity is None else identity(params[name])) if name in params else _ABSENT
            for name, identity in self._identities
        )

    def encode(self, rows: Sequence[Mapping[str, Any]]) -> Array:
        """Checked points as an array (`n x d`) in the unit cube.

        Inactive parameters encode to 0.5. Values outside the range extrapolate, at most ten ranges beyond either end.
        """
        return self._encoding.encode(rows)

    def decode(self, X: ArrayLike) -> list[Params]:
        """The legal points nearest to rows X (`n x d`); known constraints are not repaired.

        Raises:
            OutOfRange: X has another shape, or an entry that is not finite.
        """
        return self._encoding.decode(X)

    # ------------------------------------------------------------------------------------------------------ drawing

    def sample(self, n: int, rng: np.random.Generator, *, fixed: Mapping[str, Any] | None = None) -> list[Params]:
        """Independent feasible points with `fixed` values held: uniform, environment parameters from their distribution.

        In a tree they are uniform within each branch, and branches keep their share however rare their feasible points are.

        Raises:
            OutOfRange: `fixed` is not part of a legal point, or no feasible point with it was found.
        """
        from bbo.space.sampling import sample

        return sample(self, n, rng, fixed=fixed)

    def sobol(self, n: int, *, seed: int, start: int = 0, fixed: Mapping[str, Any] | None = None) -> list[Params]:
        """Feasible points `start` to ``start + n - 1`` of the scrambled Sobol sequence of `seed`; point i depends on (seed, i) only.

        A Sobol point that breaks a constraint is replaced by a random feasible one.

        Raises:
            OutOfRange: As for `sample`.
        """
        from bbo.space.sampling import sobol

        return sobol(self, n, seed=seed, start=start, fixed=fixed)

    def neighbours(self, params: Mapping[str, Any], rng: np.random.Generator, n: int) -> list[Params]:
        """`n` feasible random changes, small and large, of a feasible point; fewer when there are no more different points."""
        from bbo.space.neighbours import neighbours

        return neighbours(self, params, rng, n)

    def enumerate(self) -> Iterator[Params]:
        """The feasible points of a finite space, one after another.

        Raises:
            Unsupported: The space is infinite.
        """
        if self.cardinality is None:
            endless = [name for name, p in self._parameters.items() if p.cardinality is None]
            raise Unsupported(f"the space is infinite (through {', '.join(endless)}); use grid(resolution), or give them a step")
        return self.grid(1)

    def grid(self, resolution: int) -> Iterator[Params]:
        """The feasible points of a grid, one after another: finite parameters whole, continuous ones at `resolution` values."""
        values = {name: _values(parameter, resolution) for name, parameter in self._parameters.items()}
        for chosen in self._tree.assignments(values):
            point = {name: chosen[name] for name in self._parameters if name in chosen}
            if self._keeps(point):
                yield point

    # ------------------------------------------------------------------------------------------------------ elsewhere

    def domain(self, units: Literal["cube", "native"] = "cube") -> Domain:
        """The space as a domain of arrays, for maximizers and other numerical methods."""
        from bbo.space.domains import make_domain

        return make_domain(self, units)

    @cached_property
    def cube(self) -> Domain:
        """The domain in the unit cube, made once."""
        return self.domain()

    def columns_of(self, name: str) -> range:
        """Which columns of the encoding are those of a parameter."""
        place = self._encoding.slices[name]
        return range(place.start, place.stop)

    def to_json(self, *, durable: bool = False) -> dict[str, Any]:
        """The definition as plain JSON data.

        Raises:
            InvalidSpace: With `durable`, when a constraint is a callable that another process could not import.
        """
        return {
            "parameters": {name: parameter_to_json(parameter) for name, parameter in self._parameters.items()},
            "constraints": [known.to_json(durable=durable) for known in self._known],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Space:
        """The space of `to_json`, or of the short form of a study file, where parameters stand beside ``constraints``.

        Raises:
            InvalidSpace: The data is malformed, or the source of a recorded callable changed.
        """
        parameters, constraints = split_space(data)
        return cls(
            {name: parameter_from_json(entry, name) for name, entry in parameters.items()},
            [known_from_json(entry) for entry in constraints],
        )


_ABSENT: EllipsisType = ...


def _check_entry(name: Any, parameter: Any) -> None:
    if not isinstance(name, str) or not name.strip() or name != name.strip() or "`" in name:
        raise InvalidSpace(f"parameter name {name!r} must be a non-empty string without backquotes or surrounding blanks")
    if not isinstance(parameter, Parameter):
        raise InvalidSpace(f"parameter {name!r} is {parameter!r}; it must be a Float, Int, Bool, Categorical, Ordinal, Fixed, Simplex, ...")


def _values(parameter: Parameter, resolution: int) -> Callable[[], Iterator[Any]]:
    return lambda: parameter.grid(resolution)


def _typed(data: Any) -> Any:
    """JSON data in a form in which True differs from 1."""
    if isinstance(data, dict):
        return {key: _typed(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_typed(value) for value in data]
    return ("bool", data) if isinstance(data, bool) else data
