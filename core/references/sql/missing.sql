-- Which of some values the referenced table has not.
SELECT k.number::int
FROM {values}
WHERE NOT EXISTS (SELECT FROM {table} AS t WHERE {same})
