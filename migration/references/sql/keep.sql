-- Note a reference, before anything is made for it.
INSERT INTO waqiti_migration.service_references (dependent, referenced, publisher, tables)
VALUES (%(dependent)s, %(referenced)s, %(publisher)s, %(tables)s)
ON CONFLICT (dependent, referenced) DO UPDATE SET publisher = EXCLUDED.publisher, tables = EXCLUDED.tables, stale = NULL
