"""A move as steps, each with its undoing; who runs them, and what they work on.

`runner.Step(name, act, undo=None, kept=False, final=False)` is data; `Runner.run(move, steps, context,
done)` records each before and after it acts, and undoes in reverse order on a failure or a signal; no way
back from a `final` one on. `context.OfflineMove`, `OnlineMove`: what steps are given. `materialized`: views
refreshed on the side that follows. `apply_path`: the search_path of apply workers.
"""
