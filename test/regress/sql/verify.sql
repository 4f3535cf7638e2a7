-- bulla.verify finds what was done to a ledger past its triggers, and finds nothing else.
\set VERBOSITY terse

-- Tampering: what a superuser does with the triggers off, who puts them on again. The event triggers that would refuse
-- that are switched off by ALTER EVENT TRIGGER, which no event trigger hears of.
CREATE PROCEDURE judge(state text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE (SELECT string_agg(format('ALTER EVENT TRIGGER %I %s', evtname, state), ';') FROM pg_event_trigger WHERE evtname LIKE 'bulla%');
END $$;
CREATE PROCEDURE tamper(ledger regclass, VARIADIC statements text[]) LANGUAGE plpgsql AS $$
DECLARE
    statement text;
    trigger record;
BEGIN
    CALL judge('DISABLE');
    FOR trigger IN SELECT c.relid, t.tgname FROM pg_partition_tree(ledger) AS c JOIN pg_trigger AS t ON t.tgrelid = c.relid
        WHERE t.tgfoid::regproc::text LIKE 'bulla.%' UNION ALL
        SELECT tgrelid, tgname FROM pg_trigger WHERE tgrelid = ledger AND tgfoid::regproc::text LIKE 'bulla.%'
    LOOP
        EXECUTE format('ALTER TABLE %s DISABLE TRIGGER %I', trigger.relid::regclass, trigger.tgname);
    END LOOP;
    FOREACH statement IN ARRAY statements LOOP
        EXECUTE statement;
    END LOOP;
    FOR trigger IN SELECT c.relid, t.tgname FROM pg_partition_tree(ledger) AS c JOIN pg_trigger AS t ON t.tgrelid = c.relid
        WHERE t.tgfoid::regproc::text LIKE 'bulla.%' UNION ALL
        SELECT tgrelid, tgname FROM pg_trigger WHERE tgrelid = ledger AND tgfoid::regproc::text LIKE 'bulla.%'
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', trigger.relid::regclass, trigger.tgname);
    END LOOP;
    CALL judge('ENABLE ALWAYS');
END $$;

-- The findings in order, with what differs from run to run left out.
CREATE FUNCTION findings(ledger regclass, chain text DEFAULT NULL, from_seq bigint DEFAULT NULL, to_seq bigint DEFAULT NULL)
    RETURNS TABLE (chain text, seq bigint, verdict text, detail text) LANGUAGE sql AS $$
SELECT chain, seq, verdict, regexp_replace(regexp_replace(detail, '[0-9a-f]{64}', '…', 'g'), '\(\d+,\d+\)', '(…)')
FROM bulla.verify(ledger, chain, from_seq, to_seq) ORDER BY chain COLLATE "C", seq, verdict, detail
$$;
CREATE FUNCTION summary(ledger regclass) RETURNS TABLE (verified boolean, rows_checked bigint, chains bigint,
    broken_chain text, broken_at bigint, verdict text, head_seq bigint, head_is_last boolean, timed boolean, notes text[])
    LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE format('SELECT s.verified, s.rows_checked, s.chains, s.broken_chain, s.broken_at, s.verdict, s.head_seq,
        s.head_hash = (SELECT hash FROM %s ORDER BY seq DESC LIMIT 1), s.duration >= interval ''0'',
        regexp_replace(s.notes::text, ''at \d.*'', ''at …"}'')::text[] FROM bulla.verify_summary(%L) AS s', ledger, ledger);
END $$;
-- A ledger of ten rows, and the same one again after each test.
CREATE PROCEDURE make_ledger() LANGUAGE plpgsql AS $$
BEGIN
    IF to_regclass('ledger') IS NOT NULL THEN
        PERFORM bulla.drop_ledger('ledger');
        DROP TABLE ledger;
    END IF;
    CREATE TABLE ledger (id int PRIMARY KEY, note text);
    PERFORM bulla.create_ledger('ledger');
    INSERT INTO ledger SELECT g, 'note ' || g FROM generate_series(0, 9) AS g;
END $$;
SET client_min_messages = warning;

-- Nothing wrong.
CALL make_ledger();
SELECT * FROM findings('ledger');
SELECT * FROM summary('ledger');
CREATE TABLE empty (a int);
SELECT bulla.create_ledger('empty') IS NOT NULL AS created;
SELECT * FROM findings('empty');
SELECT * FROM summary('empty');

-- A row that was altered, by a value, to NULL and from NULL, or by nothing that is in the record.
CALL tamper('ledger', 'UPDATE ledger SET note = ''forged'' WHERE seq = 3');
SELECT * FROM findings('ledger');
SELECT * FROM summary('ledger');
CALL tamper('ledger', 'UPDATE ledger SET note = NULL WHERE seq = 0', 'UPDATE ledger SET note = ''note 3'' WHERE seq = 3',
    'UPDATE ledger SET id = 90 WHERE seq = 9');
SELECT * FROM findings('ledger');
CALL make_ledger();
CALL tamper('ledger', 'UPDATE ledger SET note = note');
SELECT * FROM findings('ledger');

-- Altered together with its own hash: the next row does not link to it any more.
CREATE FUNCTION rehash(changed int, new_note text) RETURNS bytea LANGUAGE sql AS $$
SELECT sha256('\x00'::bytea || overlay(bulla.row_record('ledger', '', changed) PLACING
    int4send(octet_length(new_note)) || convert_to(new_note, 'UTF8') FROM 62 FOR 4 + 6))
$$;
SELECT rehash(4, 'note 4') = hash AS formula_is_right FROM ledger WHERE seq = 4;
CALL tamper('ledger', 'UPDATE ledger SET note = ''forged'', hash = rehash(4, ''forged'') WHERE seq = 4');
SELECT * FROM findings('ledger');
SELECT * FROM summary('ledger');
-- Altering the last row so cannot be seen in the table alone.
CALL make_ledger();
CALL tamper('ledger', 'UPDATE ledger SET note = ''forged'', hash = rehash(9, ''forged'') WHERE seq = 9');
SELECT * FROM findings('ledger');

-- Links and hashes written over.
CALL make_ledger();
CALL tamper('ledger', 'UPDATE ledger SET prev_hash = hash WHERE seq = 5');
SELECT * FROM findings('ledger');
CALL make_ledger();
CALL tamper('ledger', 'UPDATE ledger SET hash = prev_hash WHERE seq = 5');
SELECT * FROM findings('ledger');
CALL make_ledger();
CALL tamper('ledger', 'UPDATE ledger SET prev_hash = hash WHERE seq = 0');
SELECT * FROM findings('ledger');
CALL make_ledger();
CALL tamper('ledger', 'UPDATE ledger SET hash = ''\x00'' WHERE seq = 5', 'UPDATE ledger SET prev_hash = '''' WHERE seq = 7');
SELECT * FROM findings('ledger');

-- Rows that are gone: in the middle, several, the first, all but the last; the last cannot be missed.
CALL make_ledger();
CALL tamper('ledger', 'DELETE FROM ledger WHERE seq = 3');
SELECT * FROM findings('ledger');
SELECT * FROM summary('ledger');
CALL tamper('ledger', 'DELETE FROM ledger WHERE seq IN (5, 6, 8)');
SELECT * FROM findings('ledger');
CALL tamper('ledger', 'DELETE FROM ledger WHERE seq <= 1');
SELECT * FROM findings('ledger');
CALL tamper('ledger', 'DELETE FROM ledger WHERE seq < 9');
SELECT * FROM findings('ledger');
SELECT * FROM summary('ledger');
CALL make_ledger();
CALL tamper('ledger', 'DELETE FROM ledger WHERE seq = 9');
SELECT * FROM findings('ledger');

-- Rows that are there twice, exchanged or renumbered.
CALL make_ledger();
CALL tamper('ledger', 'DROP INDEX ledger_seq_idx', 'INSERT INTO ledger SELECT id + 100, note, seq, prev_hash, hash FROM ledger WHERE seq IN (0, 4)');
SELECT * FROM findings('ledger');
CALL make_ledger();
CALL tamper('ledger', 'ALTER TABLE ledger DROP CONSTRAINT ledger_pkey', 'DROP INDEX ledger_seq_idx', 'INSERT INTO ledger SELECT * FROM ledger WHERE seq = 4');
SELECT * FROM findings('ledger');
CALL make_ledger();
CALL tamper('ledger', 'DROP INDEX ledger_seq_idx', 'UPDATE ledger SET seq = CASE seq WHEN 4 THEN 5 ELSE 4 END WHERE seq IN (4, 5)');
SELECT * FROM findings('ledger');
CALL make_ledger();
CALL tamper('ledger', 'UPDATE ledger SET id = id + 1000',
    'UPDATE ledger SET id = CASE seq WHEN 4 THEN 5 WHEN 5 THEN 4 ELSE seq END, note = ''note '' || CASE seq WHEN 4 THEN 5 WHEN 5 THEN 4 ELSE seq END');
SELECT * FROM findings('ledger');

-- Numbers no row can have.
CALL make_ledger();
CALL tamper('ledger', 'UPDATE ledger SET seq = -1 WHERE seq = 9', 'ALTER TABLE ledger ALTER seq DROP NOT NULL',
    'UPDATE ledger SET seq = NULL WHERE seq = 8', 'ALTER TABLE ledger ALTER hash DROP NOT NULL', 'UPDATE ledger SET hash = NULL WHERE seq = 7');
SELECT * FROM findings('ledger');
SELECT * FROM findings('ledger', '');
SELECT * FROM findings('ledger', '', 0, 2);
SELECT * FROM findings('ledger', '', 1, 2);
SELECT * FROM summary('ledger');
CALL make_ledger();
CALL tamper('ledger', 'UPDATE ledger SET seq = 9223372036854775807 WHERE seq = 9');
SELECT * FROM findings('ledger');
CALL make_ledger();
CALL tamper('ledger', 'UPDATE ledger SET seq = 9223372036854775806 WHERE seq = 9');
SELECT * FROM findings('ledger');
SELECT * FROM findings('ledger', '', 8, 20);

-- A part of the chain, with its borders.
CALL make_ledger();
CALL tamper('ledger', 'DELETE FROM ledger WHERE seq BETWEEN 5 AND 7', 'UPDATE ledger SET note = ''forged'' WHERE seq IN (0, 9)');
SELECT * FROM findings('ledger', NULL, 1, 4);
SELECT * FROM findings('ledger', '', 1, 4);
SELECT * FROM findings('ledger', '', 0, 0);
SELECT * FROM findings('ledger', '', 5, 5);
SELECT * FROM findings('ledger', NULL, 5, 5);
SELECT * FROM findings('ledger', '', 6, 6);
SELECT * FROM findings('ledger', NULL, 6, 6);
SELECT * FROM findings('ledger', '', 7, 8);
SELECT * FROM findings('ledger', NULL, 7, 8);
SELECT * FROM findings('ledger', '', 8, 8);
SELECT * FROM findings('ledger', '', 8);
SELECT * FROM findings('ledger', '', NULL, 5);
SELECT * FROM findings('ledger', '', 10, 20);
SELECT * FROM findings('ledger', NULL, 10, 20);
SELECT * FROM findings('ledger', '', 4, 3);
SELECT * FROM findings('ledger', '', 9223372036854775807, 9223372036854775807);
SELECT * FROM findings('ledger', '', -1);
SELECT * FROM findings('ledger', '', 0, -1);
SELECT * FROM findings('ledger', 'x');
-- The row before the range counts for the link.
CALL make_ledger();
CALL tamper('ledger', 'UPDATE ledger SET note = ''forged'', hash = rehash(4, ''forged'') WHERE seq = 4');
SELECT * FROM findings('ledger', '', 5, 6);
SELECT * FROM findings('ledger', NULL, 5, 6);
SELECT * FROM findings('ledger', '', 6, 7);

-- Chains for themselves, with names of every kind.
CREATE TABLE chains (kind text NOT NULL, number int NOT NULL, id int);
SELECT bulla.create_ledger('chains', '{kind,number}') IS NOT NULL AS created;
INSERT INTO chains SELECT k, n, i FROM unnest('{a,"",",","\"","\\","(x)"," ","é"}'::text[]) AS k, generate_series(1, 2) AS n, generate_series(1, 3) AS i;
SELECT * FROM findings('chains');
SELECT * FROM summary('chains');
CALL tamper('chains', 'UPDATE chains SET id = 100 WHERE seq = 1 AND number = 2', 'DELETE FROM chains WHERE kind = ''"'' AND seq = 0');
SELECT * FROM findings('chains');
SELECT * FROM summary('chains');
SELECT (SELECT count(*) FROM findings('chains', c.chain)) AS by_name, c.chain
FROM (SELECT DISTINCT ROW(kind, number)::text AS chain FROM chains) AS c ORDER BY c.chain COLLATE "C";
SELECT * FROM findings('chains', '(a,1)');
SELECT * FROM findings('chains', '("a",1)');
SELECT * FROM findings('chains', 'a');
SELECT * FROM findings('chains', '(a,x)');
-- A row moved to another chain is missing in one and altered in the other.
CREATE TABLE lanes (lane text NOT NULL, id int);
SELECT bulla.create_ledger('lanes', '{lane}') IS NOT NULL AS created;
INSERT INTO lanes SELECT CASE g % 2 WHEN 0 THEN 'even' ELSE 'odd' END, g FROM generate_series(0, 8) AS g;
CALL tamper('lanes', 'UPDATE lanes SET lane = ''odd'' WHERE lane = ''even'' AND seq = 4');
SELECT * FROM findings('lanes');
CALL tamper('lanes', 'UPDATE lanes SET lane = ''new'' WHERE lane = ''odd'' AND seq = 1');
SELECT * FROM findings('lanes');
SELECT * FROM findings('lanes', 'new');
CALL tamper('lanes', 'UPDATE lanes SET lane = repeat(''x'', 1100) WHERE lane = ''new''', 'ALTER TABLE lanes ALTER lane DROP NOT NULL',
    'UPDATE lanes SET lane = NULL WHERE lane = ''even'' AND seq = 0');
SELECT * FROM findings('lanes');
SELECT * FROM summary('lanes');

-- What else changes rows under the hashes: columns that get another name, type or default.
CALL make_ledger();
CALL judge('DISABLE');
ALTER TABLE ledger RENAME COLUMN note TO remark;
SELECT count(*), min(verdict) FROM findings('ledger');
ALTER TABLE ledger RENAME COLUMN remark TO note;
ALTER TABLE ledger ADD COLUMN extra int DEFAULT 7;
SELECT count(*), min(verdict) FROM findings('ledger');
ALTER TABLE ledger DROP COLUMN extra;
ALTER TABLE ledger ALTER COLUMN id TYPE text USING id || '!';
SELECT count(*), min(verdict) FROM findings('ledger');
ALTER TABLE ledger ALTER COLUMN id TYPE int USING replace(id, '!', '')::int;
SELECT * FROM findings('ledger');
CALL judge('ENABLE ALWAYS');
ALTER TABLE ledger RENAME TO renamed;
CREATE SCHEMA elsewhere;
ALTER TABLE renamed SET SCHEMA elsewhere;
SELECT * FROM findings('elsewhere.renamed');
INSERT INTO elsewhere.renamed VALUES (10, 'note 10') RETURNING seq;
SELECT * FROM findings('elsewhere.renamed');
ALTER TABLE elsewhere.renamed SET SCHEMA public;
SELECT bulla.drop_ledger('renamed');
DROP TABLE renamed;

-- Triggers that are gone, off, or not what they were. The ledger goes on telling what it is as long as one
-- of them is left.
CREATE PROCEDURE show(ledger regclass, VARIADIC statements text[]) LANGUAGE plpgsql AS $$
DECLARE
    statement text;
    finding record;
BEGIN
    CALL judge('DISABLE');
    FOREACH statement IN ARRAY statements LOOP
        EXECUTE replace(statement, 'ID', (SELECT id::text FROM bulla.ledgers AS l WHERE l.ledger = show.ledger));
    END LOOP;
    CALL judge('ENABLE ALWAYS');
    FOR finding IN SELECT * FROM findings(ledger) LOOP
        RAISE WARNING '% % % %', finding.chain, finding.seq, finding.verdict, finding.detail;
    END LOOP;
    ROLLBACK;
END $$;
CALL make_ledger();
CALL show('ledger', 'DROP TRIGGER zzz_bulla_chain_row ON ledger');
CALL show('ledger', 'DROP TRIGGER bulla_confirm_row ON ledger');
CALL show('ledger', 'DROP TRIGGER bulla_refuse_change ON ledger', 'DROP TRIGGER bulla_refuse_truncate ON ledger');
CALL show('ledger', 'ALTER TABLE ledger DISABLE TRIGGER ALL');
CALL show('ledger', 'ALTER TABLE ledger ENABLE TRIGGER bulla_refuse_change');
CALL show('ledger', 'ALTER TABLE ledger ENABLE REPLICA TRIGGER bulla_refuse_change');
CALL show('ledger', 'ALTER TABLE ledger DISABLE TRIGGER bulla_open_statement');
CALL show('ledger', 'DROP TRIGGER bulla_refuse_truncate ON ledger', 'DROP TRIGGER bulla_open_statement ON ledger',
    'DROP TRIGGER bulla_close_statement ON ledger', 'DROP TRIGGER bulla_confirm_row ON ledger', 'DROP TRIGGER zzz_bulla_chain_row ON ledger');
CALL show('ledger', 'CREATE OR REPLACE TRIGGER bulla_refuse_change BEFORE UPDATE OR DELETE ON ledger FOR EACH ROW WHEN (OLD.id > 5)
    EXECUTE FUNCTION bulla.refuse_change(''ID'', ''2024-01-01 00:00:00+00'', ''postgres'', ''0'')', 'ALTER TABLE ledger ENABLE ALWAYS TRIGGER bulla_refuse_change');
CALL show('ledger', 'DROP TRIGGER bulla_refuse_change ON ledger', 'CREATE TRIGGER bulla_refuse_change BEFORE UPDATE OF note OR DELETE ON ledger FOR EACH ROW
    EXECUTE FUNCTION bulla.refuse_change(''ID'', ''2024-01-01 00:00:00+00'', ''postgres'', ''0'')', 'ALTER TABLE ledger ENABLE ALWAYS TRIGGER bulla_refuse_change');
CALL show('ledger', 'DROP TRIGGER bulla_refuse_change ON ledger', 'CREATE TRIGGER bulla_refuse_change BEFORE DELETE ON ledger FOR EACH ROW
    EXECUTE FUNCTION bulla.refuse_change(''ID'', ''2024-01-01 00:00:00+00'', ''postgres'', ''0'')', 'ALTER TABLE ledger ENABLE ALWAYS TRIGGER bulla_refuse_change');
CALL show('ledger', 'DROP TRIGGER bulla_confirm_row ON ledger', 'CREATE TRIGGER bulla_confirm_row AFTER INSERT ON ledger FOR EACH ROW
    EXECUTE FUNCTION bulla.confirm_row(''00000000-0000-0000-0000-000000000000'', ''2024-01-01 00:00:00+00'', ''postgres'', ''0'')',
    'ALTER TABLE ledger ENABLE ALWAYS TRIGGER bulla_confirm_row');
CALL show('ledger', 'DROP TRIGGER bulla_confirm_row ON ledger', 'CREATE TRIGGER bulla_confirm_row AFTER INSERT ON ledger FOR EACH ROW
    EXECUTE FUNCTION bulla.confirm_row()', 'ALTER TABLE ledger ENABLE ALWAYS TRIGGER bulla_confirm_row');
CALL show('ledger', 'DROP TRIGGER bulla_refuse_change ON ledger', 'CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS ''BEGIN RETURN NEW; END''',
    'CREATE TRIGGER bulla_refuse_change BEFORE UPDATE OR DELETE ON ledger FOR EACH ROW EXECUTE FUNCTION public.refuse_change()');
-- The right triggers under other names protect as well.
CALL show('ledger', 'ALTER TRIGGER bulla_refuse_change ON ledger RENAME TO other_name');
-- One that is put off to the end of the transaction confirms too late.
BEGIN;
CALL judge('DISABLE');
DO $$
BEGIN
    DROP TRIGGER bulla_confirm_row ON ledger;
    EXECUTE format('CREATE CONSTRAINT TRIGGER bulla_confirm_row AFTER INSERT ON ledger DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION bulla.confirm_row(%L, %L, %L, %L)', id, '2024-01-01 00:00:00+00', 'postgres', '0')
    FROM bulla.ledgers WHERE ledger = 'ledger'::regclass;
    ALTER TABLE ledger ENABLE ALWAYS TRIGGER bulla_confirm_row;
END $$;
CALL judge('ENABLE ALWAYS');
SELECT verdict FROM findings('ledger');
ROLLBACK;
-- Switched off and on again leaves no trace.
CALL tamper('ledger', 'SELECT 1');
SELECT * FROM findings('ledger');
-- All the triggers that name the ledger replaced by those of another one: every row is altered.
CALL show('ledger', 'UPDATE pg_trigger SET tgargs = decode(replace(encode(tgargs, ''hex''), encode(''ID'', ''hex''),
    encode(''00000000-0000-0000-0000-000000000000'', ''hex'')), ''hex'') WHERE tgrelid = ''ledger''::regclass',
    'ALTER TABLE ledger ALTER note SET DEFAULT ''x''');
SELECT * FROM findings('ledger');

-- Partitions: each is looked at, also one that was attached later.
CREATE TABLE parts (id int, note text) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
SELECT bulla.create_ledger('parts') IS NOT NULL AS created;
INSERT INTO parts SELECT g, 'p' FROM generate_series(0, 4) AS g;
SELECT * FROM findings('parts');
CREATE TABLE parts_2 (note text, id int, seq bigint, prev_hash bytea NOT NULL, hash bytea NOT NULL);
ALTER TABLE parts_2 ALTER seq SET NOT NULL;
ALTER TABLE parts ATTACH PARTITION parts_2 FOR VALUES FROM (10) TO (20);
INSERT INTO parts VALUES (10, 'p'), (5, 'p');
SELECT * FROM findings('parts');
SELECT * FROM summary('parts');
CALL judge('DISABLE');
ALTER TABLE parts_2 DISABLE TRIGGER zzz_bulla_chain_row;
SELECT * FROM findings('parts');
ALTER TABLE parts_2 ENABLE ALWAYS TRIGGER zzz_bulla_chain_row;
CALL judge('ENABLE ALWAYS');
CALL tamper('parts', 'UPDATE parts_2 SET note = ''forged''', 'DELETE FROM parts_1 WHERE id = 5');
SELECT * FROM findings('parts');
SELECT * FROM findings('parts_1');
SELECT * FROM summary('parts_2');
-- A partition that brings a row of its own.
CREATE TABLE parts_3 (LIKE parts);
INSERT INTO parts_3 VALUES (20, 'smuggled', 7, decode(repeat('00', 32), 'hex'), decode(repeat('00', 32), 'hex'));
CALL judge('DISABLE');
ALTER TABLE parts ATTACH PARTITION parts_3 FOR VALUES FROM (20) TO (30);
SELECT * FROM findings('parts');
-- One that is gone takes rows with it.
ALTER TABLE parts DETACH PARTITION parts_2;
CALL judge('ENABLE ALWAYS');
SELECT * FROM findings('parts');

-- Rows that were there before the ledger was are sound, and told of.
CREATE TABLE early (id int PRIMARY KEY);
INSERT INTO early VALUES (1), (2);
SELECT bulla.create_ledger('early') IS NOT NULL AS created;
INSERT INTO early VALUES (3);
SELECT * FROM findings('early');
SELECT * FROM summary('early');

-- Who may not read all rows may not verify.
DROP ROLE IF EXISTS regress_verifier;
CREATE ROLE regress_verifier;
CALL make_ledger();
SET ROLE regress_verifier;
SELECT bulla.verify('ledger');
SELECT bulla.verify_summary('ledger');
RESET ROLE;
GRANT SELECT (id) ON ledger TO regress_verifier;
SET ROLE regress_verifier;
SELECT bulla.verify('ledger');
RESET ROLE;
GRANT SELECT ON ledger TO regress_verifier;
SET ROLE regress_verifier;
SELECT * FROM bulla.verify('ledger');
RESET ROLE;
ALTER TABLE ledger ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON ledger USING (true);
SET ROLE regress_verifier;
\set VERBOSITY default
SELECT bulla.verify('ledger');
\set VERBOSITY terse
SELECT bulla.verify_summary('ledger');
SELECT bulla.row_record('ledger', '', 0);
SET row_security = off;
SELECT bulla.verify('ledger');
RESET row_security;
RESET ROLE;
SELECT * FROM bulla.verify('ledger');
ALTER ROLE regress_verifier BYPASSRLS;
SET ROLE regress_verifier;
SELECT * FROM bulla.verify('ledger');
RESET ROLE;
DROP OWNED BY regress_verifier;
DROP ROLE regress_verifier;

-- Not a ledger.
CREATE TABLE no_ledger (a int);
CREATE VIEW a_view AS SELECT * FROM ledger;
SELECT bulla.verify('no_ledger');
SELECT bulla.verify('a_view');
SELECT bulla.verify('ledger_pkey');
SELECT bulla.verify(NULL);
SELECT bulla.verify_summary(NULL);
SELECT bulla.verify('pg_class');

-- It reads only, inside what it is asked in: own rows count, a rolled back statement's do not.
BEGIN READ ONLY;
SELECT * FROM bulla.verify('ledger');
SELECT verified FROM bulla.verify_summary('ledger');
SELECT length(bulla.row_record('ledger', '', 0)) > 0 AS found;
COMMIT;
BEGIN;
INSERT INTO ledger VALUES (20, 'mine');
SAVEPOINT a;
INSERT INTO ledger VALUES (21, 'undone');
ROLLBACK TO a;
SELECT verified, rows_checked, head_seq FROM bulla.verify_summary('ledger');
SELECT * FROM bulla.verify('ledger', '');
ROLLBACK;
SET statement_timeout = '1ms';
SELECT count(*) FROM generate_series(1, 100000) AS g, LATERAL bulla.verify('ledger', NULL, g * 0);
RESET statement_timeout;
SELECT count(*) FROM (SELECT 1 FROM bulla.verify('ledger') LIMIT 1) AS cut_short;
