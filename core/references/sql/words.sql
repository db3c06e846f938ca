-- The whole numbers of one end of a reference, 64 to a line: the word, and a bit for each number that is there.
COPY (
    SELECT {column}::bigint >> 6, pg_catalog.bit_or(1::bigint << ({column}::bigint & 63)::integer)
    FROM {table} AS t WHERE {column} IS NOT NULL GROUP BY 1 ORDER BY 1
) TO STDOUT
