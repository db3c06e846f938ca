"""Who of a stack reaches whom, and who must not: tried from inside (`script/isolation`).

`probe.find_out(engine, contract) -> Findings`: connections tried from every container;
`matrix.matrix(findings)`: what was reached, and which of it is a breach.
docs/decisions/0060-docker-platform.md, 0064-no-way-out.md.
"""
