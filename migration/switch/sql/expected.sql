-- The median milliseconds of each step of earlier switches, of the service's own and of the others'.
SELECT substr(s.step, length(%(prefix)s) + 1), m.service = %(service)s AS own,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY (s.figures ->> 'ms')::float8), count(*)
FROM waqiti_migration.steps s
JOIN waqiti_migration.moves m ON m.id = s.move
WHERE starts_with(s.step, %(prefix)s) AND s.outcome = 'done' AND s.figures ? 'ms'
GROUP BY 1, 2
ORDER BY 1, 2
