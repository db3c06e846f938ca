-- ctid of so many rows of each of these hashes.
SELECT at FROM (
    SELECT at, hash, row_number() OVER (PARTITION BY hash) AS number
    FROM (SELECT ctid AS at, {hash} AS hash FROM {table} OFFSET 0) AS hashed
    WHERE hash = ANY ({hashes}::pg_catalog.int8[])
) AS numbered
JOIN unnest({hashes}::pg_catalog.int8[], {counts}::pg_catalog.int8[]) AS wanted (hash, count) USING (hash)
WHERE number <= count
