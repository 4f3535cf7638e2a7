-- Which tables become ledgers, what happens to the rows they have, and what drop_ledger leaves.
\set VERBOSITY terse
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_ledger_owner, regress_ledger_other;
CREATE ROLE regress_ledger_owner;
CREATE ROLE regress_ledger_other;
RESET client_min_messages;

-- What a table has got, without what differs from run to run.
CREATE VIEW ledgers AS
SELECT ledger, chain_by, created_by, retroactive_rows, created_at <= now() AS created
FROM bulla.ledgers WHERE ledger <> to_regclass('bulla.events') ORDER BY ledger::text;

CREATE FUNCTION triggers(ledger regclass) RETURNS TABLE (name name, function regproc, enabled "char")
    LANGUAGE sql AS $$
SELECT tgname, tgfoid::regproc, tgenabled FROM pg_trigger
WHERE tgrelid = ledger AND NOT tgisinternal ORDER BY tgname
$$;

-- An empty table.
CREATE TABLE plain (id int PRIMARY KEY, note text);
SELECT bulla.create_ledger('plain') IS NOT NULL AS created;
SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute
WHERE attrelid = 'plain'::regclass AND attnum > 0 ORDER BY attnum;
SELECT indexdef FROM pg_indexes WHERE tablename = 'plain' ORDER BY indexname;
SELECT * FROM triggers('plain');
SELECT * FROM ledgers;
SELECT id = (SELECT (bulla.ledger_arguments(tgargs)).id FROM pg_trigger
             WHERE tgrelid = 'plain'::regclass AND tgname = 'zzz_bulla_chain_row') AS same_id
FROM bulla.ledgers WHERE ledger = 'plain'::regclass;
INSERT INTO plain VALUES (1, 'a'), (2, NULL);
SELECT id, seq, prev_hash = decode(repeat('00', 32), 'hex') AS first, length(hash) FROM plain ORDER BY seq;
SELECT * FROM bulla.verify('plain');

-- Rows that are there already are chained in the order of the primary key, whatever the order on disk.
CREATE TABLE filled (b int, a text, pad text, PRIMARY KEY (a, b));
INSERT INTO filled SELECT g % 7, 'k' || g / 7, 'p' FROM generate_series(20, 0, -1) AS g;
UPDATE filled SET pad = 'q' WHERE b = 3;
SELECT bulla.create_ledger('filled') IS NOT NULL AS created;
SELECT array_agg(seq ORDER BY a, b) = array_agg(seq ORDER BY seq) AS in_order, min(seq), max(seq)
FROM filled;
SELECT * FROM bulla.verify('filled');
SELECT verified, rows_checked, head_seq,
       regexp_replace(notes[1], 'at .*$', 'at …') AS note
FROM bulla.verify_summary('filled');
INSERT INTO filled VALUES (0, 'new', NULL) RETURNING seq;

-- With a chain per value each chain counts for itself.
CREATE TABLE by_tenant (id int PRIMARY KEY, tenant text NOT NULL);
INSERT INTO by_tenant SELECT g, CASE g % 3 WHEN 0 THEN 'zero' ELSE 'other' END
FROM generate_series(9, 1, -1) AS g;
SELECT bulla.create_ledger('by_tenant', '{tenant}') IS NOT NULL AS created;
SELECT id, tenant, seq FROM by_tenant ORDER BY tenant, seq;
SELECT * FROM bulla.verify('by_tenant');
SELECT detail - 'ledger_id' - 'last_hash' AS event,
       detail ->> 'last_hash' = (SELECT encode(hash, 'hex') FROM by_tenant AS b
                                 WHERE b.tenant = e.detail ->> 'chain' ORDER BY seq DESC LIMIT 1) AS head
FROM bulla.events AS e
WHERE action = 'ledger.rows_chained'
  AND detail ->> 'ledger_id' = (SELECT id::text FROM bulla.ledgers WHERE ledger = 'by_tenant'::regclass)
ORDER BY detail ->> 'chain';

-- Rows on many full pages, indexed more than once: every row is written anew, none in place.
CREATE TABLE large (id int PRIMARY KEY, pad text, other int);
CREATE INDEX ON large (other);
INSERT INTO large SELECT g, repeat('x', 300), g % 10 FROM generate_series(1, 3000) AS g;
SELECT bulla.create_ledger('large') IS NOT NULL AS created;
SELECT verified, rows_checked, head_seq FROM bulla.verify_summary('large');
SET enable_seqscan = off;
SELECT count(*) FROM large WHERE other = 3;
RESET enable_seqscan;

-- Triggers, foreign keys, identity and generated columns, dropped columns: nothing of the user's fires.
CREATE TABLE parent (id int PRIMARY KEY);
INSERT INTO parent VALUES (1), (2);
CREATE TABLE busy (
    gone int,
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    parent_id int REFERENCES parent,
    price numeric(10, 2) CHECK (price > 0),
    doubled numeric GENERATED ALWAYS AS (price * 2) STORED,
    changed_at timestamptz,
    gone_too text
);
CREATE TABLE child (busy_id int REFERENCES busy ON UPDATE CASCADE ON DELETE CASCADE);
INSERT INTO busy (gone, parent_id, price, gone_too) VALUES (1, 1, 1.5, 'x'), (2, 2, 2.5, 'y');
INSERT INTO child VALUES (1), (2);
ALTER TABLE busy DROP COLUMN gone, DROP COLUMN gone_too;
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE '% % %', TG_NAME, TG_WHEN, TG_OP;
    NEW.changed_at := '2000-01-01';
    RETURN NEW;
END $$;
CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON busy FOR EACH ROW EXECUTE FUNCTION stamp();
CREATE TRIGGER stamp_after AFTER INSERT OR UPDATE ON busy FOR EACH ROW EXECUTE FUNCTION stamp();
SELECT bulla.create_ledger('busy') IS NOT NULL AS created;
SELECT id, parent_id, price, doubled, changed_at, seq FROM busy ORDER BY seq;
INSERT INTO busy (parent_id, price) VALUES (1, 3.5) RETURNING id, doubled, changed_at, seq;
INSERT INTO busy (parent_id, price) VALUES (3, 3.5);
INSERT INTO busy (parent_id, price) VALUES (1, -1);
INSERT INTO busy (parent_id, price) VALUES (1, 4.5) RETURNING seq;
SELECT * FROM bulla.verify('busy');
SELECT position('doubled'::bytea IN bulla.row_record('busy', '', 0)) > 0 AS has_generated,
       position('price'::bytea IN bulla.row_record('busy', '', 0)) > 0 AS has_price;

-- Existing rows that a constraint forbids which was never checked on them.
CREATE TABLE unchecked (id int PRIMARY KEY, v int);
INSERT INTO unchecked VALUES (1, -1);
ALTER TABLE unchecked ADD CONSTRAINT positive CHECK (v > 0) NOT VALID;
SELECT bulla.create_ledger('unchecked') IS NOT NULL AS created;

-- Partitions: by range on another column, by list on the chain's, in two levels, with columns in another
-- order. Where partitioning allows it a unique index backs the lock.
CREATE TABLE by_month (id int, at date, note text, PRIMARY KEY (at, id)) PARTITION BY RANGE (at);
CREATE TABLE by_month_1 PARTITION OF by_month FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE by_month_2 (note text, dropped int, at date NOT NULL, id int NOT NULL);
ALTER TABLE by_month_2 DROP COLUMN dropped;
ALTER TABLE by_month ATTACH PARTITION by_month_2 FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
INSERT INTO by_month SELECT g, date '2024-01-01' + g * 17 % 60, 'n' FROM generate_series(1, 20) AS g;
SELECT bulla.create_ledger('by_month') IS NOT NULL AS created;
INSERT INTO by_month VALUES (100, '2024-02-07', 'm'), (101, '2024-01-07', 'm'), (102, '2024-02-08', 'm');
SELECT tableoid::regclass, id, seq FROM by_month WHERE id >= 100 ORDER BY seq;
SELECT array_agg(seq ORDER BY at, id) = array_agg(seq ORDER BY seq) AS in_order FROM by_month WHERE id < 100;
SELECT * FROM bulla.verify('by_month');
SELECT indexdef FROM pg_indexes WHERE tablename = 'by_month' AND indexdef LIKE '%seq%';

CREATE TABLE by_region (region text NOT NULL, id int) PARTITION BY LIST (region);
CREATE TABLE by_region_n PARTITION OF by_region FOR VALUES IN ('north') PARTITION BY LIST (region);
CREATE TABLE by_region_n1 PARTITION OF by_region_n FOR VALUES IN ('north');
CREATE TABLE by_region_rest PARTITION OF by_region DEFAULT;
SELECT bulla.create_ledger('by_region', '{region}') IS NOT NULL AS created;
INSERT INTO by_region VALUES ('north', 1), ('south', 2), ('north', 3), ('west', 4);
INSERT INTO by_region_n1 VALUES ('north', 5);
SELECT tableoid::regclass, region, id, seq FROM by_region ORDER BY region, seq;
SELECT * FROM bulla.verify('by_region');
SELECT indexdef FROM pg_indexes WHERE tablename = 'by_region' AND indexdef LIKE '%seq%';
SELECT * FROM triggers('by_region_n1');

-- Rows but no primary key.
CREATE TABLE unordered (v int);
INSERT INTO unordered VALUES (1);
\set VERBOSITY default
SELECT bulla.create_ledger('unordered');
\set VERBOSITY terse

-- A blind ledger has a random column in its record.
CREATE TABLE hidden (id int PRIMARY KEY);
INSERT INTO hidden VALUES (1), (2);
SELECT bulla.create_ledger('hidden', blind => true) IS NOT NULL AS created;
INSERT INTO hidden VALUES (3);
SELECT count(DISTINCT blind), count(*) FROM hidden;
SELECT position(convert_to(blind::text, 'UTF8') IN bulla.row_record('hidden', '', 1)) > 0 AS in_record
FROM hidden WHERE seq = 1;
SELECT * FROM bulla.verify('hidden');

-- Names that have to be quoted.
CREATE SCHEMA "Odd ""schema""";
CREATE TABLE "Odd ""schema"""."Ta'ble \ ""x""" (
    "Sélect" text NOT NULL, "a""b" int NOT NULL, "back\slash" text NOT NULL, "Seq" int, "Id" int PRIMARY KEY);
INSERT INTO "Odd ""schema"""."Ta'ble \ ""x""" VALUES ('é', 1, '\', 1, 2), ('é', 1, '\', 1, 1);
SELECT bulla.create_ledger('"Odd ""schema"""."Ta''ble \ ""x"""', '{Sélect,"a\"b","back\\slash"}') IS NOT NULL AS created;
INSERT INTO "Odd ""schema"""."Ta'ble \ ""x""" VALUES ('é', 1, '\', 7, 3), ('è', 1, '\', 7, 4);
SELECT "Id", seq FROM "Odd ""schema"""."Ta'ble \ ""x""" ORDER BY "Id";
SELECT * FROM bulla.verify('"Odd ""schema"""."Ta''ble \ ""x"""');
SELECT chain_by FROM bulla.ledgers WHERE ledger = '"Odd ""schema"""."Ta''ble \ ""x"""'::regclass;
SELECT * FROM bulla.verify('"Odd ""schema"""."Ta''ble \ ""x"""', '(é,1,"\\")');
SELECT length(bulla.row_record('"Odd ""schema"""."Ta''ble \ ""x"""', '(é,1,"\\")', 2)) > 0 AS found;

-- Every refusal says what to do instead.
\set VERBOSITY default
\set SHOW_CONTEXT never
CREATE VIEW a_view AS SELECT 1 AS a;
SELECT bulla.create_ledger('a_view');
CREATE MATERIALIZED VIEW a_matview AS SELECT 1 AS a;
SELECT bulla.create_ledger('a_matview');
CREATE FOREIGN DATA WRAPPER nowhere;
CREATE SERVER nowhere FOREIGN DATA WRAPPER nowhere;
CREATE FOREIGN TABLE a_foreign (a int) SERVER nowhere;
SELECT bulla.create_ledger('a_foreign');
CREATE SEQUENCE a_sequence;
SELECT bulla.create_ledger('a_sequence');
SELECT bulla.create_ledger('plain_pkey');
CREATE TEMP TABLE a_temp (a int);
SELECT bulla.create_ledger('a_temp');
CREATE UNLOGGED TABLE an_unlogged (a int);
SELECT bulla.create_ledger('an_unlogged');
SELECT bulla.create_ledger('by_month_1');
CREATE TABLE open_parts (a int) PARTITION BY LIST (a);
CREATE TABLE open_parts_1 PARTITION OF open_parts FOR VALUES IN (1);
SELECT bulla.create_ledger('open_parts_1');
CREATE FOREIGN TABLE open_parts_2 PARTITION OF open_parts FOR VALUES IN (2) SERVER nowhere;
SELECT bulla.create_ledger('open_parts');
DROP FOREIGN TABLE open_parts_2;
CREATE UNLOGGED TABLE open_parts_3 PARTITION OF open_parts FOR VALUES IN (3);
SELECT bulla.create_ledger('open_parts');
CREATE TABLE inherited (a int);
CREATE TABLE inheriting () INHERITS (inherited);
SELECT bulla.create_ledger('inherited');
SELECT bulla.create_ledger('inheriting');
SELECT bulla.create_ledger('plain');
SELECT bulla.create_ledger('pg_catalog.pg_description');
CREATE TABLE with_rule (a int);
CREATE RULE quiet AS ON INSERT TO with_rule DO INSTEAD NOTHING;
SELECT bulla.create_ledger('with_rule');
CREATE TABLE with_seq (seq text);
SELECT bulla.create_ledger('with_seq');
CREATE TABLE with_blind (blind text);
SELECT bulla.create_ledger('with_blind', blind => true);
SELECT bulla.create_ledger('with_blind') IS NOT NULL AS created;

CREATE DOMAIN tenant_name AS text;
CREATE TABLE chains (
    nullable text, doubled int NOT NULL GENERATED ALWAYS AS (2) STORED, amount numeric NOT NULL,
    real float8 NOT NULL, at timestamptz NOT NULL, doc jsonb NOT NULL, padded char(5) NOT NULL,
    list text[] NOT NULL, tenant tenant_name NOT NULL);
SELECT bulla.create_ledger('chains', '{nullable}');
SELECT bulla.create_ledger('chains', '{absent}');
SELECT bulla.create_ledger('chains', '{tenant,tenant}');
SELECT bulla.create_ledger('chains', '{doubled}');
SELECT bulla.create_ledger('chains', '{ctid}');
\set VERBOSITY terse
SELECT bulla.create_ledger('chains', '{amount}');
SELECT bulla.create_ledger('chains', '{real}');
SELECT bulla.create_ledger('chains', '{at}');
SELECT bulla.create_ledger('chains', '{doc}');
SELECT bulla.create_ledger('chains', '{padded}');
SELECT bulla.create_ledger('chains', '{list}');
SELECT bulla.create_ledger('chains', '{seq}');
SELECT bulla.create_ledger('chains', ARRAY[NULL]::name[]);
SELECT bulla.create_ledger('chains', '{tenant}') IS NOT NULL AS created;

\set VERBOSITY default
SELECT bulla.create_ledger(NULL);
SELECT bulla.create_ledger('with_seq', NULL);
SELECT bulla.create_ledger('with_seq', blind => NULL);
SELECT bulla.create_ledger('no_such_table');
SELECT bulla.drop_ledger(NULL);
SELECT bulla.drop_ledger('with_seq');
SELECT bulla.drop_ledger('by_month_1');
\set VERBOSITY sqlstate
SELECT bulla.create_ledger(1::regclass);
SELECT bulla.drop_ledger(1::regclass);
SELECT bulla.verify(1::regclass);
\set VERBOSITY terse

-- A collation under which different texts are equal: where there is none, it cannot be used either.
DO $$
BEGIN
    CREATE COLLATION caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    CREATE TABLE caseless (tenant text COLLATE caseless NOT NULL);
    PERFORM bulla.create_ledger('caseless', '{tenant}');
    RAISE NOTICE 'taken';
EXCEPTION WHEN feature_not_supported THEN
    RAISE NOTICE 'not to be had';
END $$;

-- Types whose text can change though the value does not, alone and in arrays, domains and ranges.
CREATE TYPE pair AS (a int, b regrole);
CREATE DOMAIN deep_domain AS regclass;
CREATE DOMAIN deep_array AS money[];
DO $$
DECLARE
    refused text;
BEGIN
    FOREACH refused IN ARRAY '{regclass,regtype,regproc,regprocedure,regoper,regoperator,regrole,
        regnamespace,regconfig,regdictionary,regcollation,money,aclitem,aclitem[],pair,pair[],
        deep_domain,deep_array,refcursor,pg_snapshot,"\"char\"","\"char\"[]"}'::text[]
    LOOP
        EXECUTE format('CREATE TABLE refused (v %s)', refused);
        BEGIN
            PERFORM bulla.create_ledger('refused');
            RAISE NOTICE 'taken: %', refused;
        EXCEPTION WHEN feature_not_supported THEN
            RAISE NOTICE '%', SQLERRM;
        END;
        DROP TABLE refused;
    END LOOP;
END $$;

-- A type of another extension, made as one would.
CREATE TYPE foreign_type;
SET client_min_messages = warning;
CREATE FUNCTION foreign_in(cstring) RETURNS foreign_type LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION foreign_out(foreign_type) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
RESET client_min_messages;
CREATE TYPE foreign_type (INPUT = foreign_in, OUTPUT = foreign_out, LIKE = text);
CREATE TABLE with_foreign_type (a foreign_type);
SELECT bulla.create_ledger('with_foreign_type');

-- A record has a largest size, and a table that could exceed it is refused; a wide one that cannot is not.
DO $$
BEGIN
    EXECUTE 'CREATE TABLE too_wide (' || (SELECT string_agg(format('column_%s text', g), ', ')
        FROM generate_series(1, 250) AS g) || ')';
    EXECUTE 'CREATE TABLE wide (' || (SELECT string_agg(format('column_%s int', g), ', ')
        FROM generate_series(1, 1500) AS g) || ')';
END $$;
SELECT bulla.create_ledger('too_wide');
SELECT bulla.create_ledger('wide') IS NOT NULL AS created;
INSERT INTO wide DEFAULT VALUES;
SELECT * FROM bulla.verify('wide');

-- Row-level security that hides rows from the owner: nothing may stay outside the chain unseen.
CREATE TABLE secured (id int PRIMARY KEY, shown boolean);
INSERT INTO secured VALUES (1, true), (2, false);
CREATE POLICY shown ON secured USING (shown);
ALTER TABLE secured ENABLE ROW LEVEL SECURITY;
ALTER TABLE secured FORCE ROW LEVEL SECURITY;
ALTER TABLE secured OWNER TO regress_ledger_owner;
GRANT CREATE ON SCHEMA public TO regress_ledger_owner;
SET ROLE regress_ledger_owner;
DO $$
BEGIN
    PERFORM bulla.create_ledger('secured');
    RAISE NOTICE 'created';
EXCEPTION WHEN OTHERS THEN
    RAISE NOTICE 'refused';
END $$;
RESET ROLE;
SELECT count(*) FROM bulla.ledgers WHERE ledger = 'secured'::regclass;

-- The owner of a table, with no further right, can do all of it; bulla.events is not theirs.
SET ROLE regress_ledger_owner;
CREATE TABLE owned (id int PRIMARY KEY, tenant text NOT NULL);
INSERT INTO owned VALUES (1, 'a');
SELECT bulla.create_ledger('owned', '{tenant}') IS NOT NULL AS created;
INSERT INTO owned VALUES (2, 'a') RETURNING seq;
SELECT * FROM bulla.verify('owned');
SELECT * FROM bulla.events;
INSERT INTO bulla.events (action, role, session_role, detail) VALUES ('forged', 'me', 'me', '{}');
GRANT INSERT, SELECT ON owned TO regress_ledger_other;
SET ROLE regress_ledger_other;
INSERT INTO owned VALUES (3, 'a') RETURNING seq;
SELECT * FROM bulla.verify('owned');
SELECT bulla.create_ledger('owned');
SELECT bulla.drop_ledger('owned');
SELECT bulla.create_ledger('plain');
SELECT bulla.verify('plain');
SELECT bulla.verify_summary('plain');
SELECT bulla.row_record('plain', '', 0);
SET ROLE regress_ledger_owner;
SELECT bulla.drop_ledger('owned');
RESET ROLE;
SELECT action, role, detail - 'ledger_id' - 'last_hash' AS detail FROM bulla.events
WHERE role = 'regress_ledger_owner' ORDER BY seq;
SELECT * FROM bulla.verify('bulla.events');

-- A dropped ledger is a table with three more columns; it becomes a ledger again once these are gone.
SELECT bulla.drop_ledger('plain');
SELECT * FROM triggers('plain');
SELECT count(*) FROM ledgers WHERE ledger = 'plain'::regclass;
SELECT * FROM bulla.verify('plain');
UPDATE plain SET note = 'changed' WHERE id = 1;
DELETE FROM plain WHERE id = 2;
SELECT id, note, seq FROM plain;
\set VERBOSITY default
SELECT bulla.create_ledger('plain');
\set VERBOSITY terse
ALTER TABLE plain DROP COLUMN seq, DROP COLUMN prev_hash, DROP COLUMN hash;
SELECT bulla.create_ledger('plain') IS NOT NULL AS created;
INSERT INTO plain VALUES (2, 'b') RETURNING seq;
SELECT * FROM bulla.verify('plain');
SELECT bulla.drop_ledger('by_region');
SELECT relname, t.* FROM pg_partition_tree('by_region') AS p, pg_class, triggers(p.relid) AS t
WHERE p.relid = pg_class.oid;
-- The event ledger needs its triggers: nothing could be recorded without them.
DO $$
BEGIN
    BEGIN
        PERFORM bulla.drop_ledger('bulla.events');
        RAISE EXCEPTION 'dropped';
    EXCEPTION WHEN object_not_in_prerequisite_state OR wrong_object_type OR insufficient_privilege THEN
        RAISE NOTICE 'refused';
    END;
END $$;

-- Within one transaction: what was appended to a ledger that is dropped is not the head of the next one.
CREATE TABLE again (id int PRIMARY KEY);
SELECT bulla.create_ledger('again') IS NOT NULL AS created;
BEGIN;
INSERT INTO again VALUES (2), (1);
SELECT bulla.drop_ledger('again');
ALTER TABLE again DROP COLUMN seq, DROP COLUMN prev_hash, DROP COLUMN hash;
SELECT bulla.create_ledger('again') IS NOT NULL AS created;
INSERT INTO again VALUES (3);
COMMIT;
SELECT id, seq FROM again ORDER BY seq;
SELECT * FROM bulla.verify('again');
-- And what is rolled back never was.
BEGIN;
SELECT bulla.drop_ledger('again');
INSERT INTO again VALUES (4, -1, '', '');
ROLLBACK;
BEGIN;
CREATE TABLE never (id int);
SELECT bulla.create_ledger('never') IS NOT NULL AS created;
INSERT INTO never VALUES (1) RETURNING seq;
ROLLBACK;
INSERT INTO again VALUES (4) RETURNING seq;
SELECT * FROM bulla.verify('again');

-- Anybody can put a trigger of Bulla's on a table of theirs, with any arguments: nobody else suffers.
SET ROLE regress_ledger_other;
CREATE TEMP TABLE odd_arguments (a int);
CREATE TRIGGER odd_time BEFORE INSERT ON odd_arguments FOR EACH ROW
    EXECUTE FUNCTION bulla.chain_row('00000000-0000-0000-0000-000000000000', 'no date', 'me', '0');
CREATE TRIGGER odd_count BEFORE INSERT ON odd_arguments FOR EACH ROW
    EXECUTE FUNCTION bulla.chain_row('00000000-0000-0000-0000-000000000000', 'now', 'me', '99999999999999999999');
CREATE TRIGGER odd_all BEFORE INSERT ON odd_arguments FOR EACH ROW EXECUTE FUNCTION bulla.chain_row('odd');
INSERT INTO odd_arguments VALUES (1);
RESET ROLE;
SELECT count(*) > 5 AS some FROM bulla.ledgers WHERE created_at IS NOT NULL;

SET bulla.restore = on;
DROP OWNED BY regress_ledger_owner, regress_ledger_other CASCADE;
DROP ROLE regress_ledger_owner, regress_ledger_other;
