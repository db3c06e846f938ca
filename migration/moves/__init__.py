"""Whole moves, online and offline, and the steps of a start.

`online.Online`: the verbs over a live service: `start`, `verify`, `cutover`, `rollback`, `resume`, `abort`.
`start.START`: the steps up to a target that follows. `offline`: `STEPS`, while clients wait from the copy
to the switch; `run_offline.move_service` starts one, goes on with a killed one, leaves a moved service
alone. `consolidate`: all services back, and the keys that crossed. `schema_watch`: no DDL from start to
switch.
"""
