"""How a service does while it moves, against what it did before (`slo` of services.yaml).

`look.Eyes(service, contract, side).look() -> Look`: its gateway, its database's counters, its business query;
`band.figures(looks)`, `band.Band(before, policy).left(figures)`: pure. `before.measured(eyes, ...)` gives the
band; `hold.holding(...)` is the copy's throttle while a service is out of it; `after.watch_after(...)` looks
on after a switch. Who leads back is `commands.ways_back.slo`. docs/decisions/0131-slo-of-a-move.md.
"""
