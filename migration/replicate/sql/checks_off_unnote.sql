-- What was noted of a table for carrying its changes over (`migration.carry`), but for one check of it.
DELETE FROM waqiti_migration.definitions d
WHERE d.relation = pg_catalog.to_regclass(pg_catalog.format('%%I.%%I', %(schema)s::text, %(table)s::text))
  AND pg_catalog.starts_with(d.line, 'constraint|' || %(name)s::text || '|c|')
