"""Methods of `bbo.optimizers` that are no surrogate loops, on the problems their papers show: a module a method.

Each module has `CLAIM`, what is to be shown; `jobs()`, the runs, as `benchmarks.resumable.go_on` takes them; and `report(rows)`, Markdown.
"""
