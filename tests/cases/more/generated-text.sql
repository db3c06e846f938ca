-- generated text
-- @source 15
-- @target 18
-- @setup
SET search_path = user_schema;
CREATE TABLE m (id int PRIMARY KEY, t text, a text GENERATED ALWAYS AS (regexp_replace(t, '(\w+)\s+(\W*)', '\2\1', 'g')) STORED, b text[] GENERATED ALWAYS AS (string_to_array(t, ' ')) STORED, c text GENERATED ALWAYS AS (md5(t) || encode(sha256(convert_to(t, 'UTF8')), 'base64')) STORED, h int GENERATED ALWAYS AS (hashtext(t)) STORED, h8 bigint GENERATED ALWAYS AS (hashtextextended(t, 7)) STORED, u text GENERATED ALWAYS AS (lower(t) || upper(t) || initcap(t)) STORED, s text GENERATED ALWAYS AS (substring(t from '%#"a_c#"%' for '#')) STORED, f text GENERATED ALWAYS AS (quote_ident(t) || quote_literal(t) || quote_nullable(t)) STORED, sl text GENERATED ALWAYS AS (translate(left(reverse(t), 5), 'abc', 'xyz') || lpad(t, 3) || ascii(t)) STORED, sp text GENERATED ALWAYS AS (split_part(t, ' ', -1)) STORED);
INSERT INTO m (id, t) VALUES (1, 'hello  world'), (2, 'Éa abc ß ǆ ﬁ'), (3, 'user json_table'), (4, 'merge'), (5, E'a\nb\tc'), (6, '𝔘𐐀 x'), (7, 'xabcx'), (8, 'Ω Å');
INSERT INTO m (id, t) SELECT 100 + row_number() OVER (), word FROM pg_get_keywords();
