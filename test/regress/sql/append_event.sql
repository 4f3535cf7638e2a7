-- bulla.append: an event is checked and converted in the call, inserted when the transaction commits.
\set VERBOSITY terse
CREATE DOMAIN given AS text CHECK (VALUE <> 'forbidden');
CREATE DOMAIN needed AS text NOT NULL;
CREATE TABLE ledger (
    id int GENERATED ALWAYS AS IDENTITY,
    what given,
    how_often numeric(6, 2) CHECK (how_often > 0),
    tags text[],
    during int4range,
    more jsonb,
    called_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    shouted text GENERATED ALWAYS AS (upper(what)) STORED,
    "Odd name" text
);
SELECT bulla.create_ledger('ledger') IS NOT NULL AS created;
CREATE FUNCTION sound(VARIADIC ledgers regclass[]) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM unnest(ledgers) AS l CROSS JOIN bulla.verify(l)) THEN
        RAISE EXCEPTION 'not sound: %', (SELECT string_agg(v::text, ' ') FROM unnest(ledgers) AS l CROSS JOIN bulla.verify(l) AS v);
    END IF;
    RETURN true;
END $$;

-- It is there when the transaction is over, in the order of the calls.
BEGIN;
SELECT bulla.append('ledger', '{"what": "first", "how_often": 1.5, "tags": ["a", "b"], "during": "[1,3)", "more": {"a": [1, null]}, "Odd name": "odd"}');
SELECT bulla.append('ledger', '{"what": null, "more": null}');
SELECT bulla.append('ledger', '{}');
SELECT count(*) FROM ledger;
COMMIT;
SELECT seq, id, what, how_often, tags, during, more, shouted, "Odd name" FROM ledger ORDER BY seq;
-- Alone it is a transaction of its own. Its defaults are those of the call.
SELECT bulla.append('ledger', '{"what": "alone"}');
BEGIN;
SELECT clock_timestamp() AS before \gset
SELECT bulla.append('ledger', '{"what": "called"}');
SELECT clock_timestamp() AS after \gset
COMMIT;
SELECT seq, called_at BETWEEN :'before' AND :'after' AS when_called FROM ledger WHERE what = 'called';

-- What is wrong is said in the call; nothing is queued.
BEGIN;
SELECT bulla.append('ledger', '{"what": "kept"}');
CREATE FUNCTION refusal(ledger regclass, event jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM bulla.append(ledger, event);
    RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
SELECT refusal('ledger', '{"when": "now"}');
SELECT refusal('ledger', '{"what": "forbidden"}');
SELECT refusal('ledger', '{"how_often": "often"}');
SELECT refusal('ledger', '{"how_often": -1}');
SELECT refusal('ledger', '{"how_often": 1e9}');
SELECT refusal('ledger', '{"tags": {"a": 1}}');
SELECT refusal('ledger', '{"during": "[3,1)"}');
SELECT refusal('ledger', '{"called_at": null}');
SELECT refusal('ledger', '{"called_at": "yesterday noon"}');
SELECT refusal('ledger', '{"id": 1}');
SELECT refusal('ledger', '{"shouted": "X"}');
SELECT refusal('ledger', '{"seq": 7}');
SELECT refusal('ledger', '{"hash": "\\x00"}');
SELECT refusal('ledger', '["what"]');
SELECT refusal('ledger', '"what"');
SELECT refusal('ledger', 'null');
SELECT refusal('ledger', NULL);
SELECT refusal(NULL, '{}');
SELECT refusal('pg_class', '{}');
SELECT refusal('ledger', '{"what": "kept too"}');
COMMIT;
SELECT what FROM ledger WHERE what LIKE 'kept%' ORDER BY seq;
-- A domain that is not null refuses what is left out, as INSERT does.
CREATE TABLE strict (a needed, b int);
SELECT bulla.create_ledger('strict') IS NOT NULL AS created;
SELECT refusal('strict', '{"b": 1}'), refusal('strict', '{"a": "x"}');
-- Where another trigger still completes the row, its constraints are left to the insert.
CREATE TABLE completed (a text NOT NULL);
CREATE FUNCTION complete() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.a := coalesce(NEW.a, 'completed'); RETURN NEW; END $$;
CREATE TRIGGER complete BEFORE INSERT ON completed FOR EACH ROW EXECUTE FUNCTION complete();
SELECT bulla.create_ledger('completed') IS NOT NULL AS created;
SELECT bulla.append('completed', '{}');
SELECT a, seq FROM completed;

-- A savepoint that is rolled back takes its events with it; one that is released keeps them.
BEGIN;
SELECT bulla.append('ledger', '{"what": "s0"}');
SAVEPOINT a;
SELECT bulla.append('ledger', '{"what": "s1 lost"}');
SAVEPOINT b;
SELECT bulla.append('ledger', '{"what": "s2 lost"}');
RELEASE b;
ROLLBACK TO a;
SELECT bulla.append('ledger', '{"what": "s3"}');
SAVEPOINT c;
SAVEPOINT d;
SELECT bulla.append('ledger', '{"what": "s4"}');
RELEASE c;
DO $$ BEGIN
    FOR i IN 5..9 LOOP
        BEGIN
            PERFORM bulla.append('ledger', jsonb_build_object('what', 's' || i));
            IF i % 2 = 0 THEN RAISE 'back'; END IF;
        EXCEPTION WHEN raise_exception THEN
        END;
    END LOOP;
END $$;
COMMIT;
SELECT array_agg(what ORDER BY seq) FROM ledger WHERE what LIKE 's_%';
BEGIN;
SELECT bulla.append('ledger', '{"what": "rolled back"}');
ROLLBACK;
SELECT count(*) FROM ledger WHERE what = 'rolled back';
-- A procedure that commits in between.
DO $$ BEGIN
    PERFORM bulla.append('ledger', '{"what": "p1"}');
    COMMIT;
    PERFORM bulla.append('ledger', '{"what": "p2"}');
    ROLLBACK;
    PERFORM bulla.append('ledger', '{"what": "p3"}');
END $$;
SELECT array_agg(what ORDER BY seq) FROM ledger WHERE what ~ '^p\d';

-- After rows that were inserted at once, and seen by a verification in the same transaction.
BEGIN;
SELECT bulla.append('ledger', '{"what": "queued"}');
INSERT INTO ledger (what) VALUES ('at once');
COMMIT;
SELECT array_agg(what ORDER BY seq) FROM ledger WHERE what IN ('queued', 'at once');
BEGIN;
SELECT bulla.append('ledger', '{"what": "verified"}');
SELECT verified, head_seq FROM bulla.verify_summary('ledger') \gset
SELECT :'verified' AS verified, max(seq) = :head_seq AS head FROM ledger;
SAVEPOINT a;
SELECT bulla.append('ledger', '{"what": "verified and rolled back"}');
SELECT verified FROM bulla.verify_summary('ledger');
ROLLBACK TO a;
SELECT bulla.append('ledger', '{"what": "verified after that"}');
COMMIT;
SELECT array_agg(what ORDER BY seq) FROM ledger WHERE what LIKE 'verified%';
SELECT sound('ledger', 'completed');

-- Deferred constraints are checked after the insert, and what they append is appended too.
CREATE TABLE known (id int PRIMARY KEY);
INSERT INTO known VALUES (1);
CREATE TABLE referring (known int REFERENCES known DEFERRABLE INITIALLY DEFERRED);
SELECT bulla.create_ledger('referring') IS NOT NULL AS created;
CREATE FUNCTION echo() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM bulla.append('public.ledger', jsonb_build_object('what', 'echo of ' || NEW.known)); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER echo AFTER INSERT ON referring DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION echo();
SELECT bulla.append('referring', '{"known": 1}');
SELECT bulla.append('referring', '{"known": 2}');
BEGIN;
SELECT bulla.append('referring', '{"known": 3}');
INSERT INTO known VALUES (3);
COMMIT;
SELECT known, seq FROM referring ORDER BY seq;
SELECT array_agg(what ORDER BY seq) FROM ledger WHERE what LIKE 'echo%';
SELECT sound('ledger', 'referring');

-- PREPARE TRANSACTION inserts as well.
BEGIN;
SELECT bulla.append('ledger', '{"what": "prepared"}');
PREPARE TRANSACTION 'append_event';
BEGIN;
SELECT count(*) FROM ledger WHERE what = 'prepared';
COMMIT;
COMMIT PREPARED 'append_event';
SELECT bulla.append('ledger', '{"what": "after the prepared one"}');
SELECT array_agg(what ORDER BY seq) FROM ledger WHERE what LIKE '%prepared%';

-- Read-only transactions are refused, also those that become it.
BEGIN READ ONLY;
SELECT bulla.append('ledger', '{"what": "read only"}');
ROLLBACK;
BEGIN;
SELECT bulla.append('ledger', '{"what": "read only"}');
SET TRANSACTION READ ONLY;
COMMIT;
SELECT count(*) FROM ledger WHERE what = 'read only';

-- Whose rights, whose search_path: those of the call, and none that anybody could choose.
CREATE TABLE rights (what text, inserted_by name, search_path text);
CREATE FUNCTION note_rights() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.inserted_by := current_user; NEW.search_path := pg_catalog.current_setting('search_path'); RETURN NEW; END $$;
CREATE TRIGGER note_rights BEFORE INSERT ON rights FOR EACH ROW EXECUTE FUNCTION note_rights();
SELECT bulla.create_ledger('rights') IS NOT NULL AS created;
CREATE ROLE append_event_writer;
CREATE ROLE append_event_reader;
GRANT append_event_writer, append_event_reader TO CURRENT_USER;
GRANT INSERT ON rights TO append_event_writer;
GRANT INSERT (what) ON rights TO append_event_reader;
CREATE FUNCTION append_as_writer(what text) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public
    RETURN bulla.append('rights', jsonb_build_object('what', what));
ALTER FUNCTION append_as_writer(text) OWNER TO append_event_writer;
BEGIN;
SET LOCAL ROLE append_event_writer;
SELECT bulla.append('rights', '{"what": "by the writer"}');
RESET ROLE;
SELECT bulla.append('rights', '{"what": "by the owner"}');
SET LOCAL ROLE append_event_reader;
SELECT append_as_writer('through the writer');
RESET ROLE;
COMMIT;
BEGIN;
SET LOCAL ROLE append_event_reader;
SELECT append_as_writer('through the writer, who still is the reader');
COMMIT;
SELECT what, inserted_by = current_user AS by_owner, CASE WHEN inserted_by <> current_user THEN inserted_by END AS inserted_by,
       search_path
FROM rights ORDER BY seq;
-- INSERT on some of the columns does not do.
SET ROLE append_event_reader;
SELECT refusal('rights', '{"what": "by the reader"}');
RESET ROLE;
-- Nor does it without the right to what a default calls, the second time no more than the first.
CREATE FUNCTION hidden() RETURNS text LANGUAGE sql AS $$ SELECT 'hidden' $$;
REVOKE EXECUTE ON FUNCTION hidden() FROM PUBLIC;
CREATE TABLE defaulted (what text, more text DEFAULT hidden());
SELECT bulla.create_ledger('defaulted') IS NOT NULL AS created;
GRANT INSERT ON defaulted TO append_event_writer;
SET ROLE append_event_writer;
SELECT bulla.append('defaulted', '{"what": "first"}');
SELECT bulla.append('defaulted', '{"what": "second"}');
RESET ROLE;
-- Nor after somebody who has the right, in the same session.
SELECT bulla.append('defaulted', '{"what": "by the owner"}');
SET ROLE append_event_writer;
SELECT bulla.append('defaulted', '{"what": "third"}');
RESET ROLE;
SELECT what, more FROM defaulted ORDER BY seq;
-- Rights and row-level security that stand when the row is inserted.
BEGIN;
SET LOCAL ROLE append_event_writer;
SELECT bulla.append('rights', '{"what": "revoked"}');
RESET ROLE;
REVOKE INSERT ON rights FROM append_event_writer;
COMMIT;
ALTER TABLE rights ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON rights TO append_event_writer;
CREATE POLICY no_secrets ON rights TO append_event_writer USING (true) WITH CHECK (what <> 'secret');
SET ROLE append_event_writer;
SELECT bulla.append('rights', '{"what": "public"}');
SELECT bulla.append('rights', '{"what": "secret"}');
RESET ROLE;
SELECT array_agg(what ORDER BY seq) FROM rights WHERE what IN ('public', 'secret');
ALTER TABLE rights DISABLE ROW LEVEL SECURITY;

-- Code that runs in somebody else's maintenance must not leave an insert behind for after it.
CREATE TABLE trap (id int);
INSERT INTO trap VALUES (1);
CREATE FUNCTION spring(id int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN PERFORM bulla.append('public.rights', '{"what": "sprung"}'); RETURN id; END $$;
CREATE INDEX ON trap (spring(id));
CREATE MATERIALIZED VIEW trap_view AS SELECT spring(id) FROM trap WITH NO DATA;
REFRESH MATERIALIZED VIEW trap_view;
SELECT count(*) FROM rights WHERE what = 'sprung';

-- The ledger changes in the same transaction.
BEGIN;
SELECT bulla.append('ledger', '{"what": "before the column"}');
ALTER TABLE ledger ADD COLUMN added text;
SELECT bulla.append('ledger', '{"what": "after the column", "added": "new"}');
ALTER TABLE ledger RENAME TO renamed;
ALTER TABLE renamed RENAME TO ledger;
COMMIT;
SELECT what, added FROM ledger WHERE what LIKE '%the column' ORDER BY seq;
SELECT bulla.append('ledger', '{"what": "with a new plan", "added": "new"}');
CREATE TABLE gone (a int);
SELECT bulla.create_ledger('gone') IS NOT NULL AS created;
BEGIN;
SELECT bulla.append('gone', '{"a": 1}');
SELECT bulla.drop_ledger('gone');
COMMIT;
SELECT sound('ledger');

-- A default that appends to the same ledger.
CREATE TABLE nested (a int, b int);
SELECT bulla.create_ledger('nested') IS NOT NULL AS created;
CREATE FUNCTION inner_append() RETURNS int LANGUAGE plpgsql AS $$
BEGIN PERFORM bulla.append('nested', '{"a": 1, "b": 1}'); RETURN 2; END $$;
ALTER TABLE nested ALTER b SET DEFAULT inner_append();
SELECT bulla.append('nested', '{"a": 2}');
SELECT a, b FROM nested ORDER BY seq;

-- Chains, partitions, and more chains than are locked one by one.
CREATE TABLE tenants (tenant int NOT NULL, n int, filed date NOT NULL DEFAULT '2024-01-01') PARTITION BY RANGE (filed);
CREATE TABLE tenants_2024 PARTITION OF tenants FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE tenants_2025 PARTITION OF tenants FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
SELECT bulla.create_ledger('tenants', '{tenant}') IS NOT NULL AS created;
SELECT count(bulla.append('tenants', jsonb_build_object('tenant', g % 200, 'n', g, 'filed', date '2024-12-01' + g % 60)))
FROM generate_series(1, 1000) AS g;
SELECT count(*), count(DISTINCT tenant), max(seq) FROM tenants;
SELECT bool_and(n > before) AS in_order FROM (SELECT n, lag(n) OVER (PARTITION BY tenant ORDER BY seq) AS before FROM tenants) AS t WHERE before IS NOT NULL;
SELECT refusal('tenants_2024', '{"tenant": 1}');
SELECT sound('tenants', 'nested');

-- A million events: what does not fit into memory waits in a file, from which a savepoint takes its part back.
CREATE TABLE many (n int);
SELECT bulla.create_ledger('many') IS NOT NULL AS created;
SET work_mem = '64kB';
BEGIN;
SELECT count(bulla.append('many', jsonb_build_object('n', g))) FROM generate_series(1, 500000) AS g;
SAVEPOINT a;
SELECT count(bulla.append('many', jsonb_build_object('n', -g))) FROM generate_series(1, 100000) AS g;
ROLLBACK TO a;
SELECT count(bulla.append('many', jsonb_build_object('n', g))) FROM generate_series(500001, 1000000) AS g;
COMMIT;
RESET work_mem;
SELECT count(*), count(*) FILTER (WHERE n = seq + 1) AS in_order FROM many;
SELECT sound('many');
-- Back before the file begins.
SET work_mem = '64kB';
BEGIN;
SELECT bulla.append('many', '{"n": 1}');
SAVEPOINT a;
SELECT count(bulla.append('many', jsonb_build_object('n', -g))) FROM generate_series(1, 10000) AS g;
ROLLBACK TO a;
SELECT count(bulla.append('many', jsonb_build_object('n', g))) FROM generate_series(2, 10000) AS g;
COMMIT;
RESET work_mem;
SELECT count(*), count(*) FILTER (WHERE n = seq - 999999) AS in_order FROM many WHERE seq >= 1000000;
-- A disk that is full, to the temporary file: the call fails, and nothing is half done.
SET work_mem = '64kB';
SET temp_file_limit = '1MB';
\set VERBOSITY sqlstate
SELECT count(bulla.append('many', jsonb_build_object('n', g))) FROM generate_series(1, 100000) AS g;
\set VERBOSITY terse
RESET temp_file_limit;
RESET work_mem;
SELECT count(*) FROM many;

-- Somebody else takes part in the commit, and appends when bulla has done its part, or before: the module is
-- loaded first unless bulla is preloaded.
\c
CREATE FUNCTION run_at_commit(statement text) RETURNS void LANGUAGE C STRICT AS 'bulla_test', 'bulla_test_run_at_commit';
SELECT run_at_commit('SELECT 1');
SELECT bulla.append('ledger', '{"what": "bulla is loaded"}');
BEGIN;
SELECT bulla.append('ledger', '{"what": "in time"}');
SELECT run_at_commit($$SELECT bulla.append('ledger', '{"what": "late"}'), bulla.append('referring', '{"known": 1}')$$);
COMMIT;
BEGIN;
SELECT run_at_commit($$SELECT bulla.append('ledger', '{"what": "late alone"}')$$);
COMMIT;
-- A deferred constraint holds for it too.
BEGIN;
SELECT run_at_commit($$SELECT bulla.append('referring', '{"known": 99}')$$);
COMMIT;
SELECT what, seq - min(seq) OVER () AS place FROM ledger WHERE what LIKE '%late%' OR what IN ('in time') ORDER BY seq;
SELECT known FROM referring ORDER BY seq;
SELECT sound('ledger', 'referring');

DROP OWNED BY append_event_writer, append_event_reader;
DROP ROLE append_event_writer, append_event_reader;
