-- Out: the group that a switch of %(move)s was begun with and not ended (none: no row): its id, its services,
-- and whether it was decided that they go forward. %(together)s, %(decided)s: names of the two steps.
SELECT
    joined.figures ->> 'group',
    joined.figures -> 'services',
    EXISTS (
        SELECT FROM waqiti_migration.steps AS decision
        WHERE decision.step = %(decided)s AND decision.figures ->> 'group' = joined.figures ->> 'group'
    )
FROM waqiti_migration.steps AS joined
WHERE joined.move = %(move)s AND joined.step = %(together)s AND joined.outcome IS NULL
ORDER BY joined.id DESC
LIMIT 1
