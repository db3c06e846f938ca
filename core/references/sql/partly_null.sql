-- MATCH FULL: rows of which some columns are NULL and others are not refer to nothing that can be.
SELECT {columns}, pg_catalog.count(*)
FROM {table} AS t
WHERE ({present}) AND NOT ({complete})
GROUP BY {numbers}
