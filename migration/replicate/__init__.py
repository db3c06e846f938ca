"""Logical replication between the two sides: publications, slots, subscriptions, their lag.

`flow.Flow(service, "forward" | "back", publisher, subscriber)`, a session on each side. Ahead of a switch:
`publish`, `exported_slot`, `subscribe`, `make_slot` (makes it, or moves it to now); in a switch:
`prove(seconds)`, `stop`, `start`; `beat`, `lag`; `drop`. It is made of `publication`, `slots`,
`subscription`, `heartbeat`, `changes` (the log of schema changes carried over) and `login` (made for one
direction, good for following alone). `settings`: of senders and apply workers, by their roles. `removal`:
taken away side by side. `stalls`: why a subscription does not apply. `wal_watch`: stops a move before its
slot fills a disk.
"""
