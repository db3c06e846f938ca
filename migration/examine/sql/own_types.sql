-- DDL for types, by what they are made of: in the order of their OIDs, which is that of their making. Parameter: their OIDs.
-- Domains come without their checks, ranges without functions of their own: their values are tested elsewhere.
SELECT CASE t.typtype
           WHEN 'e' THEN format('CREATE TYPE %%I.%%I AS ENUM (%%s)', n.nspname, t.typname,
                                (SELECT string_agg(quote_literal(enumlabel), ', ' ORDER BY enumsortorder)
                                 FROM pg_enum WHERE enumtypid = t.oid))
           WHEN 'd' THEN format('CREATE DOMAIN %%I.%%I AS %%s', n.nspname, t.typname, format_type(t.typbasetype, t.typtypmod))
           WHEN 'c' THEN format('CREATE TYPE %%I.%%I AS (%%s)', n.nspname, t.typname,
                                (SELECT string_agg(format('%%I %%s', attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum)
                                 FROM pg_attribute WHERE attrelid = t.typrelid AND attnum > 0 AND NOT attisdropped))
           ELSE format('CREATE TYPE %%I.%%I AS RANGE (SUBTYPE = %%s)', n.nspname, t.typname,
                       (SELECT format_type(rngsubtype, -1) FROM pg_range WHERE rngtypid = t.oid))
       END
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE t.oid = ANY (%(types)s::oid[]) AND t.typtype IN ('e', 'd', 'c', 'r')
ORDER BY t.oid
