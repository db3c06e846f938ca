-- How many rows of the dependent table still have each of some values.
SELECT k.number::int, pg_catalog.count(*)
FROM {values} JOIN {table} AS t ON {same}
GROUP BY k.number
