"""Read-only replicas of what a service reads of another's tables (the action `reference`).

`replicas`: steps for moves: `make_replicas`, `drop_replicas`, `lead_to_own`. `link.follow`: filled (`fill`,
compared by `check`) at the very position from which its subscription goes on. `lag.read_readings`: state
and lag of each; `shape`: what has changed since; `stop`: a slot over its limit goes; `refill`: filled anew
while it is read; `filling`: that somebody fills it now; `model.Link`: what is noted.
docs/decisions/0041-references.md, 0046-replicas-behind.md.
"""
