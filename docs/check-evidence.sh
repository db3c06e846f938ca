#!/bin/sh
# Checks a stack's evidence without any code of this project: a shell, sha256sum, psql.
#   docs/check-evidence.sh FILE                     is the chain whole?
#   docs/check-evidence.sh FILE SERVICE [SCHEMA]    and are the tables what its last entry with digests says of them?
# Where: psql's PGHOST, PGPORT, PGDATABASE, PGUSER, PGPASSFILE. SCHEMA: where they are now, if it was renamed.
# Exit status 1: a line was altered, is missing or was put in; or a table is not what the evidence says.
set -eu
export FILE=$1 SERVICE=${2-} SCHEMA=${3-}
refuse() { echo "$FILE: $1" >&2 && exit 1; }
tr -d '\000' <"$FILE" | cmp -s - "$FILE" && [ "$(tail -c 1 "$FILE" | wc -l)" -eq 1 ] || refuse "it does not end with a whole line"
before=$(printf '%064d' 0) number=0
while IFS= read -r line; do
    number=$((number + 1)) content=${line%,\"digest\":\"*} digest=${line##*,\"digest\":\"}
    [ "$(printf '%s}' "$content" | sha256sum | cut -d ' ' -f 1)\"}" = "$digest" ] || refuse "line $number was altered"
    case $content in "{\"number\":$number,"*",\"before\":\"$before\"") ;; *) refuse "line $number does not follow" ;; esac
    before=${digest%\"\}}
done <"$FILE"
echo "$number entries, none altered; the last digest: $before"
[ -n "$SERVICE" ] || exit 0
said=$(PGOPTIONS="-c search_path= -c datestyle=ISO,YMD -c intervalstyle=postgres -c timezone=UTC -c extra_float_digits=1 \
    -c bytea_output=hex -c xmlbinary=base64 -c lc_monetary=C -c row_security=off" psql -XqAt -v ON_ERROR_STOP=1 <<'SQL'
\set entry `grep -E '"kind":"(verified|archived)","service":"'"$SERVICE"'"' "$FILE" | tail -n 1`
\set schema `printf %s "$SCHEMA"`
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT format($$ SELECT CASE WHEN n = %s AND h = %L THEN 'same ' ELSE 'DIFFERENT ' END || %L FROM (
    SELECT count(*) n, sum(hashtextextended(r COLLATE "C", 1463898441)) a, sum(hashtextextended(r COLLATE "C", 1414081842)) b
    FROM (SELECT ROW(%s)::text r FROM ONLY %s) rows) sums, LATERAL (
    SELECT string_agg(lpad(to_hex((div(mod(coalesce(v, 0) + 4294967296::numeric ^ 4, 4294967296::numeric ^ 4),
        4294967296::numeric ^ k) %% 4294967296)::bigint), 8, '0'), '' ORDER BY i, k DESC) h
    FROM (VALUES (1, a), (2, b)) both_sums (i, v), generate_series(0, 3) k) hex $$, said->>'rows', said->>'digest', key,
    (SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
     WHERE attrelid = place::regclass AND attnum > 0 AND NOT attisdropped), place)
FROM jsonb_each(:'entry'::jsonb->'facts'->'tables') each_table (key, said), LATERAL (SELECT format('%I.%I',
    coalesce(nullif(:'schema', ''), (parse_ident(key))[1]), (parse_ident(key))[2]) place) places ORDER BY key
\gexec
SQL
) || refuse "the tables of $SERVICE cannot be read"
printf '%s\n' "${said:?no digests of this service are in the evidence}"
case $said in *DIFFERENT*) exit 1 ;; esac
