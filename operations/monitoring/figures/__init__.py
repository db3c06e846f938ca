"""Our own figures, as Prometheus' client library has them: one module a subject.

`of_all.figures(control, consoles)` yields them all; each module has `NAMES`-like gauges built by `gauge`, and
reads files (or a gateway's console) without ever raising for what is missing: a figure that is not known is
left out, and what is down is 0.
"""
