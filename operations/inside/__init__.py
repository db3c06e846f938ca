"""Where a verb about an archive runs: here, or in the container that fills the archive.

`verbs`: take, prove, restore and the rest, the same on both platforms. On Docker `call.call(archive, verb,
arguments)` runs `python -m operations.inside.main` in the container by the Engine's API; `main` does it there
and says how it goes, a JSON line each. `beside`: the container of a restored instance, which has no network.
docs/decisions/0119-archives-on-docker.md.
"""
