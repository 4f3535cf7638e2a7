-- Sealed values are found by equality, through an index that does not tell them.
\set VERBOSITY terse
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_searcher, regress_holder;
CREATE ROLE regress_searcher;
CREATE ROLE regress_holder;
RESET client_min_messages;
SELECT bulla.create_key('find', 'index') IS NOT NULL AS created;
SELECT bulla.create_key('find too', 'index', 'HMAC-SHA-256') IS NOT NULL AS created;
SELECT bulla.create_key('seal') IS NOT NULL AS created;
\set VERBOSITY default
SELECT bulla.create_key('new', 'index', 'XAES-256-GCM');
SELECT bulla.create_key('new', 'encrypt', 'HMAC-SHA-256');
\set VERBOSITY terse
SELECT name, purpose, algorithm, version, state FROM bulla.keys ORDER BY name COLLATE "C";
-- The functions of sealing do not take its key, nor the other way round.
SELECT bulla.encrypt('x', 'find');
SELECT bulla.blind_index('x', 'seal', '');
SELECT bulla.blind_index('x', 'no such key', '');

-- Equal where value, key and context are equal, and nowhere else.
SELECT bulla.blind_index('ada', 'find', 'c') = bulla.blind_index('ada', 'find', 'c') AS same, bulla.blind_index('ada', 'find', 'c') = bulla.search_token('ada', 'find', 'c') AS twin,
    bulla.blind_index('ada', 'find', 'c') = bulla.blind_index('Ada', 'find', 'c') AS other_value, bulla.blind_index('ada', 'find', 'c') = bulla.blind_index('ada', 'find', 'd') AS other_context,
    bulla.blind_index('ada', 'find', 'c') = bulla.blind_index('ada', 'find too', 'c') AS other_key, bulla.blind_index('b', 'find', 'ca') = bulla.blind_index('ab', 'find', 'c') AS moved;
-- Many contexts in turn, as a statement over tenants has them.
SELECT count(*), count(DISTINCT bulla.blind_index('x', 'find', 'tenant ' || g % 10)) AS contexts,
    count(DISTINCT bulla.blind_index('x', 'find', 'tenant ' || g % 10) || bulla.blind_index('x', 'find too', 'tenant ' || g % 10)) AS both FROM generate_series(1, 1000) AS g;
SELECT count(DISTINCT bulla.blind_index(g::text, 'find', '')) FROM generate_series(1, 10000) AS g;
-- Cut to bits: the beginning of the whole.
SELECT bits, octet_length(index), index = substr(bulla.blind_index('ada', 'find', 'c'), 1, bits / 8) AS beginning
FROM unnest('{8,16,32,64,128,256}'::int[]) AS bits, LATERAL bulla.blind_index('ada', 'find', 'c', bits) AS index;
SELECT octet_length(bulla.blind_index('ada', 'find', 'c')) AS default_size, octet_length(bulla.search_token('ada', 'find', 'c', bits => 64)) AS named;
SELECT bulla.blind_index('', 'find', '') IS NOT NULL AS empty, bulla.blind_index(repeat('x', 1000000), 'find', repeat('c', 512)) IS NOT NULL AS long;
\set VERBOSITY default
SELECT bulla.blind_index('ada', 'find', 'c', 12);
\set VERBOSITY terse
SELECT bulla.blind_index('ada', 'find', 'c', 0);
SELECT bulla.blind_index('ada', 'find', 'c', -8);
SELECT bulla.blind_index('ada', 'find', 'c', 264);
SELECT bulla.blind_index('ada', 'find', repeat('c', 513));
-- NULL gives NULL; a NULL elsewhere is an error.
SELECT bulla.blind_index(NULL, 'find', 'c'), bulla.search_token(NULL, NULL, NULL, NULL);
SELECT bulla.blind_index('x', NULL, 'c');
SELECT bulla.blind_index('x', 'find', NULL);
SELECT bulla.search_token('x', 'find', 'c', NULL);

-- On an index over the expression, and on one over a column, beside the value that is sealed.
CREATE TABLE patients (id int PRIMARY KEY, email text, sealed text);
INSERT INTO patients SELECT g, 'p' || g || '@example.org', bulla.encrypt('p' || g || '@example.org', 'seal', 'patients.email:' || g) FROM generate_series(1, 2000) AS g;
CREATE INDEX patients_email ON patients (bulla.blind_index(lower(email), 'find', 'patients.email'));
ANALYZE patients;
EXPLAIN (COSTS OFF) SELECT id FROM patients WHERE bulla.blind_index(lower(email), 'find', 'patients.email') = bulla.search_token('p7@example.org', 'find', 'patients.email');
SELECT id, email FROM patients WHERE bulla.blind_index(lower(email), 'find', 'patients.email') = bulla.search_token('p7@example.org', 'find', 'patients.email');
SELECT id FROM patients WHERE bulla.blind_index(lower(email), 'find', 'patients.email') = bulla.search_token('nobody', 'find', 'patients.email');
INSERT INTO patients VALUES (3000, 'P7@Example.org');
UPDATE patients SET email = 'p8@example.org' WHERE id = 9;
DELETE FROM patients WHERE id = 8;
SELECT id FROM patients WHERE bulla.blind_index(lower(email), 'find', 'patients.email') = bulla.search_token('p7@example.org', 'find', 'patients.email') ORDER BY id;
SELECT id FROM patients WHERE bulla.blind_index(lower(email), 'find', 'patients.email') = bulla.search_token('p8@example.org', 'find', 'patients.email') ORDER BY id;
ALTER TABLE patients ADD COLUMN email_index bytea;
UPDATE patients SET email_index = bulla.blind_index(lower(email), 'find', 'patients.email_index', 32);
DROP INDEX patients_email;
CREATE INDEX patients_email ON patients (email_index);
ANALYZE patients;
EXPLAIN (COSTS OFF) SELECT id FROM patients WHERE email_index = bulla.search_token('p10@example.org', 'find', 'patients.email_index', 32);
-- A short index finds more than is asked for; the sealed value says which it is.
SELECT id, bulla.decrypt(sealed, 'patients.email:' || id) AS opened FROM patients
WHERE email_index = bulla.search_token('p10@example.org', 'find', 'patients.email_index', 32) AND bulla.decrypt(sealed, 'patients.email:' || id) = 'p10@example.org';
CREATE UNIQUE INDEX ON patients (bulla.blind_index(sealed, 'find', 'unique'));
INSERT INTO patients (id, sealed) SELECT 4000, sealed FROM patients WHERE id = 1;

-- search_token asks at every run; what the planner has computed from blind_index it keeps.
CREATE TABLE people (email_index bytea);
INSERT INTO people SELECT bulla.blind_index('p' || g, 'find', 'people') FROM generate_series(1, 100) AS g;
GRANT SELECT ON people TO regress_searcher;
SELECT bulla.grant_key('find', 'regress_searcher', 'index');
SET plan_cache_mode = force_generic_plan;
SET ROLE regress_searcher;
PREPARE by_token AS SELECT count(*) FROM people WHERE email_index = bulla.search_token('p1', 'find', 'people');
PREPARE by_index AS SELECT count(*) FROM people WHERE email_index = bulla.blind_index('p1', 'find', 'people');
EXECUTE by_token;
EXECUTE by_index;
RESET ROLE;
SELECT bulla.revoke_key('find', 'regress_searcher', 'index');
SET ROLE regress_searcher;
EXECUTE by_token;
EXECUTE by_index;
RESET ROLE;
UPDATE bulla.key_versions SET state = 'disabled' FROM bulla.key_names AS k WHERE k.key_id = key_versions.key_id AND k.name = 'find';
EXECUTE by_token;
UPDATE bulla.key_versions SET state = 'enabled';
EXECUTE by_token;
DEALLOCATE ALL;
RESET plan_cache_mode;

-- The right is asked of who writes, and, where the index is built or analysed, of the table's owner.
CREATE TABLE held (email text);
INSERT INTO held VALUES ('a');
ALTER TABLE held OWNER TO regress_holder;
GRANT INSERT ON held TO regress_searcher;
CREATE INDEX held_email ON held (bulla.blind_index(email, 'find', 'held'));
SELECT bulla.grant_key('find', 'regress_holder', 'index');
CREATE INDEX held_email ON held (bulla.blind_index(email, 'find', 'held'));
SET ROLE regress_searcher;
INSERT INTO held VALUES ('b');
RESET ROLE;
SELECT bulla.grant_key('find', 'regress_searcher', 'index');
SET ROLE regress_searcher;
INSERT INTO held VALUES ('b');
RESET ROLE;
ANALYZE held;
SELECT bulla.revoke_key('find', 'regress_holder', 'index');
ANALYZE held;
REINDEX TABLE held;

SELECT p.oid::regprocedure AS function, provolatile AS volatile, proleakproof AS leakproof, proparallel AS parallel FROM pg_proc AS p
WHERE pronamespace = 'bulla'::regnamespace AND prosrc = 'bulla_blind_index' ORDER BY 1;
SELECT obj_description('bulla.blind_index'::regproc, 'pg_proc') ~ 'small domain' AS warns;
DROP TABLE held;
DROP OWNED BY regress_searcher, regress_holder;
DROP ROLE regress_searcher, regress_holder;
