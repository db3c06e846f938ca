-- The rows of the buckets that differ: key, both hashes, and a hash for each column.
-- Parameter: buckets int8[].
SELECT key_values, {hash1}, {hash2}, column_hashes
FROM (
    SELECT {key_values} AS key_values, {image} AS image, {column_hashes} AS column_hashes
    FROM {table}
    WHERE {range} AND {bucket} = ANY (%(buckets)s::pg_catalog.int8[])
    OFFSET 0
) AS images
