"""Looks into the servers for what a plan has to know, and gives the plan what is found.

`read_plan.examine(contract, services) -> Plan`: preflight and plan together, what every verb that moves
something asks first; `read_plan`: the plan alone. The other modules each add one kind of finding to a plan:
orphans of keys, rows that are too large or equal and not the same, event triggers (tried, rolled back),
settings, what applications ran.
"""
