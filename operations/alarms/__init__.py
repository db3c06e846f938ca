"""Which alarms fired, by the stack's Prometheus, and whether one does when it should: evidence to promote by.

`ask.look(control, hours) -> Alarms`; `bring_about.deadlock(database)`: a real cause that harms nobody.
docs/decisions/0126.
"""
