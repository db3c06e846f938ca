-- Digests of what the database's locale makes of every character that has letters around it: case, class, search.
-- Two that are the same answer every lower(), ILIKE, \w and to_tsvector() alike.
WITH characters (number, c) AS (
    -- Not the halves of pairs, which are no characters; letters end long before 205744.
    SELECT n, chr(n) FROM generate_series(1, 205743) n WHERE n NOT BETWEEN 55296 AND 57343
)
SELECT (SELECT md5(string_agg(concat(lower(c), upper(c), '/', initcap(c)), '' ORDER BY number)
            || lower('ΑΣ ΑΣΑ') || upper('ŉ ΐ')) FROM characters) AS "case",
       (SELECT md5(string_agg(concat((c ~ '[[:alnum:]]')::int, (c ~ '[[:alpha:]]')::int, (c ~ '[[:space:]]')::int,
            (c ~ '[[:punct:]]')::int, (c ~ '[[:upper:]]')::int, (c ~ '[[:lower:]]')::int), '' ORDER BY number))
        FROM characters) AS class,
       (SELECT md5(string_agg(words::text, '' ORDER BY part)) FROM (
            SELECT number / 4096, to_tsvector('simple', string_agg(c, ' ' ORDER BY number))
            FROM characters GROUP BY 1) AS parts (part, words)) AS search
