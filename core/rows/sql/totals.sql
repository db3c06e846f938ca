-- Count and two 64-bit sums with different seeds over the rows of one range of blocks.
SELECT count(*), coalesce(sum(hash1), 0), coalesce(sum(hash2), 0)
FROM (
    SELECT {hash1} AS hash1, {hash2} AS hash2
    FROM (SELECT {image} AS image FROM {table} WHERE {range} OFFSET 0) AS images
) AS hashes
