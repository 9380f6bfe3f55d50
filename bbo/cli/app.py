"""The command line as a whole: its verbs, and what each error means to a shell."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperGroup

from bbo.cli import ask, change, elsewhere, results, run, tell
from bbo.errors import BBOError, Exhausted, Stopped, StudyMismatch, Waiting

REFUSED, WAITING, FINISHED, INTERRUPTED = 1, 3, 4, 130

_HELP = """Optimize what is expensive to evaluate: ask for points, tell results, from the shell.

STUDY is a study file (week.yaml) or the name of a study. It may be left out where the storage holds one study only.
The storage is that of --storage, $BBO_STORAGE or the study file, or bbo.db beside the file (without a file: in this folder)."""

_EPILOG = (
    "Exit codes: 0 done; 1 refused, the reason is on standard error and nothing was written; 2 malformed command line; "
    "3 nothing to hand out until results come in; 4 nothing left to hand out (exhausted or stopped); 130 interrupted."
)


class _Verbs(TyperGroup):
    """Turns errors that bbo raises on purpose into a message and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning  # type: ignore[assignment]
            try:
                return super().invoke(ctx)
            except Waiting as error:
                code, message = WAITING, str(error)
            except (Exhausted, Stopped) as error:
                code, message = FINISHED, str(error)
            except StudyMismatch as error:
                code, message = REFUSED, f"{error} (on the command line: bbo redefine, bbo configure)"
            except BBOError as error:
                code, message = REFUSED, str(error)
            except KeyboardInterrupt:
                code, message = INTERRUPTED, "interrupted"
        typer.echo(f"bbo: {message}", err=True)
        raise typer.Exit(code)


def _show_warning(message: Any, *_: Any) -> None:
    sys.stderr.write(f"bbo: warning: {message}\n")


app = typer.Typer(
    name="bbo", cls=_Verbs, help=_HELP, epilog=_EPILOG, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)

_VERBS: dict[str, Callable[..., None]] = {
    "create": ask.create,
    "ask": ask.ask,
    "tell": tell.tell,
    "fail": tell.fail,
    "retry": tell.retry,
    "abandon": tell.abandon,
    "amend": tell.amend,
    "repeat": ask.repeat,
    "add": tell.add,
    "enqueue": ask.enqueue,
    "rank": tell.rank,
    "run": run.run,
    "configure": change.configure,
    "redefine": change.redefine,
    "stop": change.stop,
    "best": results.best,
    "recommend": results.recommend,
    "trials": results.trials,
    "pareto": results.pareto,
    "explain": results.explain,
    "diagnose": results.diagnose,
    "plot": results.plot,
    "export": elsewhere.export,
    "import": elsewhere.import_,
    "studies": elsewhere.studies,
    "optimizers": elsewhere.optimizers,
    "demo": run.demo,
}
_WITH_NUMBERS = ("tell", "amend", "add")  # a negative number among their words is no option

for name, verb in _VERBS.items():
    app.command(name, context_settings={"ignore_unknown_options": name in _WITH_NUMBERS})(verb)
