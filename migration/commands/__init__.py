"""The verbs of `python -m migration`, a module each, listed in `migration.__main__`.

A verb takes its options (`core.cli`, `common`), asks a person (`verbs.ask`), does its work under the
operator's lock (`verbs.at_work`), one service after the other, and prints a grid or, with --json, one
document.
"""
