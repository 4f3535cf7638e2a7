-- However a row comes in: the chain stays gapless and linked, or the statement is refused.
\set VERBOSITY terse
CREATE TABLE ledger (id int PRIMARY KEY, note text);
SELECT bulla.create_ledger('ledger') IS NOT NULL AS created;
CREATE TABLE lanes (lane text NOT NULL, id int UNIQUE);
SELECT bulla.create_ledger('lanes', '{lane}') IS NOT NULL AS created;

-- The ledger as far as it was appended to by the test at hand, and whether all of it is sound.
CREATE TABLE shown (seq bigint);
INSERT INTO shown VALUES (-1);
CREATE FUNCTION appended() RETURNS TABLE (seq bigint, id int, note text) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT l.seq, l.id, l.note FROM ledger AS l WHERE l.seq > (SELECT s.seq FROM shown AS s) ORDER BY l.seq;
    UPDATE shown SET seq = (SELECT max(l.seq) FROM ledger AS l);
    IF EXISTS (SELECT FROM bulla.verify('ledger')) THEN
        RAISE EXCEPTION 'not sound: %', (SELECT string_agg(v::text, ' ') FROM bulla.verify('ledger') AS v);
    END IF;
END $$;

-- The plain ways.
INSERT INTO ledger VALUES (1, 'one');
INSERT INTO ledger VALUES (2, 'two'), (3, 'three') RETURNING id, seq, length(prev_hash), length(hash);
INSERT INTO ledger (note, id) SELECT 'selected', g FROM generate_series(4, 5) AS g;
INSERT INTO ledger SELECT 1, 'none' WHERE false;
COPY ledger (id, note) FROM stdin;
6	copied
7	\N
\.
WITH moved AS (INSERT INTO ledger VALUES (8, 'with') RETURNING seq)
SELECT seq FROM moved;
PREPARE add AS INSERT INTO ledger VALUES ($1, $2) RETURNING seq;
EXECUTE add (9, 'prepared');
EXECUTE add (10, 'prepared');
CREATE VIEW through AS SELECT id, note FROM ledger;
INSERT INTO through VALUES (11, 'view');
EXPLAIN INSERT INTO ledger VALUES (12, 'not executed') \g /dev/null
EXPLAIN ANALYZE INSERT INTO ledger VALUES (12, 'explained') \g /dev/null
SELECT * FROM appended();
SELECT l.prev_hash = before.hash AS linked, count(*) FROM ledger AS l JOIN ledger AS before ON before.seq = l.seq - 1
GROUP BY linked;
SELECT prev_hash = decode(repeat('00', 32), 'hex') AS zero FROM ledger WHERE seq = 0;

-- From functions, several in one statement.
CREATE FUNCTION add(int, text) RETURNS bigint LANGUAGE sql AS $$
INSERT INTO ledger VALUES ($1, $2) RETURNING seq
$$;
SELECT add(21, 'f'), add(22, 'g');
INSERT INTO ledger SELECT 23 + add(24, 'inner')::int * 0, 'outer';
SELECT sum(add(g, 'each')) > 0 AS added FROM generate_series(25, 27) AS g;
SELECT * FROM appended();

-- Two INSERTs in one statement, also of one ledger's chains in turn.
WITH a AS (INSERT INTO ledger VALUES (31, 'a'), (32, 'a') RETURNING id),
     b AS (INSERT INTO ledger SELECT id + 10, 'b' FROM a RETURNING id)
INSERT INTO ledger SELECT id + 500, 'c' FROM b;
SELECT seq - (SELECT min(seq) FROM ledger WHERE id = 31) AS place, id % 10 AS id, note FROM appended() ORDER BY note, id;
INSERT INTO lanes VALUES ('a', 1), ('b', 2), ('a', 3), ('c', 4), ('b', 5);
INSERT INTO lanes VALUES ('b', 6), ('a', 7);
SELECT lane, seq, id FROM lanes ORDER BY lane, seq;
SELECT * FROM bulla.verify('lanes');

-- Triggers that append to the ledger they stand on.
CREATE FUNCTION echo() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.id < 1000 AND NEW.note = 'echo' THEN
        INSERT INTO ledger VALUES (NEW.id + CASE TG_WHEN WHEN 'BEFORE' THEN 1000 ELSE 2000 END, TG_NAME);
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER a_before BEFORE INSERT ON ledger FOR EACH ROW EXECUTE FUNCTION echo();
INSERT INTO ledger VALUES (51, 'echo');
INSERT INTO ledger VALUES (52, 'echo'), (53, 'plain'), (54, 'echo');
SELECT * FROM appended();
CREATE TRIGGER a_after AFTER INSERT ON ledger FOR EACH ROW EXECUTE FUNCTION echo();
INSERT INTO ledger VALUES (55, 'echo'), (56, 'echo');
SELECT * FROM appended();
DROP TRIGGER a_before ON ledger;
CREATE TRIGGER z_after AFTER INSERT ON ledger FOR EACH ROW WHEN (NEW.note = 'echo') EXECUTE FUNCTION echo();
DROP TRIGGER a_after ON ledger;
INSERT INTO ledger VALUES (57, 'echo'), (58, 'echo');
SELECT * FROM appended();
DROP TRIGGER z_after ON ledger;
CREATE FUNCTION echo_statement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() = 1 THEN
        INSERT INTO ledger VALUES ((SELECT max(id) + 1 FROM ledger), TG_NAME);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER a_before BEFORE INSERT ON ledger FOR EACH STATEMENT EXECUTE FUNCTION echo_statement();
CREATE TRIGGER c_before BEFORE INSERT ON ledger FOR EACH STATEMENT EXECUTE FUNCTION echo_statement();
CREATE TRIGGER a_after AFTER INSERT ON ledger FOR EACH STATEMENT EXECUTE FUNCTION echo_statement();
CREATE TRIGGER c_after AFTER INSERT ON ledger FOR EACH STATEMENT EXECUTE FUNCTION echo_statement();
INSERT INTO ledger VALUES (61, 's'), (62, 's');
INSERT INTO ledger SELECT 1, 'none' WHERE false;
SELECT * FROM appended();
DROP TRIGGER a_before ON ledger;
DROP TRIGGER c_before ON ledger;
DROP TRIGGER a_after ON ledger;
DROP TRIGGER c_after ON ledger;

-- A deferred constraint trigger appends when the transaction commits.
CREATE TABLE orders (id int);
CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ledger VALUES (NEW.id, 'late');
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON orders DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION late();
BEGIN;
INSERT INTO orders VALUES (71), (72);
INSERT INTO ledger VALUES (73, 'early');
SELECT count(*) FROM ledger WHERE id IN (71, 72);
COMMIT;
SELECT * FROM appended();
-- One that fails takes everything with it.
BEGIN;
INSERT INTO ledger VALUES (74, 'early');
INSERT INTO orders VALUES (73);
COMMIT;
SELECT * FROM appended();

-- Rows that are not inserted after all. At the end they are drawn again; in the middle the statement is
-- refused, whatever the number of rows.
INSERT INTO ledger VALUES (1, 'again') ON CONFLICT DO NOTHING;
INSERT INTO ledger VALUES (81, 'new'), (1, 'again'), (2, 'again') ON CONFLICT DO NOTHING RETURNING id;
SELECT * FROM appended();
\set VERBOSITY default
INSERT INTO ledger VALUES (1, 'again'), (82, 'new') ON CONFLICT DO NOTHING;
\set VERBOSITY terse
INSERT INTO ledger VALUES (83, 'new'), (1, 'again'), (84, 'new') ON CONFLICT (id) DO NOTHING;
INSERT INTO lanes VALUES ('a', 1), ('d', 8), ('a', 2) ON CONFLICT DO NOTHING;
INSERT INTO lanes VALUES ('a', 9), ('d', 1), ('b', 10) ON CONFLICT DO NOTHING;
INSERT INTO lanes VALUES ('a', 11), ('e', 1), ('e', 12) ON CONFLICT DO NOTHING;
SELECT lane, seq, id FROM lanes WHERE id >= 8 ORDER BY lane, seq;
SELECT * FROM bulla.verify('lanes');
INSERT INTO ledger VALUES (85, 'after') RETURNING id;
BEGIN;
INSERT INTO ledger VALUES (86, 'one');
INSERT INTO ledger VALUES (1, 'again') ON CONFLICT DO NOTHING;
INSERT INTO ledger VALUES (87, 'two');
INSERT INTO ledger VALUES (88, 'three'), (1, 'again') ON CONFLICT DO NOTHING;
COMMIT;
SELECT * FROM appended();
WITH a AS (INSERT INTO ledger VALUES (89, 'a'), (1, 'again') ON CONFLICT DO NOTHING RETURNING id)
INSERT INTO ledger VALUES (90, 'b');
SELECT * FROM appended();
WITH a AS (INSERT INTO ledger VALUES (1, 'again') ON CONFLICT DO NOTHING RETURNING id)
INSERT INTO ledger SELECT 93 + count(*), 'b' FROM a;
-- ON CONFLICT DO UPDATE updates, and that is refused; where its condition is false nothing happens.
INSERT INTO ledger VALUES (91, 'new') ON CONFLICT (id) DO UPDATE SET note = 'changed';
INSERT INTO ledger VALUES (1, 'again') ON CONFLICT (id) DO UPDATE SET note = 'changed';
INSERT INTO ledger VALUES (92, 'new'), (1, 'again') ON CONFLICT (id) DO UPDATE SET note = 'changed' WHERE false;
SELECT * FROM appended();

-- MERGE.
CREATE TABLE source (id int, note text);
INSERT INTO source VALUES (1, 'there'), (101, 'merged'), (102, 'merged'), (2, 'there');
MERGE INTO ledger USING source ON ledger.id = source.id
WHEN NOT MATCHED THEN INSERT (id, note) VALUES (source.id, source.note);
SELECT seq - (SELECT max(seq) - 1 FROM ledger) AS place, note FROM appended();
MERGE INTO ledger USING source ON ledger.id = source.id
WHEN MATCHED THEN UPDATE SET note = 'merged'
WHEN NOT MATCHED THEN INSERT (id, note) VALUES (source.id, source.note);
MERGE INTO ledger USING source ON ledger.id = source.id
WHEN MATCHED THEN DELETE;
MERGE INTO ledger USING source ON ledger.id = source.id
WHEN MATCHED THEN DO NOTHING
WHEN NOT MATCHED THEN INSERT (id, note) VALUES (source.id, source.note);
SELECT * FROM appended();

-- A trigger that fires after Bulla's and leaves rows out.
CREATE FUNCTION leave_out() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RETURN CASE WHEN NEW.note = 'out' THEN NULL ELSE NEW END;
END $$;
-- (Such a trigger is refused; a superuser can get around that.)
SET bulla.restore = on;
CREATE TRIGGER zzzz BEFORE INSERT ON ledger FOR EACH ROW EXECUTE FUNCTION leave_out();
RESET bulla.restore;
INSERT INTO ledger VALUES (111, 'in'), (112, 'out');
INSERT INTO ledger VALUES (113, 'out');
INSERT INTO ledger VALUES (114, 'in'), (115, 'out'), (116, 'in');
INSERT INTO ledger VALUES (117, 'in');
COPY ledger (id, note) FROM stdin;
118	in
119	out
\.
DROP TRIGGER zzzz ON ledger;
SELECT * FROM appended();
-- One that leaves them out before Bulla's does no harm at all.
CREATE TRIGGER a_filter BEFORE INSERT ON ledger FOR EACH ROW EXECUTE FUNCTION leave_out();
INSERT INTO ledger VALUES (120, 'out'), (121, 'in'), (122, 'out'), (123, 'in');
SELECT * FROM appended();
DROP TRIGGER a_filter ON ledger;

-- A trigger that fires after Bulla's and changes what was hashed: refused, whatever it changes.
CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    CASE NEW.note
    WHEN 'value' THEN NEW.note := 'changed';
    WHEN 'null' THEN NEW.note := NULL;
    WHEN 'seq' THEN NEW.seq := NEW.seq + 1;
    WHEN 'no seq' THEN NEW.seq := NULL;
    WHEN 'prev_hash' THEN NEW.prev_hash := NEW.hash;
    WHEN 'hash' THEN NEW.hash := NEW.prev_hash;
    WHEN 'short hash' THEN NEW.hash := '\x00';
    WHEN 'rehashed' THEN
        -- A good hash of a record that differs from the one that the chain goes on from.
        NEW.note := 'forged';
        NEW.hash := sha256('\x00'::bytea || 'bulla.record.v1' || '\x00' || decode(replace(TG_ARGV[0], '-', ''), 'hex')
            || int4send(0) || int4send(2)
            || int4send(2) || 'id' || '\x00' || int4send(length(NEW.id::text)) || NEW.id::text::bytea
            || int4send(4) || 'note' || '\x00' || int4send(length(NEW.note)) || NEW.note::bytea
            || int8send(NEW.seq) || NEW.prev_hash);
    ELSE
    END CASE;
    RETURN NEW;
END $$;
DO $$
BEGIN
    PERFORM set_config('bulla.restore', 'on', true);
    EXECUTE format('CREATE TRIGGER zzzz BEFORE INSERT ON ledger FOR EACH ROW EXECUTE FUNCTION meddle(%L)', id)
    FROM bulla.ledgers WHERE ledger = 'ledger'::regclass;
END $$;
\set VERBOSITY default
\set SHOW_CONTEXT never
INSERT INTO ledger VALUES (131, 'value');
\set VERBOSITY terse
INSERT INTO ledger VALUES (131, 'null');
INSERT INTO ledger VALUES (131, 'seq');
INSERT INTO ledger VALUES (131, 'no seq');
INSERT INTO ledger VALUES (131, 'prev_hash');
INSERT INTO ledger VALUES (131, 'hash');
INSERT INTO ledger VALUES (131, 'short hash');
INSERT INTO ledger VALUES (131, 'good'), (132, 'value');
INSERT INTO ledger VALUES (131, 'rehashed');
INSERT INTO ledger VALUES (132, 'good'), (133, 'rehashed');
INSERT INTO ledger VALUES (134, 'rehashed'), (135, 'good');
INSERT INTO ledger VALUES (136, 'left alone');
DROP TRIGGER zzzz ON ledger;
SELECT id, note FROM appended();

-- Savepoints, exception blocks, rolled back transactions.
BEGIN;
INSERT INTO ledger VALUES (141, 'kept');
SAVEPOINT a;
INSERT INTO ledger VALUES (142, 'lost');
SAVEPOINT b;
INSERT INTO ledger VALUES (143, 'lost');
ROLLBACK TO a;
INSERT INTO ledger VALUES (144, 'kept');
SAVEPOINT c;
INSERT INTO ledger VALUES (145, 'kept');
RELEASE c;
SAVEPOINT d;
INSERT INTO ledger VALUES (1, 'duplicate');
ROLLBACK TO d;
INSERT INTO ledger VALUES (146, 'kept');
ROLLBACK TO d;
RELEASE d;
INSERT INTO ledger VALUES (147, 'kept');
COMMIT;
SELECT * FROM appended();
BEGIN;
SAVEPOINT a;
INSERT INTO ledger VALUES (151, 'lost');
ROLLBACK TO a;
COMMIT;
BEGIN;
INSERT INTO ledger VALUES (152, 'lost');
ROLLBACK;
DO $$
BEGIN
    FOR i IN 153..156 LOOP
        BEGIN
            INSERT INTO ledger VALUES (i, 'loop'), (i + 1000, 'loop');
            IF i % 2 = 0 THEN RAISE 'even'; END IF;
            INSERT INTO ledger VALUES (i + 2000, 'loop');
        EXCEPTION WHEN raise_exception THEN
        END;
    END LOOP;
END $$;
SELECT * FROM appended();
-- An error in the middle of a statement that is caught outside it.
CREATE FUNCTION divide(int) RETURNS int LANGUAGE sql AS 'SELECT 10 / $1 * 0';
DO $$
BEGIN
    INSERT INTO ledger VALUES (161, 'before');
    BEGIN
        INSERT INTO ledger SELECT 161 + g + divide(3 - g), 'cut off' FROM generate_series(1, 5) AS g;
    EXCEPTION WHEN division_by_zero THEN
    END;
    INSERT INTO ledger VALUES (162, 'after');
END $$;
SELECT * FROM appended();
-- A trigger that catches its own error while the statement goes on.
CREATE FUNCTION try() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.note = 'outer' THEN
        BEGIN
            INSERT INTO ledger VALUES (NEW.id + 10, 'lost');
            PERFORM 1 / 0;
        EXCEPTION WHEN division_by_zero THEN
            INSERT INTO ledger VALUES (NEW.id + 20, 'inner');
        END;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER a_try BEFORE INSERT ON ledger FOR EACH ROW EXECUTE FUNCTION try();
INSERT INTO ledger VALUES (171, 'outer'), (172, 'outer');
SELECT * FROM appended();
DROP TRIGGER a_try ON ledger;

-- Procedures that commit inside.
CREATE PROCEDURE in_parts() LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ledger VALUES (201, 'first');
    COMMIT;
    INSERT INTO ledger VALUES (202, 'lost');
    ROLLBACK;
    FOR i IN 203..204 LOOP
        INSERT INTO ledger VALUES (i, 'loop');
        COMMIT AND CHAIN;
    END LOOP;
END $$;
CALL in_parts();
SELECT * FROM appended();

-- Values for the ledger's own columns are refused unless they are what the row gets anyway.
SELECT max(seq) + 1 AS next FROM ledger \gset
SELECT encode(hash, 'hex') AS head FROM ledger ORDER BY seq DESC LIMIT 1 \gset
\set VERBOSITY default
INSERT INTO ledger (id, seq) VALUES (211, 0);
\set VERBOSITY terse
INSERT INTO ledger (id, seq) VALUES (211, -1);
INSERT INTO ledger (id, seq) VALUES (211, :next + 1);
INSERT INTO ledger (id, prev_hash) VALUES (211, decode(repeat('00', 32), 'hex'));
INSERT INTO ledger (id, prev_hash) VALUES (211, '');
INSERT INTO ledger (id, hash) VALUES (211, decode(:'head', 'hex'));
INSERT INTO ledger (id, seq, prev_hash, hash) VALUES (211, :next, decode(:'head', 'hex'), decode(:'head', 'hex'));
INSERT INTO ledger (id, note, seq) VALUES (211, 'right', :next);
INSERT INTO ledger (id, note, seq, prev_hash) SELECT 212, 'right', seq + 1, hash FROM ledger ORDER BY seq DESC LIMIT 1;
-- All three, as an application would that keeps a copy of the chain: known in advance, and accepted.
BEGIN;
INSERT INTO ledger VALUES (213, 'right');
SELECT seq, encode(prev_hash, 'hex') AS prev_hash, encode(hash, 'hex') AS hash FROM ledger WHERE id = 213 \gset
ROLLBACK;
INSERT INTO ledger VALUES (213, 'right', :seq, decode(:'prev_hash', 'hex'), decode(:'hash', 'hex'));
SELECT id, note FROM appended();

-- Chain names and records have a largest size.
\set VERBOSITY default
INSERT INTO lanes VALUES (repeat('x', 1020), 21) RETURNING seq;
INSERT INTO lanes VALUES (repeat('x', 1021), 22);
INSERT INTO lanes VALUES (NULL, 23);
\set VERBOSITY terse
INSERT INTO lanes VALUES ('', 24) RETURNING seq;
SELECT length(lane), seq FROM lanes WHERE id > 20 ORDER BY length(lane);
SELECT * FROM bulla.verify('lanes');
SELECT length(bulla.row_record('lanes', '', 0)) > 0 AS found;
INSERT INTO ledger VALUES (221, repeat('é', 1000000));
SELECT id, length(note) FROM appended();

-- More chains in one transaction than are locked one by one.
BEGIN;
INSERT INTO lanes SELECT 'many' || g % 100, 1000 + g FROM generate_series(1, 300) AS g;
INSERT INTO lanes SELECT 'many' || g % 100, 2000 + g FROM generate_series(1, 300) AS g;
SELECT count(*) <= 70 AS few_locks FROM bulla.chain_locks WHERE pid = pg_backend_pid();
COMMIT;
SELECT count(*) FROM bulla.chain_locks WHERE pid = pg_backend_pid();
SELECT * FROM bulla.verify('lanes');

-- In a restore rows that bring all three are taken in any order; each has to match its own hash. The row
-- after them, in the same transaction too, follows what was restored.
CREATE TABLE restored (id int PRIMARY KEY);
SELECT bulla.create_ledger('restored') IS NOT NULL AS created;
INSERT INTO restored VALUES (0);
BEGIN;
INSERT INTO restored VALUES (1), (2), (3);
SELECT seq, encode(prev_hash, 'hex') AS prev_hash, encode(hash, 'hex') AS hash FROM restored WHERE id = 1 \gset one_
SELECT seq, encode(prev_hash, 'hex') AS prev_hash, encode(hash, 'hex') AS hash FROM restored WHERE id = 2 \gset two_
SELECT seq, encode(prev_hash, 'hex') AS prev_hash, encode(hash, 'hex') AS hash FROM restored WHERE id = 3 \gset three_
ROLLBACK;
INSERT INTO restored VALUES (0) ON CONFLICT DO NOTHING;
INSERT INTO restored VALUES (2, :two_seq, decode(:'two_prev_hash', 'hex'), decode(:'two_hash', 'hex'));
BEGIN;
SET LOCAL bulla.restore = on;
INSERT INTO restored VALUES (2, :two_seq, decode(:'two_prev_hash', 'hex'), decode(:'two_hash', 'hex'));
INSERT INTO restored VALUES (1, :one_seq, decode(:'one_prev_hash', 'hex'), decode(:'one_hash', 'hex'));
SAVEPOINT a;
INSERT INTO restored VALUES (4, :three_seq, decode(:'three_prev_hash', 'hex'), decode(:'three_hash', 'hex'));
ROLLBACK TO a;
INSERT INTO restored VALUES (3, :three_seq + 1, decode(:'three_prev_hash', 'hex'), decode(:'three_hash', 'hex'));
ROLLBACK TO a;
INSERT INTO restored VALUES (3, -1, decode(:'three_prev_hash', 'hex'), decode(:'three_hash', 'hex'));
ROLLBACK TO a;
INSERT INTO restored VALUES (3, :three_seq, '', decode(:'three_hash', 'hex'));
ROLLBACK TO a;
SET LOCAL bulla.restore = off;
INSERT INTO restored VALUES (33) RETURNING seq;
COMMIT;
SELECT id, seq FROM restored ORDER BY seq;
SELECT * FROM bulla.verify('restored');
-- Also where rows were appended before.
BEGIN;
INSERT INTO restored VALUES (4);
SAVEPOINT a;
INSERT INTO restored VALUES (5);
SELECT seq, encode(prev_hash, 'hex') AS prev_hash, encode(hash, 'hex') AS hash FROM restored WHERE id = 5 \gset five_
ROLLBACK TO a;
SET LOCAL bulla.restore = on;
INSERT INTO restored VALUES (5, :five_seq, decode(:'five_prev_hash', 'hex'), decode(:'five_hash', 'hex'));
COMMIT;
INSERT INTO restored VALUES (6) RETURNING seq;
SELECT id, seq FROM restored WHERE id > 3 ORDER BY seq;
SELECT * FROM bulla.verify('restored');
-- Not for everybody.
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_append;
RESET client_min_messages;
CREATE ROLE regress_append;
SET ROLE regress_append;
SET bulla.restore = on;
RESET ROLE;
DROP ROLE regress_append;

-- The trigger functions are of no use by themselves.
CREATE TABLE no_ledger (a int);
CREATE TRIGGER wrong AFTER INSERT ON no_ledger FOR EACH ROW EXECUTE FUNCTION bulla.chain_row();
CREATE TRIGGER wrong_too BEFORE INSERT ON no_ledger FOR EACH STATEMENT EXECUTE FUNCTION bulla.chain_row();
INSERT INTO no_ledger VALUES (1);
DROP TRIGGER wrong_too ON no_ledger;
INSERT INTO no_ledger VALUES (1);
DROP TRIGGER wrong ON no_ledger;
CREATE TRIGGER wrong BEFORE INSERT ON no_ledger FOR EACH ROW EXECUTE FUNCTION bulla.chain_row();
INSERT INTO no_ledger VALUES (1);
DROP TRIGGER wrong ON no_ledger;
CREATE TRIGGER wrong AFTER INSERT ON no_ledger FOR EACH ROW EXECUTE FUNCTION bulla.confirm_row();
INSERT INTO no_ledger VALUES (1);
DROP TRIGGER wrong ON no_ledger;
CREATE TRIGGER wrong AFTER INSERT ON no_ledger FOR EACH STATEMENT EXECUTE FUNCTION bulla.open_statement();
INSERT INTO no_ledger VALUES (1);
DROP TRIGGER wrong ON no_ledger;
CREATE TRIGGER wrong BEFORE INSERT ON no_ledger FOR EACH STATEMENT EXECUTE FUNCTION bulla.close_statement();
INSERT INTO no_ledger VALUES (1);
DROP TRIGGER wrong ON no_ledger;
CREATE TRIGGER wrong AFTER INSERT ON no_ledger FOR EACH ROW EXECUTE FUNCTION bulla.refuse_change();
INSERT INTO no_ledger VALUES (1);
DROP TRIGGER wrong ON no_ledger;
SELECT bulla.chain_row();
SELECT bulla.refuse_change();

-- Partitions.
CREATE TABLE parts (id int PRIMARY KEY, note text) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TABLE parts_2 (note text, id int NOT NULL);
ALTER TABLE parts ATTACH PARTITION parts_2 FOR VALUES FROM (10) TO (20);
SELECT bulla.create_ledger('parts') IS NOT NULL AS created;
INSERT INTO parts VALUES (1, 'a'), (11, 'b'), (2, 'c');
INSERT INTO parts_2 VALUES ('direct', 12);
INSERT INTO parts VALUES (3, 'd'), (11, 'again'), (1, 'again') ON CONFLICT DO NOTHING;
INSERT INTO parts VALUES (4, 'd'), (11, 'again'), (5, 'again') ON CONFLICT DO NOTHING;
COPY parts (id, note) FROM stdin;
13	copied
6	copied
\.
BEGIN;
INSERT INTO parts VALUES (7, 'e');
INSERT INTO parts_2 VALUES ('direct', 14), ('direct', 15);
INSERT INTO parts VALUES (8, 'f');
COMMIT;
INSERT INTO parts VALUES (30, 'nowhere');
-- A partition made later is chained too.
CREATE TABLE parts_3 PARTITION OF parts FOR VALUES FROM (20) TO (30);
INSERT INTO parts VALUES (21, 'g'), (9, 'h');
SELECT tableoid::regclass, seq, id FROM parts ORDER BY seq;
SELECT verdict, detail FROM bulla.verify('parts') ORDER BY detail;
INSERT INTO parts_3 VALUES (22, 'direct');
SELECT * FROM bulla.verify('parts');
