"""The proof that a backup works: restored, checked to the last block and row, the result kept with it.

`prove.prove(...)` restores the newest backup into an instance that reaches nobody, runs pg_amcheck and
the checksums there and takes digests. `results`: what came of it, one file a proof in the archive,
which gates read.
"""
