-- The door between C++ and PostgreSQL, through a module that is there for this test alone: each failure
-- becomes the right error, and everything in between is destroyed.
CREATE FUNCTION fail(code text, message text, hint text DEFAULT '') RETURNS int
    LANGUAGE C STRICT AS 'bulla_test', 'bulla_test_fail';
CREATE FUNCTION throw_it(what text, message text DEFAULT '') RETURNS int
    LANGUAGE C STRICT AS 'bulla_test', 'bulla_test_throw_it';
CREATE FUNCTION call_function(function regprocedure) RETURNS int
    LANGUAGE C STRICT AS 'bulla_test', 'bulla_test_call_function';
CREATE FUNCTION put_back(function regprocedure) RETURNS boolean
    LANGUAGE C STRICT AS 'bulla_test', 'bulla_test_put_back';
CREATE FUNCTION live() RETURNS int LANGUAGE C STRICT AS 'bulla_test', 'bulla_test_live';

-- A good call.
SELECT throw_it('nothing'), live();

-- Errors that the core answers with, and their SQLSTATEs.
CREATE FUNCTION sqlstate_of(code text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    state text;
    message text;
    hint text;
BEGIN
    PERFORM fail(code, 'message of ' || code, 'Hint of ' || code || '.');
    RETURN 'no error';
EXCEPTION WHEN OTHERS OR query_canceled OR assert_failure THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
    RETURN state || ' ' || message || ' / ' || hint;
END $$;
SELECT code, sqlstate_of(code) FROM unnest('{kInvalidArgument,kNotFound,kAlreadyExists,kPermissionDenied,
    kFailedPrecondition,kCorrupt,kAuthenticationFailed,kCancelled,kUnavailable,kInternal}'::text[]) AS code;
SELECT live();
SELECT fail('kNotFound', 'as a person sees it', 'With a hint.');
SELECT fail('kNotFound', 'and without');
SELECT fail('kNotFound', '%s %n 100%', '%s %n 100%');
SELECT fail('kNotFound', '', '');
SELECT live();

-- What is thrown.
\set VERBOSITY sqlstate
SELECT throw_it('bad_alloc');
SELECT throw_it('real bad_alloc');
SELECT throw_it('int');
SELECT throw_it('string', 'not an exception');
SELECT throw_it('logic_error', 'no excuse');
SELECT throw_it('runtime_error', 'no excuse');
SELECT fail('no code', '');
\set VERBOSITY default
SELECT throw_it('bad_alloc');
SELECT throw_it('int');
SELECT throw_it('string', 'not an exception');
SELECT throw_it('logic_error', '100%s');
SELECT live();

-- Errors of PostgreSQL's under C++ frames come out as they went in.
CREATE FUNCTION good() RETURNS int LANGUAGE sql AS 'SELECT 42';
CREATE TABLE taken (id int PRIMARY KEY);
INSERT INTO taken VALUES (1);
CREATE FUNCTION duplicate() RETURNS int LANGUAGE sql AS 'INSERT INTO taken VALUES (1) RETURNING id';
CREATE FUNCTION own_error() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'own message' USING ERRCODE = 'XY123', DETAIL = 'Own detail.', HINT = 'Own hint.',
        SCHEMA = 'own_schema', TABLE = 'own_table', COLUMN = 'own_column', CONSTRAINT = 'own_constraint', DATATYPE = 'own_type';
END $$;
CREATE FUNCTION zero() RETURNS int LANGUAGE sql AS 'SELECT 1 / (SELECT count(*)::int FROM taken WHERE false)';
-- C++ under PostgreSQL under C++.
CREATE FUNCTION inside() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    RETURN fail('kCorrupt', 'from deep inside', 'Hint from there.');
END $$;
CREATE FUNCTION inside_twice() RETURNS int LANGUAGE sql AS $$ SELECT call_function('inside()') $$;
CREATE FUNCTION caught() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    RETURN throw_it('int');
EXCEPTION WHEN internal_error THEN
    RETURN 7;
END $$;
SELECT call_function('good()');
SELECT call_function('duplicate()');
SELECT call_function('own_error()');
SELECT call_function('zero()');
SELECT call_function('inside()');
SELECT call_function('inside_twice()');
SELECT call_function('caught()');
SELECT put_back('own_error()');
SELECT live();
DO $$
DECLARE
    a text; b text; c text; d text; e text; f text; g text; h text;
BEGIN
    PERFORM call_function('own_error()');
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS a = RETURNED_SQLSTATE, b = PG_EXCEPTION_DETAIL, c = PG_EXCEPTION_HINT, d = SCHEMA_NAME,
        e = TABLE_NAME, f = COLUMN_NAME, g = CONSTRAINT_NAME, h = PG_DATATYPE_NAME;
    RAISE NOTICE '% % % % % % % %', a, b, c, d, e, f, g, h;
END $$;
-- A cancelled statement stays one.
SET statement_timeout = '10ms';
CREATE FUNCTION long() RETURNS int LANGUAGE sql AS 'SELECT count(*)::int FROM generate_series(1, 1000000000000)';
SELECT call_function('long()');
RESET statement_timeout;
SELECT live();

-- Long messages are cut, never inside a character.
CREATE FUNCTION message_of(message text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    hint text;
BEGIN
    RETURN fail('kInternal', message, message);
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN format('%s bytes, %s characters, last %s, hint alike %s', octet_length(SQLERRM), char_length(SQLERRM),
        right(SQLERRM, 1), hint = SQLERRM);
END $$;
SELECT message_of(repeat('x', 511));
SELECT message_of(repeat('x', 512));
SELECT message_of(repeat('x', 1000000));
SELECT message_of(repeat('é', 1000));
SELECT message_of('x' || repeat('é', 1000));
SELECT message_of(repeat('☃', 1000));
SELECT message_of('x' || repeat('☃', 1000));
SELECT message_of(repeat('𝄞', 1000));
SELECT message_of('x' || repeat('𝄞', 1000));
SELECT message_of('xx' || repeat('𝄞', 1000));
SELECT message_of('xxx' || repeat('𝄞', 1000));

-- Thousands of each leave nothing behind, in the C++ heap (objects are counted) or in PostgreSQL's.
CREATE PROCEDURE many(count int) LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1..count LOOP
        BEGIN
            CASE i % 6
            WHEN 0 THEN PERFORM fail('kNotFound', 'x');
            WHEN 1 THEN PERFORM throw_it('bad_alloc');
            WHEN 2 THEN PERFORM throw_it('int');
            WHEN 3 THEN PERFORM throw_it('logic_error', 'x');
            WHEN 4 THEN PERFORM call_function('own_error()');
            ELSE PERFORM call_function('inside_twice()');
            END CASE;
        EXCEPTION WHEN OTHERS THEN
        END;
    END LOOP;
END $$;
CALL many(600);
SELECT sum(used_bytes) AS before FROM pg_backend_memory_contexts \gset
CALL many(12000);
SELECT live(), sum(used_bytes) - :before < 100000 AS nothing_leaked FROM pg_backend_memory_contexts;
SELECT throw_it('nothing'), call_function('good()');

-- And in one transaction that aborts and goes on by savepoints.
BEGIN;
SAVEPOINT a;
SELECT throw_it('int');
ROLLBACK TO a;
SELECT call_function('own_error()');
ROLLBACK TO a;
SELECT throw_it('nothing'), live();
COMMIT;
