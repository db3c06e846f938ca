-- Rows whose reference points nowhere: how many, and the values of some.
WITH orphans AS (
    SELECT pg_catalog.concat_ws(', ', {values}) AS said
    FROM {table} AS c
    WHERE ({present}) AND NOT EXISTS (SELECT FROM {referenced} AS p WHERE {same})
)
SELECT pg_catalog.count(*), pg_catalog.array_agg(said) FILTER (WHERE number <= {limit})
FROM (SELECT said, pg_catalog.row_number() OVER () AS number FROM orphans) AS numbered
