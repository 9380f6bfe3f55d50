"""The study: the one stateful object. It asks, tells, and reads the log; everything else is derived."""

from __future__ import annotations

import secrets
import threading
import time
import warnings
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import EllipsisType
from typing import TYPE_CHECKING, Any, overload

from bbo import asking, best, ranking, telling
from bbo.definition import check_methods, match
from bbo.errors import BBOError, InvalidStudy, InvalidTell, NoBest, StudyExists, StudyNotFound
from bbo.log.events import Event
from bbo.log.ledger import Ledger, Record
from bbo.objectives import Constraint, Objective, constraints_of, objectives_of
from bbo.optimizers.base import Optimizer, resolve, to_json
from bbo.prior_studies import transfers
from bbo.problem import Problem, derive
from bbo.pruners import Pruner
from bbo.pruners import resolve as resolve_pruner
from bbo.pruners import to_json as pruner_to_json
from bbo.replica import Replica
from bbo.space import Space
from bbo.storage import open_storage
from bbo.storage.base import Conflict, Storage, back_off, shown
from bbo.trial import Reported, Trial

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from os import PathLike

    import pandas as pd

    from bbo.diagnosis import Finding
    from bbo.execution import Callback, ObjectiveFunction
    from bbo.model import Importance, Prediction, Recommendation


class Study:
    """An optimization from its definition to its last result, kept as a log.

    Creates the study, or opens it when the storage holds one of that name with an equal definition. Any number of processes may
    hold one study; sixteen may run the same constructor at once.

    Args:
        space: The parameters and known constraints.
        objectives: ``{"loss": "minimize"}``, a list of `Objective`, or a bare direction (then the outcome is called "value").
        outcome_constraints: Bounds on measured outcomes: ``["latency_ms <= 20"]`` or `Constraint` objects.
        optimizer: A name or a settings object; None means ``"auto"`` for a new study and what is stored for an old one.
        pruner: ``"asha"``, ``"median"``, a settings object, or None.
        storage: None (memory), a path or ``sqlite:///`` URL, a ``postgresql://`` URL, or an open `Storage`.
        name: The study's name in the storage; None means ``"study"``.
        seed: Any integer; None draws one and records it.
        if_exists: ``"open"``, or ``"error"`` to refuse a name that is taken.

    Raises:
        InvalidSpace, InvalidStudy: The definition is malformed.
        StudyMismatch: The stored study has another definition; the message shows the difference and names the way out.
        StudyNotFound: The optimizer is to learn from a study that is not there.
        StudyExists: The name is taken and ``if_exists="error"``.
        Unsupported: The optimizer cannot run this problem.
        StorageError: The storage cannot be opened.
    """

    def __init__(
        self,
        space: Space,
        objectives: str | Mapping[str, str] | Objective | Iterable[Objective] = "minimize",
        *,
        outcome_constraints: str | Constraint | Iterable[str | Constraint] = (),
        optimizer: str | Optimizer | None = None,
        pruner: str | Pruner | None = None,
        storage: str | PathLike[str] | Storage | None = None,
        name: str | None = None,
        seed: int | None = None,
        if_exists: str = "open",
    ) -> None:
        if not isinstance(space, Space):
            raise InvalidStudy(f"space: {space!r} is no Space; write bbo.Space({{'x': bbo.Float(0, 1)}})")
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
            raise InvalidStudy(f"seed is {seed!r}; it is an integer or None")
        if if_exists not in ("open", "error"):
            raise InvalidStudy(f"if_exists is {if_exists!r}; it is 'open' or 'error'")
        name = "study" if name is None else name
        if not isinstance(name, str) or not name.strip():
            raise InvalidStudy(f"name is {name!r}; it is a string that is not empty")
        opened = open_storage(storage)
        definition: dict[str, Any] = {
            "name": name,
            "space": space.to_json(durable=_durable(opened)),
            "objectives": [objective.to_json() for objective in objectives_of(objectives)],
            "outcome_constraints": [constraint.to_json() for constraint in constraints_of(outcome_constraints)],
            "seed": secrets.randbits(31) if seed is None else seed,
            "seed_given": seed is not None,
        }
        chosen = resolve("auto" if optimizer is None else optimizer)
        stopper = resolve_pruner(pruner)
        problem = Problem(space, objectives_of(objectives), constraints_of(outcome_constraints), seed=definition["seed"])
        check_methods(problem, chosen, stopper)
        self._connect(opened, name)
        # Read only for a study that is made: one that is opened has its copies, and they may be gone meanwhile.
        made = bool(getattr(chosen, "prior_studies", None)) and name not in opened.studies()
        copies = transfers(chosen, problem, opened) if made else []
        configured = {"optimizer": to_json(chosen, durable=_durable(opened)), "pruner": pruner_to_json(stopper)}
        now = time.time()
        try:
            events = [Event("created", definition), Event("configured", configured), *copies]
            first = opened.append(name, [replace(event, time=now) for event in events], after=0)
        except Conflict:
            if if_exists == "error":
                raise StudyExists(f"study {name!r} exists; choose another name, or leave out if_exists='error'") from None
            self._replica.sync()
            match(
                self._replica.ledger,
                definition,
                optimizer=configured["optimizer"] if optimizer is not None else None,
                pruner=configured["pruner"],
            )
        else:
            self._replica.fold(first)
        _ = self._replica.state if self._replica.ledger.seq == 2 + len(copies) else None

    @classmethod
    def _open(cls, name: str, storage: Storage) -> Study:
        """The stored study as it is (see `load_study`)."""
        study = cls.__new__(cls)
        study._connect(storage, name)
        study._replica.sync()
        return study

    def _connect(self, storage: Storage, name: str) -> None:
        self._storage = storage
        self._name = name
        self._replica = Replica(lambda after: storage.read(name, after))
        self._lock = threading.RLock()

    # -- what it is ------------------------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """Its name in the storage."""
        return self._name

    @property
    def storage(self) -> Storage:
        """Where its log is kept."""
        return self._storage

    @property
    def seed(self) -> int:
        """Its seed, as given or drawn."""
        return self._problem.seed

    @property
    def space(self) -> Space:
        """Its parameters and known constraints."""
        return self._problem.space

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """What is optimized."""
        return self._problem.objectives

    @property
    def outcome_constraints(self) -> tuple[Constraint, ...]:
        """Bounds on measured outcomes."""
        return self._problem.outcome_constraints

    @property
    def optimizer(self) -> Optimizer:
        """The optimizer in force, with its settings."""
        with self._lock:
            return self._replica.optimizer

    @property
    def pruner(self) -> Pruner | None:
        """The pruner in force."""
        with self._lock:
            return resolve_pruner(self._replica.ledger.configurations[-1].get("pruner"))

    @property
    def _problem(self) -> Problem:
        with self._lock:
            return self._replica.problem

    # -- ask and tell ----------------------------------------------------------------------------------------------------------

    @overload
    def ask(
        self,
        n: None = None,
        *,
        fixed: Mapping[str, Any] | None = None,
        shared: Sequence[str] = (),
        context: Mapping[str, Any] | None = None,
        client: str | None = None,
        lease: float | None = None,
        worker: str | None = None,
    ) -> Trial: ...

    @overload
    def ask(
        self,
        n: int,
        *,
        fixed: Mapping[str, Any] | None = None,
        shared: Sequence[str] = (),
        context: Mapping[str, Any] | None = None,
        client: str | None = None,
        lease: float | None = None,
        worker: str | None = None,
    ) -> list[Trial]: ...

    def ask(
        self,
        n: int | None = None,
        *,
        fixed: Mapping[str, Any] | None = None,
        shared: Sequence[str] = (),
        context: Mapping[str, Any] | None = None,
        client: str | None = None,
        lease: float | None = None,
        worker: str | None = None,
    ) -> Trial | list[Trial]:
        """What to evaluate next.

        Args:
            n: None for one `Trial`; a number for a list of at most so many.
            fixed: Parameters you set, by name; the optimizer chooses the rest.
            shared: Parameters that must be equal in all trials of this call (a batch in one oven).
            context: Values of the context parameters.
            client: Who asks. The same client gets its open trials back first, so asking again after a crash is safe.
            lease: Seconds after which an open trial goes back to the queue unless renewed; None: never.
            worker: Recorded with the trial.

        Raises:
            Waiting: Nothing can be handed out until results come in.
            Exhausted: Every point of a finite space has been handed out, or the optimizer has converged.
            Stopped: The study was stopped.
            OutOfRange: A fixed or context value is not in the space.
            Unsupported: The optimizer cannot honour `fixed`, `shared` or `context`, or cannot run this problem.
        """
        terms = asking.terms_of(self.space, fixed=fixed, shared=shared, context=context, client=client, worker=worker, lease=lease)
        if n is not None and (isinstance(n, bool) or not isinstance(n, int) or n < 1):
            raise InvalidStudy(f"ask: n is {n!r}; it is None or an integer, at least 1")
        trials = self._ask(1 if n is None else n, terms)
        return trials[0] if n is None else trials

    def _ask(self, n: int, terms: asking.Terms, *, budget: int | None = None, total: int | None = None) -> list[Trial]:
        with self._lock:
            numbers = asking.ask(self._replica, self._storage, self._name, n, terms, budget=budget, total=total)
            return [self._trial(number) for number in numbers]

    def tell(
        self,
        trial: Trial | int | Sequence[Trial | int],
        values: Any,
        *,
        sd: Any = None,
        cost: float | None = None,
        attrs: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        outside: bool = False,
        gradient: Any = None,
        gradient_sd: Any = None,
    ) -> None:
        """Record a result. When the call returns it is durable. An equal repeat changes nothing.

        Args:
            trial: A trial or its number; or a list of them, told in one transaction.
            values: A number, or a dict by outcome; parts may come later. Or a `Result` with what else is known. For a list of trials a
                list of these.
            sd: Standard deviation of the measurement, alike.
            cost: What the evaluation cost.
            attrs: Anything worth keeping, as JSON.
            params: What was really run where it differs from the plan.
            outside: Accept executed values outside the space: they train the model and are never best.
            gradient: Partial derivatives by parameter, as far as they are known: ``{"x": 0.2, "y": -1.1}``; by outcome first,
                ``{"loss": {"x": 0.2}}``, where there are several. In native units, by floats that are active. For a list of trials a
                list of these.
            gradient_sd: Standard deviations of these, alike, or one number for all; without it the noise is inferred.

        Raises:
            InvalidTell: NaN, infinity, a string, an unknown outcome, or another result than told before (use `amend`); a derivative by
                what has none.
            UnknownTrial: No such trial.
            OutOfRange: `params` lies outside the space and `outside` is not set.
        """
        if isinstance(trial, (Trial, int)):
            pairs, slopes = [(trial, values)], [gradient]
        else:
            if isinstance(trial, Mapping):
                raise InvalidTell(
                    "tell: it begins with a trial, its number or a list of these; a point of your own goes to study.add(params, values)"
                )
            trials = list(trial)
            results = list(values) if isinstance(values, Iterable) and not isinstance(values, (str, Mapping)) else [values]
            if len(trials) != len(results):
                raise InvalidTell(f"tell: {len(trials)} trials and {len(results)} results; give one result a trial")
            pairs = list(zip(trials, results, strict=True))
            if params is not None and len(pairs) > 1:
                raise InvalidTell("tell: params= speaks of one trial; tell those apart")
            slopes = [None] * len(pairs) if gradient is None else list(gradient)
            if isinstance(gradient, Mapping) or len(slopes) != len(pairs):
                raise InvalidTell(f"tell: gradient= is one mapping a trial, in a list of {len(pairs)}")
        handles = [(*_handle(t), v, slope) for (t, v), slope in zip(pairs, slopes, strict=True)]
        if len({number for number, *_ in handles}) < len(handles):
            raise InvalidTell("tell: a trial stands twice in the list")

        also = {"sd": sd, "cost": cost, "attrs": attrs, "params": params, "outside": outside}

        def decide(ledger: Ledger) -> list[Event | None]:
            return [
                telling.told(self._problem, ledger, number, attempt, v, **also, gradient=slope, gradient_sd=spread)
                for number, attempt, v, slope in handles
                for spread in [gradient_sd if slope is not None or gradient is None else None]
            ]

        self._write(decide)

    def tell_ranking(self, order: Sequence[Trial | int | Sequence[Trial | int]], *, among: Sequence[Trial | int] | None = None) -> None:
        """Record an order of trials, best first; trials that are equally good stand in a list of their own.

        Trials that were ranked before may take part again, such as the best one so far beside a new one.

        Args:
            order: Trials or their numbers.
            among: The trials that were looked at, where `order` names only the best of them: those not named come after all that are,
                and nothing is said of their order, as in ``study.tell_ranking([best], among=trials)``.

        Raises:
            InvalidTell: The study takes values, fewer than two trials are given, or one of them cannot be ranked.
            UnknownTrial: No such trial.
        """
        if isinstance(order, (str, Mapping)) or not isinstance(order, Iterable):
            raise InvalidTell(f"tell_ranking: {order!r} is no list of trials, best first")
        tiers = [tuple(_handle(t)[0] for t in ([tier] if isinstance(tier, (Trial, int)) else tier)) for tier in order]
        named = {number for tier in tiers for number in tier}
        rest = [number for number, _ in map(_handle, () if among is None else among) if number not in named]
        self._write(lambda ledger: [telling.ranked(self._problem, ledger, tiers, rest)])

    def to_rank(self) -> list[Trial]:
        """The trials to be ranked now: done ones to be shown again, such as the best so far, then those that are out.

        Empty where none is out. An optimizer that looks round by round (`RankSGD`) says which ones belong together.

        Raises:
            InvalidTell: The study is told values.
        """
        with self._synced() as replica:
            return [self._trial(number) for number in ranking.to_rank(replica)]

    def fail(self, trial: Trial | int, reason: str = "") -> None:
        """The point itself cannot be evaluated: learned from, and not proposed again.

        Raises:
            InvalidTell: The trial is not pending. UnknownTrial: No such trial.
        """
        self._end("failed", trial, reason)

    def retry(self, trial: Trial | int, reason: str = "") -> None:
        """It was not the point's fault: the same trial goes out again as its next attempt.

        Raises:
            InvalidTell: The trial is queued anew or done. UnknownTrial: No such trial.
        """
        self._end("retried", trial, reason)

    def abandon(self, trial: Trial | int, reason: str = "") -> None:
        """It will not be evaluated; nothing is learned.

        Raises:
            InvalidTell: The trial is not queued or pending. UnknownTrial: No such trial.
        """
        self._end("abandoned", trial, reason)

    def prune(self, trial: Trial | int, reason: str = "") -> None:
        """It was stopped early, as the pruner said.

        Raises:
            InvalidTell: The trial is not pending. UnknownTrial: No such trial.
        """
        self._end("pruned", trial, reason)

    def enqueue(self, params: Mapping[str, Any], *, attrs: Mapping[str, Any] | None = None) -> Trial:
        """Have a point evaluated next. It may be given in part: the optimizer completes it when it goes out.

        Raises:
            OutOfRange: It is not in the space, or breaks a known constraint.
        """
        point = self.space.validate(params, partial=True, what="the enqueued point")
        body: dict[str, Any] = {"params": point}
        if attrs is not None:
            body["attrs"] = telling.plain_json(attrs, "enqueue: attrs")
        return self._append_trial(lambda number: Event("enqueued", body, trial=number))

    def add(
        self,
        params: Mapping[str, Any],
        values: Any = None,
        *,
        sd: Any = None,
        cost: float | None = None,
        attrs: Mapping[str, Any] | None = None,
        outside: bool = False,
        failed: str | None = None,
        gradient: Any = None,
        gradient_sd: Any = None,
    ) -> Trial:
        """Take in a point that was evaluated elsewhere.

        Args:
            params: The point, in full.
            values: All outcomes: a number, a dict or a `Result`; None with `failed`.
            sd: Standard deviation of the measurement.
            cost: What it cost.
            attrs: Anything worth keeping, as JSON.
            outside: Accept a point outside the space: it trains the model and is never best.
            failed: Reason, where the point could not be evaluated.
            gradient: Partial derivatives, as for `tell`.
            gradient_sd: Their standard deviations, as for `tell`.

        Raises:
            OutOfRange: It is not in the space and `outside` is not set.
            InvalidTell: A value is malformed or missing.
        """
        return self._append_trial(
            lambda number: telling.added(
                self._problem,
                number,
                params,
                values,
                sd=sd,
                cost=cost,
                attrs=attrs,
                outside=outside,
                failed=failed,
                gradient=gradient,
                gradient_sd=gradient_sd,
            )
        )

    def amend(
        self,
        trial: Trial | int,
        values: Any = None,
        *,
        params: Mapping[str, Any] | None = None,
        sd: Any = None,
        cost: float | None = None,
        attrs: Mapping[str, Any] | None = None,
        failed: str | None = None,
        note: str = "",
        outside: bool = False,
        gradient: Any = None,
        gradient_sd: Any = None,
    ) -> None:
        """Correct what is recorded of a finished trial. The log keeps both.

        Args:
            trial: The trial or its number.
            values: Outcomes that were wrong, by name (or the only one's number), or a `Result`.
            params: Parameters that were wrong.
            sd: Standard deviations, where they were wrong.
            cost: Cost, where it was wrong.
            attrs: Notes, where they were wrong.
            failed: Reason, where the trial turns out to have failed after all.
            note: Why.
            outside: Accept parameters outside the space.
            gradient: Partial derivatives that were wrong or missing, as for `tell`. Those told before go, outcome by outcome;
                ``{"loss": {}}`` takes them away.
            gradient_sd: Their standard deviations, as for `tell`.

        Raises:
            InvalidTell: Nothing to amend, or a value is malformed. UnknownTrial: No such trial. OutOfRange: As `tell`.
        """
        number, _ = _handle(trial)
        corrections: dict[str, Any] = {
            "params": params,
            "sd": sd,
            "cost": cost,
            "attrs": attrs,
            "failed": failed,
            "note": note,
            "outside": outside,
            "gradient": gradient,
            "gradient_sd": gradient_sd,
        }
        self._write(lambda ledger: [telling.amended(self._problem, ledger, number, values, **corrections)])

    def repeat(self, trial: Trial | int) -> Trial:
        """Enqueue the same point once more, as a new trial (a replicate).

        Raises:
            UnknownTrial: No such trial. OutOfRange: Its point lies outside the space.
        """
        return self.enqueue(self._record(_handle(trial)[0]).params)

    # -- change and stop -------------------------------------------------------------------------------------------------------

    def configure(self, *, optimizer: str | Optimizer | None = None, pruner: str | Pruner | EllipsisType | None = ...) -> None:
        """Go on with another optimizer or pruner; what is not given stays. The new optimizer learns from the whole log.

        Raises:
            InvalidStudy: No such optimizer or pruner. Unsupported: It cannot run this problem.
        """
        chosen = self.optimizer if optimizer is None else resolve(optimizer)
        stopper = self.pruner if pruner is ... else resolve_pruner(pruner)
        check_methods(self._problem, chosen, stopper)
        body = {"optimizer": to_json(chosen, durable=_durable(self._storage)), "pruner": pruner_to_json(stopper)}
        self._write(lambda ledger: [Event("configured", body), *transfers(chosen, self._problem, self._storage, ledger)])

    def redefine(self, *, space: Space, defaults: Mapping[str, Any] | None = None) -> None:
        """Go on in another space: ranges widened or narrowed, choices or parameters added or dropped.

        Args:
            space: The new space. Points told before that lie outside it train the model and are never best.
            defaults: For parameters that are new: the value that all trials so far were run with.

        Raises:
            OutOfRange: A default is not in the new space.
            InvalidStudy: A new parameter lacks its default.
            Unsupported: The optimizer cannot run the new problem.
        """
        given = dict(defaults or {})
        new = [name for name in space.names if name not in self.space.names]
        if missing := [name for name in new if name not in given and space.parameters[name].when is None]:
            raise InvalidStudy(f"redefine: give defaults={{{missing[0]!r}: ...}}, the value that the trials so far were run with")
        fill = space.validate({name: given[name] for name in new if name in given}, partial=True, what="defaults") if new else {}
        problem = self._problem
        check_methods(Problem(space, problem.objectives, problem.outcome_constraints, seed=problem.seed), self.optimizer, self.pruner)
        body = {"space": space.to_json(durable=_durable(self._storage)), "defaults": fill}
        again = {"optimizer": to_json(self.optimizer, durable=_durable(self._storage)), "pruner": pruner_to_json(self.pruner)}
        # A configuration of its own: tickets and random numbers of the old space mean nothing in the new one.
        self._write(lambda _: [Event("redefined", body), Event("configured", again)])

    def stop(self, reason: str = "") -> None:
        """Hand out no more trials. Results of those that are out are still accepted."""
        self._write(lambda ledger: [] if ledger.stopped is not None else [Event("stopped", {"reason": reason})])

    # -- run -------------------------------------------------------------------------------------------------------------------

    def optimize(
        self,
        fn: ObjectiveFunction,
        n_trials: int | None = None,
        *,
        total: int | None = None,
        timeout: float | None = None,
        max_cost: float | None = None,
        workers: int | None = None,
        executor: Executor | None = None,
        catch: type[BaseException] | tuple[type[BaseException], ...] = (),
        callbacks: Sequence[Callback] = (),
        progress: bool | str = "auto",
    ) -> None:
        """Ask, evaluate and tell until a limit is reached.

        Args:
            fn: Called with a `Trial`; returns what `tell` takes, or a `Result`. May raise `TrialPruned` or `TrialFailed`. NaN or
                infinity means a failed trial.
            n_trials: Trials that this call adds.
            total: Trials the study is to have in all, over every worker and earlier run.
            timeout: Seconds after which no further trial is started.
            max_cost: Sum of the study's told costs at which no further trial is started.
            workers: Evaluations at a time. None: one, or as many as the executor has workers. More than one run in processes of
                this machine.
            executor: A `concurrent.futures.Executor` to run them in instead. Where it is of other processes, `report` and
                `should_prune` need a stored study.
            catch: Exceptions of `fn` that mean a failed trial. Any other one abandons the trial and stops the run: running trials
                finish, then it is raised again.
            callbacks: Called with ``(study, trial)`` after each finished trial.
            progress: True, False, or ``"auto"`` (on a terminal only).

        Raises:
            InvalidStudy: An argument is malformed, no limit is given for an infinite space, or `fn` cannot be sent to a process.
            InvalidTell: `fn` returned what is no result.
            Waiting: The optimizer needs results of trials that were asked for by hand.
            KeyboardInterrupt, SystemExit: After Ctrl-C or SIGTERM; trials that were running are queued again.
        """
        from bbo.execution import optimize

        optimize(
            self,
            fn,
            n_trials=n_trials,
            total=total,
            timeout=timeout,
            max_cost=max_cost,
            workers=workers,
            executor=executor,
            catch=catch,
            callbacks=callbacks,
            progress=progress,
        )

    # -- results ---------------------------------------------------------------------------------------------------------------

    @property
    def trials(self) -> list[Trial]:
        """All trials, by number, as the log stands now."""
        with self._synced() as replica:
            return [self._trial(number) for number in range(len(replica.ledger.records))]

    @property
    def best_trial(self) -> Trial:
        """The best measured trial: feasible, inside the space, at the target. Where results are rankings, the first one of the latest.

        Raises:
            NoBest: There is none, as with an environment, of which a trial meets one state alone; the message names the nearest answer.
        """
        with self._synced() as replica:
            return self._trial(best.best(replica.problem, replica.ledger).number)

    @property
    def best_value(self) -> float:
        """Its objective.

        Raises:
            NoBest: There is none, or the study is told rankings.
        """
        if self.objectives[0].feedback == "ranking":
            raise NoBest("a study that is told rankings has no values; use study.best_trial")
        return float(self.best_trial.outcomes[self.objectives[0].name])

    @property
    def best_params(self) -> dict[str, Any]:
        """Its parameters.

        Raises:
            NoBest: There is none.
        """
        return self.best_trial.params

    def pareto_front(self) -> list[Trial]:
        """The feasible trials that no other one beats in all objectives."""
        with self._synced() as replica:
            return [self._trial(record.number) for record in best.pareto_front(replica.problem, replica.ledger)]

    def to_dataframe(self) -> pd.DataFrame:
        """One row a trial: number, state, parameters, outcomes, sd, cost, times, reason."""
        from bbo.tables import to_dataframe

        return to_dataframe(self)

    @overload
    def predict(self, params: Mapping[str, Any]) -> Prediction: ...

    @overload
    def predict(self, params: Sequence[Mapping[str, Any]]) -> list[Prediction]: ...

    def predict(self, params: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> Prediction | list[Prediction]:
        """What the model expects at a point, or at each of several.

        Raises:
            OutOfRange: A point is not in the space. NoBest: Too little was told for a model.
        """
        from bbo.model import predict

        return predict(self, params)

    def recommend(self, *, fixed: Mapping[str, Any] | None = None) -> Recommendation:
        """What the model believes best, at the target: parameters, mean, sd, probability of being feasible.

        With an environment, or decisions that are set inexactly, it is the design that is best over all that it meets
        (`Objective.risk`); the parameters are then the decisions alone.

        Args:
            fixed: Parameters that are set, by name: the best point with these values, such as that of a task.

        Raises:
            NoBest: Too little was told for a model.
        """
        from bbo.model import recommend

        return recommend(self, fixed)

    def importance(self) -> list[Importance]:
        """How much each parameter matters to each outcome, by the model; most important first.

        Raises:
            NoBest: Too little was told for a model.
        """
        from bbo.model import importance

        return importance(self)

    def explain(self, trial: Trial | int | None = None) -> str:
        """Which method is at work and why; for a trial, where its point came from."""
        from bbo.explanation import explain

        with self._synced() as replica:
            return explain(replica, None if trial is None else self._record(_handle(trial)[0]))

    def diagnose(self) -> list[Finding]:
        """What looks wrong with this study, worst first."""
        from bbo.diagnosis import diagnose

        return diagnose(self)

    def plot(self, kind: str = "history", **options: Any) -> Any:
        """A Plotly figure: ``history``, ``parallel``, ``slices``, ``contours``, ``pareto`` or ``feasibility``.

        Raises:
            InvalidStudy: No such plot, or it does not fit this study.
        """
        from bbo.plots import plot

        return plot(self, kind, **options)

    # -- the link behind a trial -----------------------------------------------------------------------------------------------

    @property
    def identity(self) -> Hashable:
        """Equal for two objects of one study."""
        return (self._storage.url if _durable(self._storage) else id(self._storage), self._name)

    def record(self, number: int) -> Record:
        """A trial as it stands, as far as this object knows the log."""
        return self._record(number)

    def seed_of(self, number: int) -> int:
        """Seed of a trial's random numbers: its own, unless its optimizer wants several evaluated with common ones."""
        record = self._record(number)
        crn_key = record.asked.get("crn_key")
        key = ("trial", number) if crn_key is None else ("crn", record.asked["configuration"], crn_key)
        return derive(self.seed, *key, bits=32)

    def value_of(self, number: int) -> float | None:
        """A trial's only objective, None while there is none."""
        if len(self.objectives) > 1:
            raise NoBest("a trial of several objectives has no single value; use trial.outcomes")
        return self._record(number).values.get(self.objectives[0].name)

    def report(self, number: int, attempt: int, values: Reported, step: int) -> None:
        """Log a trial's intermediate result (see `Trial.report`)."""
        self._write(lambda ledger: [telling.reported(self._problem, ledger, number, attempt, values, step)])

    def should_prune(self, number: int) -> bool:
        """Whether the pruner would stop a trial now."""
        pruner = self.pruner
        if pruner is None:
            return False
        with self._synced() as replica:
            return pruner.should_prune(replica.problem, replica.ledger, self._record(number))

    # -- inside ----------------------------------------------------------------------------------------------------------------

    @contextmanager
    def _synced(self) -> Iterator[Replica]:
        """The replica as the log stands now, to nobody else meanwhile."""
        with self._lock:
            self._replica.sync()
            yield self._replica

    def _trial(self, number: int) -> Trial:
        return Trial(self, number, self._replica.ledger.records[number].attempt)

    def _record(self, number: int) -> Record:
        with self._lock:
            records = self._replica.ledger.records
            if isinstance(number, int) and not 0 <= number < len(records):
                self._replica.sync()
            return telling.record_of(self._replica.ledger, number)

    def _end(self, kind: str, trial: Trial | int, reason: str) -> None:
        number, attempt = _handle(trial)
        self._write(lambda ledger: [telling.ended(ledger, kind, number, attempt, reason)])

    def _append_trial(self, event: Callable[[int], Event]) -> Trial:
        (appended,) = self._write(lambda ledger: [event(len(ledger.records))])
        assert appended.trial is not None
        return self._trial(appended.trial)

    def _write(self, decide: Callable[[Ledger], Sequence[Event | None]]) -> list[Event]:
        """Decide on the log as known; append; where it has grown meanwhile, read the tail and decide again."""
        appended = self._decide_and_append(decide)
        for event in appended:
            if event.body.get("superseded"):
                what = f"trial {event.trial} went on without attempt {event.body['attempt']}"
                warnings.warn(f"{what}: what that attempt says is logged as superseded and not used", stacklevel=4)
        return appended

    def _decide_and_append(self, decide: Callable[[Ledger], Sequence[Event | None]]) -> list[Event]:
        conflicts = 0
        with self._lock:
            while True:
                try:
                    drafts = [event for event in decide(self._replica.ledger) if event is not None]
                except BBOError:
                    if not self._replica.sync():  # the refusal may rest on an old log
                        raise
                    continue
                if not drafts:
                    return []
                now = time.time()
                stamped = [Event(event.kind, event.body, trial=event.trial, time=now) for event in drafts]
                try:
                    appended = self._storage.append(self._name, stamped, after=self._replica.ledger.seq)
                except Conflict:
                    conflicts += 1
                    back_off(conflicts)
                    self._replica.sync()
                    continue
                self._replica.fold(appended)
                return appended

    def _renew(self, trials: Iterable[Trial], until: float) -> None:
        self._storage.renew(self._name, {(trial.number, trial.attempt): until for trial in trials})

    def __repr__(self) -> str:
        with self._lock:
            counts = ", ".join(f"{count} {state}" for state, count in self._replica.ledger.counts.items() if count) or "no trials"
        return f"Study({self._name!r}, {counts}, storage={shown(self._storage.url)!r})"


def load_study(name: str, storage: str | PathLike[str] | Storage) -> Study:
    """Open a stored study as it is.

    Raises:
        StudyNotFound: The storage holds none of that name; the message lists those it holds.
    """
    opened = open_storage(storage)
    if name not in (names := opened.studies()):
        raise StudyNotFound(f"no study {name!r} in {shown(opened.url)}; it holds: {', '.join(names) or 'none'}")
    return Study._open(name, opened)


def list_studies(storage: str | PathLike[str] | Storage) -> list[str]:
    """Names of the studies in a storage, oldest first."""
    return open_storage(storage).studies()


def minimize(fn: ObjectiveFunction, space: Space, *, n_trials: int, workers: int = 1, **study_arguments: Any) -> Study:
    """Find parameters where `fn` is small: one call, one study. Keyword arguments are those of `Study`."""
    return _run(fn, space, "minimize", n_trials, workers, study_arguments)


def maximize(fn: ObjectiveFunction, space: Space, *, n_trials: int, workers: int = 1, **study_arguments: Any) -> Study:
    """Find parameters where `fn` is large: one call, one study. Keyword arguments are those of `Study`."""
    return _run(fn, space, "maximize", n_trials, workers, study_arguments)


def _run(fn: ObjectiveFunction, space: Space, direction: str, n_trials: int, workers: int, study_arguments: dict[str, Any]) -> Study:
    study = Study(space, direction, **study_arguments)
    study.optimize(fn, n_trials, workers=workers)
    return study


def _durable(storage: Storage) -> bool:
    """Whether other processes may read it."""
    return storage.url != "memory"


def _handle(trial: Trial | int) -> tuple[int, int | None]:
    """Number and attempt; a bare number stands for the latest attempt."""
    return (trial.number, trial.attempt) if isinstance(trial, Trial) else (trial, None)
