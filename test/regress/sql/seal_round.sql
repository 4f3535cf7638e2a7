-- The regular sealing, by a role that owns no ledger.
\set VERBOSITY terse
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_sealer, regress_ledger_owner;
CREATE ROLE regress_sealer;
CREATE ROLE regress_ledger_owner;
GRANT CREATE ON SCHEMA public TO regress_ledger_owner;
RESET client_min_messages;
CREATE VIEW sizes AS SELECT l.ledger, t.chain, t.size
    FROM bulla.trees AS t JOIN bulla.ledgers AS l ON l.id = t.ledger_id;

SET ROLE regress_ledger_owner;
CREATE TABLE orders (tenant int NOT NULL, n int);
SELECT bulla.create_ledger('orders', '{tenant}') IS NOT NULL AS created;
RESET ROLE;
CREATE TABLE audit (n int);
SELECT bulla.create_ledger('audit') IS NOT NULL AS created;
INSERT INTO orders SELECT t, i FROM generate_series(1, 3) AS t, generate_series(1, 300) AS i;
INSERT INTO audit SELECT generate_series(1, 300);

CALL bulla.seal_round('0');
SELECT bulla.set_log_name('ledger.example.com');
SELECT log_name, sealed_at IS NULL AS never FROM bulla.seal_state();

-- Who has no right to seal for others cannot, and nothing is said to be sealed.
SET ROLE regress_sealer;
CALL bulla.seal_round('0');
SELECT bulla.try_seal_round();
SELECT bulla.seal_as_owner('orders');
RESET ROLE;
SELECT count(*) FROM sizes;

-- Who has it can, without any other right.
GRANT EXECUTE ON FUNCTION bulla.try_seal_round(), bulla.seal_as_owner(regclass) TO regress_sealer;
SET ROLE regress_sealer;
SET default_transaction_isolation = 'serializable';
CREATE TEMP TABLE rounds (result jsonb);
DO $$ DECLARE r jsonb; BEGIN CALL bulla.seal_round('0', r); INSERT INTO rounds VALUES (r); END $$;
SELECT result - 'seconds' AS result, (result ->> 'seconds')::float > 0 AS seconds FROM rounds;
RESET default_transaction_isolation;
SELECT bulla.seal('orders', '1');
SELECT count(*) FROM orders;
SELECT * FROM bulla.trees;
RESET ROLE;
SELECT * FROM sizes WHERE ledger <> 'bulla.events'::regclass ORDER BY 1, 2;

-- Soon after it another round finds nothing due; where it is due and nothing grew, none grows.
SELECT log_name, sealed_at > now() - interval '1 minute' AS sealed FROM bulla.seal_state();
INSERT INTO audit VALUES (301);
DO $$ DECLARE r jsonb; BEGIN CALL bulla.seal_round('1 hour', r);
    RAISE NOTICE '% %', r ->> 'state', (r ->> 'ago')::float BETWEEN 0 AND 60; END $$;
SELECT size FROM sizes WHERE ledger = 'audit'::regclass;
DO $$ DECLARE r jsonb; BEGIN CALL bulla.seal_round('0', r); RAISE NOTICE '%', r - 'seconds'; END $$;
DO $$ DECLARE r jsonb; BEGIN CALL bulla.seal_round('0', r); RAISE NOTICE '%', r - 'seconds'; END $$;
SELECT size FROM sizes WHERE ledger = 'audit'::regclass;

-- A clock that was set back does not stop it.
INSERT INTO audit VALUES (302);
UPDATE bulla.trees SET sealed_at = sealed_at + interval '1 day';
DO $$ DECLARE r jsonb; BEGIN CALL bulla.seal_round('1 hour', r); RAISE NOTICE '%', r - 'seconds'; END $$;
SELECT size FROM sizes WHERE ledger = 'audit'::regclass;

-- A ledger that cannot be sealed keeps no other from it, and is told.
CREATE TABLE holed (n int);
SELECT bulla.create_ledger('holed') IS NOT NULL AS created;
INSERT INTO holed SELECT generate_series(0, 9);
SET bulla.restore = on;
ALTER TABLE holed DISABLE TRIGGER ALL;
DELETE FROM holed WHERE seq = 4;
RESET bulla.restore;
CREATE TABLE later (n int);
SELECT bulla.create_ledger('later') IS NOT NULL AS created;
INSERT INTO later VALUES (1);
DO $$ DECLARE r jsonb; BEGIN CALL bulla.seal_round('0', r); RAISE NOTICE '%', r - 'seconds'; END $$;
SELECT ledger, size FROM sizes WHERE ledger IN ('holed'::regclass, 'later'::regclass);
SELECT bulla.seal_as_owner('sizes');
SELECT bulla.seal_as_owner(0);

DROP OWNED BY regress_sealer;
SELECT bulla.drop_ledger('orders');
DROP OWNED BY regress_ledger_owner;
DROP ROLE regress_sealer;
DROP ROLE regress_ledger_owner;
