"""The command ``bbo``: a study from the shell. Its verbs are the methods of `bbo.Study`; ``bbo --help`` lists them.

Exit codes: 0 done; 1 refused (the reason stands on standard error, and nothing was written); 2 the command line is malformed;
3 there is nothing to hand out until results come in; 4 there is nothing left to hand out (exhausted or stopped); 130 interrupted.
"""

from __future__ import annotations


def main() -> None:
    """Run the command line of this process, and exit."""
    from bbo.cli.app import app

    app()
