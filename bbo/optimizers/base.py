"""The contract of an optimizer: a fold over the log.

An optimizer is a frozen settings object that names four pure functions, and a fifth where it has a model. It holds no data:
what it knows of a study is its State, made by `init`, advanced by `fold`, read by `propose`. Any process that folds the same log
has the same state, so a study resumes exactly from storage alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

from bbo.callables import recall, record, recorded
from bbo.errors import InvalidStudy, Unsupported
from bbo.log.ledger import Update, empty
from bbo.problem import Problem
from bbo.space import Space
from surrogates.columns import Role


@dataclass(frozen=True, slots=True)
class Query:
    """One point to evaluate.

    Args:
        params: Native values, feasible for every known constraint.
        ticket: Its place in a phase (JSON scalars), unique within a configuration; None for a plain point.
        role: What the phase uses it for ("particle", "direction", ...).
        group: Queries of one group belong together (the two sides of a difference).
        crn_key: Queries of one key are to be evaluated with common random numbers (equal `trial.seed`).
        draw: Number of the draw it came from; plain points only, where it is the key of their random numbers.
        note: One line for `study.explain(trial)`.
    """

    params: Mapping[str, Any]
    ticket: tuple[str | int | float, ...] | None = None
    role: str = ""
    group: str | int | None = None
    crn_key: str | int | None = None
    draw: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of `propose`.

    Args:
        n: How many points at most.
        fixed: Parameters the caller has set, by name, for all points.
        shared: Names of parameters that must be equal in all points of this request.
        context: Values of the context parameters.
        first_number: Number the first trial will get.
        memo: Hyperparameters of an earlier fit, to be used instead of a new one.
    """

    n: int = 1
    fixed: Mapping[str, Any] = field(default_factory=empty)
    shared: tuple[str, ...] = ()
    context: Mapping[str, Any] = field(default_factory=empty)
    first_number: int = 0
    memo: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """The answer: points, perhaps fewer than asked for.

    Args:
        queries: The points.
        memo: Hyperparameters the points rest on (small JSON), to be logged; None where nothing was fitted.
        note: One line for `study.explain()`: what was done, and why where it fell back.
        status: ``"ok"``; ``"waiting"`` (an open phase has nothing to hand out until tells return) and ``"exhausted"``
            (a finite space is done, or, as the note then says, the method has converged) come with no queries.
    """

    queries: tuple[Query, ...] = ()
    memo: Mapping[str, Any] | None = None
    note: str = ""
    status: Literal["ok", "waiting", "exhausted"] = "ok"


@runtime_checkable
class Optimizer(Protocol):
    """A frozen settings dataclass with these functions. All are pure; `fold` may update its State in place.

    A class whose proposals make use of standard deviations of measurements (told with the outcomes, or `Objective.sd`) says so by
    ``uses_sd: ClassVar[bool] = True``; of any other, `study.explain()` reports that they are recorded and not used. One
    that chooses the values of fidelities or sources says so by ``roles: ClassVar = ("fidelity", "source")``. One that makes use of
    ``input_sd`` and `Objective.risk` says so by a method ``judges_conditions(problem) -> bool``. One that makes use of gradients has a
    method ``no_gradients(problem, outcome)``, see `no_gradients`.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    """Raised when equal logs would lead to other proposals than before."""

    def supports(self, problem: Problem) -> str | None:
        """None, or the reason why it cannot optimize that problem."""
        ...

    def init(self, problem: Problem) -> Any:
        """The State before any event."""
        ...

    def fold(self, state: Any, update: Update) -> Any:
        """The State after one more event of any kind, whoever caused it. No fits, no clock, no randomness but `problem.rng`."""
        ...

    def propose(self, state: Any, request: Request) -> Proposal:
        """The next points. Changes nothing.

        Raises:
            Unsupported: It cannot honour `fixed`, `shared` or `context`.
        """
        ...

    def model(self, state: Any) -> Any | None:
        """The model behind its proposals (see `bbo.model.Model`, and for gradients `bbo.model.CubeModel`), None where it has none."""
        ...


@runtime_checkable
class Delegating(Protocol):
    """An optimizer that is completed at the first ask (see `bbo.optimizers.auto`)."""

    def resolve(self, problem: Problem, budget: int | None) -> Optimizer:
        """These settings with every open choice made; itself when none is open."""
        ...


@runtime_checkable
class Remarking(Protocol):
    """An optimizer that has something to say of a study as it stands, whatever was proposed before."""

    def remark(self, state: Any) -> str:
        """One line for `study.explain()`, a function of the state; empty where there is nothing to say."""
        ...


@dataclass(frozen=True, slots=True)
class Comparison:
    """Which trials are to be ranked together.

    Args:
        beside: Trials that are done, by number, to be ranked with those that are out; the best one so far first.
        left: How many trials the next ask could add to those that are out.
        best: How many of the best are enough to name in order; None for all.
    """

    beside: tuple[int, ...] = ()
    left: int = 0
    best: int | None = None


@runtime_checkable
class Comparing(Protocol):
    """An optimizer that wants certain trials ranked together."""

    def comparison(self, state: Any) -> Comparison:
        """What is to be ranked now, a function of the state."""
        ...


REGISTRY: dict[str, str] = {
    "auto": "bbo.optimizers.auto:Auto",
    "bayes": "bbo.optimizers.bayes:Bayes",
    "bayes_then_cma_es": "bbo.optimizers.bayes_then_cma_es:BayesThenCMAES",
    "cbo": "bbo.optimizers.cbo:CBO",
    "cheb_cb": "bbo.optimizers.cheb_cb:ChebCB",
    "cma_es": "bbo.optimizers.cma_es:CMAES",
    "config": "bbo.optimizers.config:CONFIG",
    "epbo": "bbo.optimizers.epbo:EPBO",
    "frank_wolfe": "bbo.optimizers.frank_wolfe:FrankWolfe",
    "fzoos": "bbo.optimizers.fzoos:FZooS",
    "gfm": "bbo.optimizers.gfm:GFM",
    "gfm_plus": "bbo.optimizers.gfm:GFMPlus",
    "go_ucb": "bbo.optimizers.go_ucb:GOUCB",
    "grid": "bbo.optimizers.grid:Grid",
    "neu_fast_cb": "bbo.optimizers.neu_cb:NeuFastCB",
    "neu_square_cb": "bbo.optimizers.neu_cb:NeuSquareCB",
    "nsga2": "bbo.optimizers.nsga2:NSGA2",
    "nsga3": "bbo.optimizers.nsga3:NSGA3",
    "openai_es": "bbo.optimizers.openai_es:OpenAIES",
    "pgpe": "bbo.optimizers.pgpe:PGPE",
    "primal_dual": "bbo.optimizers.primal_dual:PrimalDual",
    "random": "bbo.optimizers.random:Random",
    "rank_sgd": "bbo.optimizers.rank_sgd:RankSGD",
    "sep_cma": "bbo.optimizers.sep_cma:SepCMA",
    "snes": "bbo.optimizers.snes:SNES",
    "sobol": "bbo.optimizers.sobol:Sobol",
    "tsallis_inf": "bbo.optimizers.tsallis_inf:TsallisINF",
    "turbo": "bbo.optimizers.turbo:TuRBO",
}
"""Names of the optimizers shipped with bbo, and where they stand. A class elsewhere goes by ``module:name``."""


def resolve(given: str | Optimizer | Mapping[str, Any]) -> Optimizer:
    """An optimizer from its name, from its JSON (`to_json`), or as it is.

    Raises:
        InvalidStudy: No optimizer of that name, a setting it does not have, or a function that cannot be imported or has changed.
    """
    if isinstance(given, str):
        return _load(given)()
    if isinstance(given, Mapping):
        cls = _load(given["name"])
        known = {field.name for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
        settings = given.get("settings", {})
        if unknown := settings.keys() - known:
            raise InvalidStudy(f"optimizer {given['name']!r} has no setting {min(unknown)!r}; it has {', '.join(sorted(known)) or 'none'}")
        return cls(**{key: _recalled(value, f"the {key}") for key, value in settings.items()})
    if isinstance(given, type) or not isinstance(given, Optimizer):
        raise InvalidStudy(f"optimizer: {given!r} is neither a name ({', '.join(REGISTRY)}) nor a settings object such as bbo.Sobol()")
    return given


def to_json(optimizer: Optimizer, *, durable: bool = False) -> dict[str, Any]:
    """Name, version and settings as plain JSON; functions among these by their names (see `bbo.callables`).

    Raises:
        InvalidStudy: With `durable`, for a function that another process could not import.
    """
    cls = type(optimizer)
    path = f"{cls.__module__}:{cls.__qualname__}"
    name = cls.name if REGISTRY.get(cls.name) == path else path
    settings: dict[str, Any] = dataclasses.asdict(optimizer)  # type: ignore[call-overload]
    for key in settings:
        if callable(value := getattr(optimizer, key)):
            settings[key] = record(value, durable=durable, what=f"the {key}", way_out="Move it into a module", error=InvalidStudy)
    return {"name": name, "version": cls.version, "settings": settings}


def _recalled(value: Any, what: str) -> Any:
    if not recorded(value):
        return value
    way_out = "restore it, or go on with the new one by study.configure(optimizer=...)"
    return recall(value, what=what, way_out=way_out, error=InvalidStudy)


def _load(name: str) -> Callable[..., Optimizer]:
    path = REGISTRY.get(name, name)
    module, _, attribute = path.partition(":")
    if not attribute:
        raise InvalidStudy(f"optimizer: no optimizer is called {name!r}; there are {', '.join(REGISTRY)}")
    try:
        found: Callable[..., Optimizer] = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise InvalidStudy(f"optimizer: {name!r} cannot be imported: {error}") from error
    return found


def pinned(space: Space, request: Request) -> dict[str, Any]:
    """What every point of a request has: fidelities and sources at their target unless fixed otherwise, what is fixed, the context."""
    return {**space.targets, **request.fixed, **request.context}


def uses_sd(optimizer: Optimizer) -> bool:
    """Whether its proposals make use of the standard deviations of measurements (see `Optimizer`)."""
    return bool(getattr(optimizer, "uses_sd", False))


def judges_conditions(optimizer: Optimizer, problem: Problem) -> bool:
    """Whether its proposals rest on what designs are worth under conditions: inexact settings, risk measures (see `Optimizer`)."""
    ask: Callable[[Problem], bool] = getattr(optimizer, "judges_conditions", lambda problem: False)
    return ask(problem)


def no_gradients(optimizer: Optimizer, problem: Problem, outcome: str) -> str:
    """Why its proposals make no use of told gradients of an outcome, as a clause that follows; empty where they do.

    What has no method ``no_gradients(problem, outcome) -> str`` makes no use of any.
    """
    said = getattr(optimizer, "no_gradients", None)
    if said is None:
        return " (bayes does)"
    reason = str(said(problem, outcome))
    return f": {reason}" if reason else ""


def modelled_roles(optimizer: Optimizer) -> tuple[Role, ...]:
    """Roles of parameters, beside decisions, whose values its proposals choose (see `Optimizer`)."""
    return tuple(getattr(optimizer, "roles", ()))


def refuse(request: Request, *names: Literal["fixed", "shared", "context"], optimizer: str) -> None:
    """Raise for the parts of a request that a method does not honour.

    Raises:
        Unsupported: One of `names` is given in the request.
    """
    for name in names:
        if getattr(request, name):
            raise Unsupported(f"{optimizer} cannot honour {name}={dict(request.fixed) if name == 'fixed' else getattr(request, name)!r}")
