"""What is checked before a verb that changes something, one gate a subject.

`check.check_gates(contract, service, plan, stage, limits) -> GateReport`, for the stages start, cutover,
rollback. `GateReport.require(skipped)` raises the first no-go that may not be skipped. A gate is a function
over a `scene.Scene` (a session on each side) that yields `model.Gate`s, named by `@check(name, *stages)`;
`check.CHECKS` lists them: `servers`, `replication`, `references`, `data`, `applications`, `transactions`,
`sessions`. CONTRIBUTING.md: a new one.
"""
