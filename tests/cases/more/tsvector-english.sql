-- tsvector english
-- @source 15
-- @target 18
-- @setup
SET search_path = user_schema;
CREATE TABLE doc (id int PRIMARY KEY, body text, words tsvector GENERATED ALWAYS AS (to_tsvector('english', body)) STORED);
CREATE INDEX ON doc USING gin (words);
INSERT INTO doc (id, body) SELECT i, w FROM unnest(string_to_array('skies dying lying tying news innings outings cannings howe proceed exceed succeed idly gently ugly early only singly generous generate communist arsenal universe university past pasted evening evenings skiing international organisation logically analogist geologist apologist inning earring herring canning exceeding added yield yielded owed eyed ying dyed agreed freed bleed feed seed indeed andes atlas cosmos bias bus gas this kiwis hasty paste waste tasted emerging emergency emergent lateral later interest interpret transport transporter transparent biology', ' ')) WITH ORDINALITY u(w, i);
-- @during
INSERT INTO user_schema.doc (id, body) VALUES (1000, 'running quickly transporters');
