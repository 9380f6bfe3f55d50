"""A user's own acquisition function, and a user's own model, in the place of those of `bbo.Bayes`.

Both speak BoTorch: points `n x d` in the unit cube, outcomes `n x m` to be maximized, tensors in float64 on the CPU.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from acquisitions.maximizer.botorch import BoTorchAcquisition
from acquisitions.protocol import Acquisition, Climbable
from acquisitions.weighed import WhereLikely
from bbo.callables import name_of
from bbo.errors import BBOError, InvalidStudy
from bbo.objectives import Objective
from bbo.optimizers.asked import Asked
from bbo.optimizers.search import reference
from bbo.optimizers.surrogate import Process, Surrogate
from bbo.optimizers.targets import WORKS, Target
from surrogates.columns import Columns
from surrogates.exact_gp import ExactGP
from surrogates.exact_gp.transforms import Standardise

if TYPE_CHECKING:
    from botorch.acquisition.acquisition import AcquisitionFunction
    from botorch.models.model import Model
    from botorch.sampling.base import MCSampler
    from torch import Tensor

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """What a study tells a user's acquisition function or model.

    Args:
        X: Points that were measured, `n x d`.
        Y: Their outcomes, `n x m`, objectives first: all standardised, the objectives to be maximized.
        Yvar: Variances of the noise in Y where every one is known, `n x m`, else None.
        X_baseline: Points that were measured, feasible and in range; those measured where there are none, `b x d`.
        best: With one objective its best value at `X_baseline`, as in Y; None with several.
        X_pending: Points whose results are awaited, those chosen before in this batch among them, `p x d`; None without any.
        outcomes: Names of the columns of Y.
        objectives: The study's; they are the first columns of Y.
        bounds: Lower and upper bounds of constrained outcomes by name, as in Y; None where there is none.
        columns: What the columns of X are.
        reference: With several objectives the reference point of the hypervolume as in Y, given or inferred; None with one.
        seed: For random numbers. Torch's are seeded with it before a user's function is called, and restored afterwards.
    """

    X: Tensor
    Y: Tensor
    Yvar: Tensor | None
    X_baseline: Tensor
    best: float | None
    X_pending: Tensor | None
    outcomes: tuple[str, ...]
    objectives: tuple[Objective, ...]
    bounds: Mapping[str, tuple[float | None, float | None]]
    columns: Columns
    reference: Tensor | None
    seed: int

    @property
    def constraints(self) -> list[Callable[[Tensor], Tensor]] | None:
        """The bounds in BoTorch's form: functions of outcomes (`... x m`) that are negative where a bound is kept; None without any."""
        found: list[Callable[[Tensor], Tensor]] = []
        for name, (lower, upper) in self.bounds.items():
            column = self.outcomes.index(name)
            found += [_slack(column, bound, sign) for bound, sign in ((lower, -1.0), (upper, 1.0)) if bound is not None]
        return found or None


ModelFit = Callable[["Tensor", "Tensor", Context], "Model"]
"""``fit(X, Y, context)``: a BoTorch model of the `m` outcomes in Y."""

AcquisitionBuild = Callable[["Model", Context], "AcquisitionFunction"]
"""``build(model, context)``: a BoTorch acquisition function of one point (`b x 1 x d` to `b`), to be maximized."""


def check_registered(acquisition: type) -> None:
    """Refuse a class that is no acquisition function which BoTorch has an input constructor for.

    Raises:
        InvalidStudy: With the way out.
    """
    from botorch.acquisition.input_constructors import get_acqf_input_constructor

    try:
        get_acqf_input_constructor(acquisition)
    except RuntimeError as error:
        raise InvalidStudy(
            f"bayes: acquisition is the class {acquisition.__qualname__}, for which BoTorch has no input constructor; register one by "
            "botorch.acquisition.input_constructors.acqf_input_constructor, or give a function build(model, context)"
        ) from error


@dataclass(slots=True, eq=False)
class Custom:
    """Makes the score to maximize of what a user gave; a `bbo.optimizers.asked.Score`.

    Args:
        targets: The outcomes.
        fit: The user's model; None for the study's Gaussian processes.
        acquisition: The user's acquisition function, or its class; or that of a name in `bbo.optimizers.acquisitions`.
        title: What the acquisition function is called; by default by its module and name.
        model: The user's model, once it is fitted: one fit serves the points of a batch.
    """

    targets: Sequence[Target]
    fit: ModelFit | None
    acquisition: AcquisitionBuild | type[AcquisitionFunction]
    title: str | None = None
    model: Model | None = None

    def __call__(self, asked: Asked) -> tuple[Acquisition, str]:
        """With a model of the user's, `asked.surrogate` is at most the process of whether points can be evaluated."""
        context = self._context(asked)
        with _reproducible(asked.seed):
            if self.fit is not None and self.model is None:
                self.model = self._fitted(self.fit, context)
            model = _exact_gps(asked.surrogate) if self.model is None else self.model
            if not asked.feasible and (constraints := context.constraints):
                from botorch.acquisition.logei import qLogProbabilityOfFeasibility

                function: AcquisitionFunction = qLogProbabilityOfFeasibility(model, constraints, X_pending=context.X_pending)
                aim = "probability of feasibility, since nothing feasible is known"
            else:
                function, aim = self._built(model, context)
                if context.X_pending is not None and not _takes_pending(function, context.X_pending):
                    function, aim = self._built(*_believing(model, context, context.X_pending))
            climbable = _differentiable(function, context)
        return (_Climbable if climbable else _Score)(BoTorchAcquisition(function), asked.surrogate.works, asked.seed), aim

    def _context(self, asked: Asked) -> Context:
        import torch

        problem, space, feasible, targets = asked.problem, asked.space, asked.feasible, self.targets
        m = len(problem.objectives)
        X, Y = targets[0].X, np.column_stack([target.y for target in targets])
        noises = [target.variance for target in targets]
        known = [noise for noise in noises if noise is not None]
        gain = targets[0]
        gains = gain.transform.forward(gain.sign * np.array([r.values[gain.name] for r in feasible], dtype=float)) if feasible else gain.y
        return Context(
            X=torch.tensor(X),
            Y=torch.tensor(Y),
            Yvar=torch.tensor(np.column_stack(known)) if len(known) == len(noises) else None,
            X_baseline=torch.tensor(space.encode([record.params for record in feasible]) if feasible else X),
            best=float(gains.max()) if m == 1 else None,
            X_pending=torch.tensor(asked.waiting) if asked.running else None,
            outcomes=tuple(target.name for target in targets),
            objectives=problem.objectives,
            bounds={target.name: (target.lower, target.upper) for target in targets if target.bounded},
            columns=space.columns,
            reference=torch.tensor(reference(problem, targets)) if m > 1 else None,
            seed=asked.seed,
        )

    @staticmethod
    def _fitted(fit: ModelFit, context: Context) -> Model:
        from botorch.models.model import Model

        with _not_ours():
            model = fit(context.X, context.Y, context)
        if not isinstance(model, Model):
            raise TypeError(f"{name_of(fit)} returned {type(model).__name__}; fit(X, Y, context) returns a BoTorch Model")
        if model.num_outputs != context.Y.shape[1]:
            raise TypeError(f"{name_of(fit)} returned a model of {model.num_outputs} outcomes; Y has {context.Y.shape[1]}")
        return model

    def _built(self, model: Model, context: Context) -> tuple[AcquisitionFunction, str]:
        from botorch.acquisition.acquisition import AcquisitionFunction, OneShotAcquisitionFunction

        name = name_of(self.acquisition)
        with _not_ours():
            own = self.acquisition
            function = from_class(own, model, context) if isinstance(own, type) else own(model, context)
        if not isinstance(function, AcquisitionFunction):
            raise TypeError(f"{name} returned {type(function).__name__}; build(model, context) returns a BoTorch AcquisitionFunction")
        if isinstance(function, OneShotAcquisitionFunction):
            raise TypeError(f"{name} is a one-shot acquisition function, which scores its fantasies along with a point; none of these here")
        return function, self.title or f"the acquisition {name}"


def from_class(cls: type[AcquisitionFunction], model: Model, context: Context, **more: Any) -> AcquisitionFunction:
    """Of a class that BoTorch knows the inputs of, and `more` of them; with constraints its objective is the first outcome."""
    from botorch.acquisition.input_constructors import get_acqf_input_constructor
    from botorch.acquisition.objective import GenericMCObjective
    from botorch.utils.datasets import SupervisedDataset

    d = context.X.shape[1]
    features = [f"x{k}" for k in range(d)]
    data = SupervisedDataset(context.X, context.Y, Yvar=context.Yvar, feature_names=features, outcome_names=list(context.outcomes))
    given: dict[str, Any] = {"training_data": data, "X_baseline": context.X_baseline, "bounds": [(0.0, 1.0)] * d, **more}
    if constraints := context.constraints:
        given["constraints"] = constraints
    if len(context.objectives) == 1 and len(context.outcomes) > 1:
        given["objective"] = GenericMCObjective(_first)
    if context.reference is not None:
        given["ref_point"] = context.reference
    return cls(**get_acqf_input_constructor(cls)(model, **given))


def on_twins(build: AcquisitionBuild, title: str, asked: Asked) -> tuple[Climbable, str]:
    """BoTorch's function on the study's Gaussian processes, where points are likelier feasible than not, and its name.

    While nothing feasible is known it is the probability of feasibility everywhere.
    """
    constraints = asked.surrogate.constraints
    outcomes = [target for target in asked.surrogate.targets if target.name != WORKS]
    score, aim = Custom(outcomes, None, build, title)(asked)
    assert isinstance(score, Climbable)  # BoTorch's have gradients
    if constraints and (asked.feasible or not asked.problem.outcome_constraints):
        score = WhereLikely(score, constraints)
    return score, aim


def _exact_gps(surrogate: Surrogate) -> Model:
    """The study's Gaussian processes of its outcomes, in the units of the fit."""
    from surrogates.exact_gp.model import ExactGPModel, Output

    pairs = zip(surrogate.targets, surrogate.gps, strict=True)
    return ExactGPModel([Output(gp, Standardise(0.0, 1.0)) for target, gp in pairs if target.name != WORKS and isinstance(gp, ExactGP)])


def alone(model: Model) -> Model:
    """The model itself where it is a list of one, which some of BoTorch's functions cannot take."""
    from botorch.models.model import ModelList

    return cast("Model", model.models[0]) if isinstance(model, ModelList) and len(model.models) == 1 else model


def sampler_of(model: Model, X: Tensor) -> MCSampler | None:
    """That of a model with ensemble posteriors, seen at a point of X; None for BoTorch's own."""
    from botorch.models.gpytorch import GPyTorchModel
    from botorch.models.model import ModelList
    from botorch.posteriors.ensemble import EnsemblePosterior

    from acquisitions.botorch import EnsembleMembers

    gps = isinstance(model, GPyTorchModel | ModelList)  # not asked: what they keep of a question moves last digits of later answers
    return EnsembleMembers() if not gps and isinstance(model.posterior(X[:1]), EnsemblePosterior) else None


def _believing(model: Model, context: Context, X: Tensor) -> tuple[Model, Context]:
    """As if the means at X had been measured (Ginsbourger et al. 2010, "kriging believer"); as it is where a model takes no more data."""
    import torch
    from botorch.models.model_list_gp_regression import ModelListGP

    inputs: Any = [X] * model.num_outputs if isinstance(model, ModelListGP) else X  # a list takes points for each outcome
    with torch.no_grad():
        Y = torch.as_tensor(model.posterior(X).mean)  # type: ignore[attr-defined]  # of nearly all posteriors, and not of their base class
        try:
            model = model.condition_on_observations(inputs, Y)
        except NotImplementedError:
            return model, context
    feasible = torch.ones(len(X), dtype=torch.bool)
    for constraint in context.constraints or ():
        feasible &= constraint(Y) <= 0
    gains = Y[feasible, 0]
    return model, replace(
        context,
        X=torch.cat([context.X, X]),
        Y=torch.cat([context.Y, Y]),
        Yvar=None if context.Yvar is None else torch.cat([context.Yvar, context.Yvar.mean(0).expand_as(Y)]),
        X_baseline=torch.cat([context.X_baseline, X[feasible]]),
        best=context.best if context.best is None or not len(gains) else max(context.best, float(gains.max())),
        X_pending=None,
    )


def _takes_pending(function: AcquisitionFunction, X_pending: Tensor) -> bool:
    """Whether a function takes part of the points whose results are awaited; it is told of them where it was not."""
    from botorch.exceptions.errors import UnsupportedError

    if getattr(function, "X_pending", None) is None:
        try:
            function.set_X_pending(X_pending)
        except UnsupportedError:  # BoTorch's word for the analytic ones
            return False
    return True


def _differentiable(function: AcquisitionFunction, context: Context) -> bool:
    """Whether it has gradients, seen at one point.

    Raises:
        TypeError: It does not give one number a point.
    """
    import torch

    points = context.X[:1].clip(0.0, 1.0).unsqueeze(1).requires_grad_()
    with torch.enable_grad():
        values = function(points)
    if values.shape != (1,):
        raise TypeError(f"{type(function).__name__} maps one point (1 x 1 x d) to shape {tuple(values.shape)}; it must be (1,)")
    return bool(values.requires_grad)


def _first(Y: Tensor, X: Tensor | None = None) -> Tensor:
    return Y[..., 0]


def _slack(column: int, bound: float, sign: float) -> Callable[[Tensor], Tensor]:
    return lambda Y: sign * (Y[..., column] - bound)


@contextmanager
def quiet() -> Iterator[None]:
    """No word of jitter: a candidate close to another point makes a joint covariance singular, and a search tries many."""
    from linear_operator.utils.warnings import NumericalWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NumericalWarning)
        yield


@contextmanager
def _reproducible(seed: int) -> Iterator[None]:
    """One thread, and torch's random numbers from a seed; both as before afterwards."""
    import torch

    threads = torch.get_num_threads()
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]  # torch lacks it
    with torch.random.fork_rng(devices):
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


@contextmanager
def _not_ours() -> Iterator[None]:
    """An error of a user's function is a failing model, also where it is one of bbo's, which would mean that the request is at fault."""
    try:
        yield
    except BBOError as error:
        raise RuntimeError(f"{type(error).__name__}: {error}") from error


@dataclass(frozen=True, slots=True, eq=False)
class _Score:
    """A user's score, with equal random numbers at each call; none where a failure is likelier than not.

    A score whose scale is the user's cannot be weighed with a probability, so that of a failure draws a line.
    """

    function: BoTorchAcquisition
    works: Process | None
    seed: int

    def value(self, X: Array) -> Array:
        """As `Acquisition.value`."""
        with _reproducible(self.seed):
            return self._where_it_works(X, self.function.value(X))

    def _where_it_works(self, X: Array, values: Array) -> Array:
        return values if self.works is None else np.where(self.works.predict(X)[0] >= 0, values, -np.inf)


class _Climbable(_Score):
    __slots__ = ()

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """As `Climbable.value_and_gradient`."""
        with _reproducible(self.seed):
            values, gradients = self.function.value_and_gradient(X)
        return self._where_it_works(X, values), gradients
