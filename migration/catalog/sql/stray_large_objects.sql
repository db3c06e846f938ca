-- Large objects that no column holds: how many, and their OIDs; `{held}` gives what the columns hold.
SELECT count(*), array_agg(m.oid::bigint ORDER BY m.oid)
FROM pg_largeobject_metadata m
WHERE NOT EXISTS (SELECT FROM ({held}) h (oid) WHERE h.oid = m.oid)
