-- The rows of these hashes, whole. Parameter: hashes int8[].
SELECT ARRAY[hash::pg_catalog.text], whole
FROM (SELECT {hash} AS hash, pg_catalog.to_jsonb(held) AS whole FROM {table} AS held OFFSET 0) AS hashed
WHERE hash = ANY (%(hashes)s::pg_catalog.int8[])
