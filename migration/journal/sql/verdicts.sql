-- Every comparison of a service's moves, with the time it was made. Parameter: service.
SELECT v.verdict || jsonb_build_object('made', v.made)
FROM waqiti_migration.verifications v
JOIN waqiti_migration.moves m ON m.id = v.move
WHERE m.service = %(service)s
ORDER BY v.id
