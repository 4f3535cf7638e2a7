-- A superuser who makes somebody else's table a ledger lends nobody their rights: code that belongs to the
-- table runs as its owner while existing rows are chained.
\set VERBOSITY terse
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_mallory;
CREATE ROLE regress_mallory;
GRANT CREATE ON SCHEMA public TO regress_mallory;
RESET client_min_messages;

SET ROLE regress_mallory;
CREATE FUNCTION spy(id integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF current_user <> 'regress_mallory' THEN
        RAISE 'runs as somebody else';
    END IF;
    RETURN id;
END $$;
CREATE TABLE trap (id integer PRIMARY KEY, pad text, CHECK (spy(id) > 0));
CREATE INDEX ON trap (spy(id));
-- Wide enough that a changed row does not fit beside the old one, so that the index gets new entries.
INSERT INTO trap SELECT i, repeat('x', 800) FROM generate_series(1, 20) AS i;
RESET ROLE;

SELECT bulla.create_ledger('trap') IS NOT NULL AS created;
SELECT verified, rows_checked FROM bulla.verify_summary('trap');

-- What the owner prepared for the security-restricted operation is refused by it.
SET ROLE regress_mallory;
CREATE FUNCTION escape(id integer) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
    SET ROLE NONE;
    RETURN id;
END $$;
CREATE TABLE second_trap (id integer PRIMARY KEY, pad text);
INSERT INTO second_trap VALUES (1, 'x');
ALTER TABLE second_trap ADD CHECK (escape(id) > 0) NOT VALID;
RESET ROLE;
SELECT bulla.create_ledger('second_trap');

SELECT bulla.drop_ledger('trap');
DROP OWNED BY regress_mallory CASCADE;
DROP ROLE regress_mallory;
