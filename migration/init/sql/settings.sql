-- Settings of the shared server that a move depends on; times in milliseconds.
SELECT name, CASE unit WHEN 's' THEN (setting::bigint * 1000)::text ELSE setting END
FROM pg_catalog.pg_settings
WHERE name = ANY (%(names)s)
