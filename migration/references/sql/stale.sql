-- Note that a replica stands still from now on; an earlier note stays.
UPDATE waqiti_migration.service_references
SET stale = coalesce(
    stale,
    pg_catalog.jsonb_build_object('since', pg_catalog.clock_timestamp(), 'why', %(why)s::pg_catalog.text)
)
WHERE (dependent, referenced, publisher) = (%(dependent)s, %(referenced)s, %(publisher)s)
