-- tsvector simple
-- @pair 15 17
-- @pair 17 18
-- @setup
SET search_path = user_schema;
CREATE TABLE doc (id int PRIMARY KEY, body text, words tsvector GENERATED ALWAYS AS (setweight(to_tsvector('simple', coalesce(body, '')), 'A')) STORED);
INSERT INTO doc (id, body) VALUES (1, 'mail a.b@c-d.example.org and http://x.y/z?q=1 foo-bar-baz 1.5e10 -3 /usr/lib/x &amp; <b>t</b>'), (2, NULL), (3, 'straße ÉCOLE ǅ 中文');
-- @after
INSERT INTO doc (id, body) VALUES (4, 'later words');
