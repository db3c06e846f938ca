-- The rows of these keys: key as text, and both hashes. Parameters: one array of texts for each key column.
SELECT key_values, {hash1}, {hash2}
FROM (
    SELECT {key_values} AS key_values, {image} AS image
    FROM {keyed}
    OFFSET 0
) AS images
