"""Restore points: one instant of all databases at which no effect lacks its cause.

`create.create_point(contract, Wanted(name), PointStore(contract), Around(...)) -> Point` pauses all
gateways at once, makes the point in every database and takes the digest of every row at that instant.
`store.PointStore`: a file for each, `<state>/restore-points/<project>-<stack>/NAME.json`. `model`: `Point`
as a value. `places`: the servers, with sessions opened ahead of the pause; `digests`, `references`,
`schemas`: what a point keeps. Checked by `operations.restore_points`.
docs/decisions/0093-restore-points.md.
"""
