"""Trials as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from bbo.log.ledger import Record
    from bbo.study import Study


def to_dataframe(study: Study) -> pd.DataFrame:
    """One row a trial, in the order of their numbers.

    Columns: ``number``, ``state``, ``attempt``, ``origin``, the parameters (what was run; a share as ``mix.THF``), the outcomes,
    ``sd.<outcome>``, where told ``gradient.<outcome>.<parameter>``, ``cost``, ``outside``, ``asked`` and ``finished`` (times, UTC),
    ``reason``. A parameter or outcome that has the name of another column is called ``params.<name>`` or ``values.<name>``. What is
    not there is missing: inactive parameters, outcomes not measured.
    """
    import pandas as pd

    space, outcomes = study.space, study._problem.outcomes
    flat = {name: key for key, parameter in space.parameters.items() for name in parameter.types(key)}
    own = {"number", "state", "attempt", "origin", *(f"sd.{name}" for name in outcomes), "cost", "outside", "asked", "finished", "reason"}
    param_columns = {name: f"params.{name}" if name in own or name in outcomes else name for name in flat}
    value_columns = {name: f"values.{name}" if name in own or name in flat else name for name in outcomes}
    records = [study.record(trial.number) for trial in study.trials]
    values = [_flat(study, record) for record in records]
    columns: dict[str, Any] = {
        "number": [record.number for record in records],
        "state": [record.state.value for record in records],
        "attempt": [record.attempt for record in records],
        "origin": [record.origin for record in records],
    }
    columns |= {column: [row.get(name) for row in values] for name, column in param_columns.items()}
    columns |= {column: _floats(record.values.get(name) for record in records) for name, column in value_columns.items()}
    columns |= {f"sd.{name}": _floats(record.sd.get(name) for record in records) for name in outcomes}
    partials = dict.fromkeys((outcome, name) for record in records for outcome, part in record.gradient.items() for name in part)
    columns |= {f"gradient.{o}.{name}": _floats(record.gradient.get(o, {}).get(name) for record in records) for o, name in partials}
    columns |= {
        "cost": _floats(record.cost for record in records),
        "outside": [record.outside for record in records],
        "asked": pd.to_datetime([record.asked_time or None for record in records], unit="s", utc=True),
        "finished": pd.to_datetime([record.finished_time or None for record in records], unit="s", utc=True),
        "reason": [record.reason for record in records],
    }
    return pd.DataFrame(columns)


def _floats(values: Any) -> list[float]:
    return [float("nan") if value is None else value for value in values]


def _flat(study: Study, record: Record) -> dict[str, Any]:
    """The point by flat names; of parameters that the space no longer has nothing is shown."""
    parameters = study.space.parameters
    return {
        flat: v for name, value in record.params.items() if name in parameters for flat, v in parameters[name].flat(name, value).items()
    }
