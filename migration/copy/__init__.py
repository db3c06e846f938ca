"""Rows, large objects and sequences from one server to another, at the speed of both.

`tables.copy_tables(source, [CopyTask], snapshot, workers=, progress=, stop=, copied=, throttle=) ->
[CopiedTable]`: one pool over all services, from one exported snapshot, largest first; a table that was not
reported as copied is emptied and copied again. `task.cut`: how large tables are cut. `pair`: two psql and a
pipe; `worker`: small ones in sessions. `turns`: shared with builds beside it. `throttle`: `RateLimit`,
`SourceWatch` (rests while the source answers slower); `pace.held_back`: the one asked for.
`sequences.read_sequences`, `set_sequences`, `move_sequences`. `large_objects.copy_large_objects`.
"""
