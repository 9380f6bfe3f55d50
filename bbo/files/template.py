"""A study file to fill in."""

from __future__ import annotations

from pathlib import Path

from bbo.errors import InvalidStudy

TEMPLATE = """\
# A study: what can be varied, what is measured, how the next points are chosen. Edit it, then: bbo create {path}
# name: {name}                # by default the file's name
# storage: bbo.db              # a path, counted from this file, or a URL (postgresql://...); bbo.db beside this file by default

space:
  temperature: {{float: [20, 80], unit: °C}}         # a number in a range; step: 5 allows every fifth only
  time: {{int: [1, 24], unit: h}}                    # a whole number
  catalyst: {{categorical: [no, Pd, Ni]}}          # one of several
  # loading: {{float: [1e-4, 1e-1], log: true, when: {{catalyst: [Pd, Ni]}}}}   # on a log scale; only where the condition holds
  # mix: {{simplex: [water, THF, MeOH], max_nonzero: 2}}                      # shares that sum to one; expressions say mix.THF
  # others: {{bool: true}}, {{ordinal: [16, 32, 64]}}, {{fixed: 3}}

# What every proposal keeps:
# constraints:
#   - temperature * time <= 1000

# What is measured:
objectives:
  yield: maximize
# Bounds on what is measured, here or elsewhere:
# outcome_constraints:
#   - impurity <= 0.02

# optimizer: auto              # `bbo optimizers` lists the others; settings: {{name: sobol, settings: {{...}}}}
# pruner: median
# seed: 0                      # drawn and recorded when it is left out
"""


def write_template(path: str | Path) -> None:
    """Write a commented study file; its study is named after the file.

    Raises:
        InvalidStudy: There is such a file already, or it cannot be written.
    """
    path = Path(path)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(TEMPLATE.format(path=path, name=path.stem))
    except FileExistsError:
        raise InvalidStudy(f"{path} is there already; name another file, or remove it first") from None
    except OSError as error:
        raise InvalidStudy(f"{path} cannot be written: {error.strerror}") from None
