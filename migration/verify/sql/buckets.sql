-- The same sums, apart for each bucket of the rows' keys.
SELECT bucket, count(*), sum(hash1), sum(hash2)
FROM (
    SELECT bucket, {hash1} AS hash1, {hash2} AS hash2
    FROM (SELECT {bucket} AS bucket, {image} AS image FROM {table} WHERE {range} OFFSET 0) AS images
) AS hashes
GROUP BY bucket
