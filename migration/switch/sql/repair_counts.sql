-- How often rows of these hashes are there. Parameter: hashes int8[].
SELECT hash, count(*) FROM (SELECT {hash} AS hash FROM {table} OFFSET 0) AS hashed
WHERE hash = ANY (%(hashes)s::pg_catalog.int8[]) GROUP BY hash
