-- Every role and every function that keys are used or administered with. The extension belongs to a role that is no
-- superuser (any more): owning it lets one administer keys and read their tables, and use none.
\set VERBOSITY terse
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_owner, regress_admin, regress_encrypt, regress_decrypt, regress_index, regress_group, regress_member, regress_apart, regress_nobody, regress_super;
DROP EXTENSION bulla;
CREATE ROLE regress_owner SUPERUSER;
SET SESSION AUTHORIZATION regress_owner;
CREATE EXTENSION bulla;
RESET SESSION AUTHORIZATION;
CREATE ROLE regress_super SUPERUSER;
CREATE ROLE regress_admin;
CREATE ROLE regress_encrypt;
CREATE ROLE regress_decrypt;
CREATE ROLE regress_index;
CREATE ROLE regress_group;
CREATE ROLE regress_member IN ROLE regress_group;
CREATE ROLE regress_apart NOINHERIT IN ROLE regress_group;
CREATE ROLE regress_nobody;
RESET client_min_messages;
SELECT bulla.create_key('disabled') IS NOT NULL AND bulla.create_key('card') IS NOT NULL AND bulla.create_key('shared') IS NOT NULL AND bulla.create_key('find', 'index') IS NOT NULL AS created;
CREATE TABLE sealed AS SELECT bulla.encrypt('x', 'card') AS card, bulla.encrypt('x'::bytea, 'card') AS bytes, bulla.encrypt('x', 'shared') AS shared;
SELECT bulla.disable_key_version('disabled', 1);
INSERT INTO bulla.keks (kek_id) VALUES ('file:00000000000000000000000000000000');
ALTER ROLE regress_owner NOSUPERUSER;
SELECT bulla.grant_key('card', 'regress_encrypt', 'encrypt');
SELECT bulla.grant_key('card', 'regress_decrypt', 'decrypt');
SELECT bulla.grant_key('find', 'regress_index', 'index');
SELECT bulla.grant_key('card', 'regress_group', 'encrypt'), bulla.grant_key('card', 'regress_group', 'decrypt'), bulla.grant_key('find', 'regress_group', 'index');
SELECT bulla.grant_key('shared', 'public', 'encrypt'), bulla.grant_key('shared', 'public', 'decrypt');
GRANT EXECUTE ON FUNCTION bulla.create_key(text, text, text), bulla.grant_key(text, name, text), bulla.revoke_key(text, name, text), bulla.rotate_key(text),
    bulla.disable_key_version(text, integer), bulla.enable_key_version(text, integer), bulla.destroy_key_version(text, integer, text, boolean), bulla.destroy_key(text, text, boolean),
    bulla.retire_kek(text), bulla.rewrap_key_batch(integer, text), bulla.set_key_audit(text, boolean),
    bulla.enable_emergency_mode(text, text[]), bulla.disable_emergency_mode(text), bulla.emergency_rotate(text, text), bulla.emergency_rotate(name, text) TO regress_admin;
GRANT EXECUTE ON PROCEDURE bulla.rewrap_keys(integer, bigint) TO regress_admin;
-- So that there is something to end. It forbids none of what follows.
SELECT bulla.enable_emergency_mode('a test', '{no_exports}') IS NOT NULL AS emergency;

-- One call of every function, and what it needs: nothing, a use of a key, or to administer keys.
CREATE TABLE calls (place serial, needs text, function regprocedure, call text);
INSERT INTO calls (needs, function, call)
SELECT needs, function::regprocedure, format(call, card, bytes, shared, session_user) FROM sealed, (VALUES
    (1, 'encrypt', 'bulla.encrypt(text, text, text)', 'bulla.encrypt(''x'', ''card'')'),
    (2, 'encrypt', 'bulla.encrypt(bytea, text, text)', 'bulla.encrypt(''x''::bytea, ''card'')'),
    (3, 'decrypt', 'bulla.decrypt(text, text)', 'bulla.decrypt(%1$L::text)'),
    (4, 'decrypt', 'bulla.decrypt(bytea, text)', 'bulla.decrypt(%2$L::bytea)'),
    (5, 'decrypt', 'bulla.decrypt_if_encrypted(text, text)', 'bulla.decrypt_if_encrypted(%1$L)'),
    (6, 'public', 'bulla.encrypt(text, text, text)', 'bulla.encrypt(''x'', ''shared'')'),
    (7, 'public', 'bulla.decrypt(text, text)', 'bulla.decrypt(%3$L::text)'),
    (8, 'index', 'bulla.blind_index(text, text, text, integer)', 'bulla.blind_index(''x'', ''find'', '''')'),
    (9, 'index', 'bulla.search_token(text, text, text, integer)', 'bulla.search_token(''x'', ''find'', '''')'),
    (10, 'nothing', 'bulla.decrypt_if_encrypted(text, text)', 'bulla.decrypt_if_encrypted(''plain'')'),
    (11, 'nothing', 'bulla.is_encrypted(text)', 'bulla.is_encrypted(''x'')'),
    (12, 'nothing', 'bulla.is_encrypted(bytea)', 'bulla.is_encrypted(''x''::bytea)'),
    (13, 'to administer', 'bulla.create_key(text, text, text)', 'bulla.create_key(''new'')'),
    (14, 'to administer', 'bulla.grant_key(text, name, text)', 'bulla.grant_key(''card'', ''regress_nobody'', ''decrypt'')'),
    (15, 'to administer', 'bulla.revoke_key(text, name, text)', 'bulla.revoke_key(''card'', ''regress_encrypt'', ''encrypt'')'),
    (16, 'to administer', 'bulla.rotate_key(text)', 'bulla.rotate_key(''card'')'),
    (17, 'to administer', 'bulla.disable_key_version(text, integer)', 'bulla.disable_key_version(''card'', 1)'),
    (18, 'to administer', 'bulla.enable_key_version(text, integer)', 'bulla.enable_key_version(''disabled'', 1)'),
    (19, 'to administer', 'bulla.destroy_key_version(text, integer, text, boolean)', 'bulla.destroy_key_version(''card'', 1, ''test'')'),
    (20, 'to administer', 'bulla.destroy_key(text, text, boolean)', 'bulla.destroy_key(''card'', ''test'')'),
    (21, 'to administer', 'bulla.retire_kek(text)', 'bulla.retire_kek(''file:00000000000000000000000000000000'')'),
    (22, 'to administer', 'bulla.rewrap_key_batch(integer, text)', 'bulla.rewrap_key_batch(1)'),
    (23, 'to administer', 'bulla.rewrap_keys(integer, bigint)', 'bulla.rewrap_keys()'),
    (24, 'encrypt', 'bulla.encrypt(text, text, bytea)', 'bulla.encrypt(''x'', ''card'', ''''::bytea)'),
    (25, 'encrypt', 'bulla.encrypt(bytea, text, bytea)', 'bulla.encrypt(''x''::bytea, ''card'', ''''::bytea)'),
    (26, 'decrypt', 'bulla.decrypt(text, bytea)', 'bulla.decrypt(%1$L::text, ''''::bytea)'),
    (27, 'decrypt', 'bulla.decrypt(bytea, bytea)', 'bulla.decrypt(%2$L::bytea, ''''::bytea)'),
    (28, 'decrypt', 'bulla.decrypt_if_encrypted(text, bytea)', 'bulla.decrypt_if_encrypted(%1$L, ''''::bytea)'),
    (29, 'both', 'bulla.reencrypt(text, text)', 'bulla.reencrypt(%1$L::text)'),
    (30, 'both', 'bulla.reencrypt(bytea, text)', 'bulla.reencrypt(%2$L::bytea)'),
    (31, 'both', 'bulla.reencrypt(text, bytea)', 'bulla.reencrypt(%1$L::text, ''''::bytea)'),
    (32, 'both', 'bulla.reencrypt(bytea, bytea)', 'bulla.reencrypt(%2$L::bytea, ''''::bytea)'),
    (33, 'nothing', 'bulla.messages_sealed(bytea)', 'bulla.messages_sealed(''\x00'')'),
    (34, 'to administer', 'bulla.enable_emergency_mode(text, text[])', 'bulla.enable_emergency_mode(''test'', ''{no_exports}'')'),
    (35, 'to administer', 'bulla.disable_emergency_mode(text)', 'bulla.disable_emergency_mode(''wrong'')'),
    (36, 'to administer', 'bulla.emergency_rotate(text, text)', 'bulla.emergency_rotate(''card'', ''test'')'),
    (37, 'to administer', 'bulla.emergency_rotate(name, text)', 'bulla.emergency_rotate(owner => %4$L, reason => ''test'')'),
    (38, 'to monitor', 'bulla.key_messages()', '(SELECT count(*) FROM bulla.key_messages())'),
    (39, 'to administer', 'bulla.set_key_audit(text, boolean)', 'bulla.set_key_audit(''card'', true)')) AS v (place, needs, function, call)
ORDER BY v.place;
-- None is left out but the procedures that change columns, which are for the owners of tables, and what
-- the log is signed with (seal.sql).
SELECT p.oid::regprocedure AS not_called FROM pg_proc AS p
WHERE pronamespace = 'bulla'::regnamespace AND prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
    AND proname ~ 'crypt|key|kek|blind_index|token|emergency|messages_sealed' AND proname !~ '_column$|signing_key|verifier_key' AND p.oid NOT IN (SELECT function FROM calls) ORDER BY 1;

-- Tries it as the role, and takes it back.
CREATE FUNCTION may(who text, call text) RETURNS text LANGUAGE plpgsql SET client_min_messages = error AS $$
BEGIN
    EXECUTE format('SET LOCAL SESSION AUTHORIZATION %I', split_part(who, ' as ', 1));
    IF who ~ ' as ' THEN
        EXECUTE format('SET LOCAL ROLE %I', split_part(who, ' as ', 2));
    END IF;
    EXECUTE CASE WHEN call ~ '^bulla.rewrap_keys' THEN 'CALL ' ELSE 'SELECT ' END || call;
    RAISE EXCEPTION USING ERRCODE = 'BU001';
EXCEPTION
    WHEN SQLSTATE 'BU001' THEN
        RETURN 'yes';
    WHEN invalid_transaction_termination THEN
        RETURN 'yes';  -- it came as far as its first COMMIT
    WHEN insufficient_privilege THEN
        RETURN '-';
END $$;
SELECT needs, function, may('regress_super', call) AS super, may('regress_owner', call) AS owner,
    may('regress_admin', call) AS admin, may('regress_encrypt', call) AS encrypt, may('regress_decrypt', call) AS decrypt, may('regress_index', call) AS index,
    may('regress_member', call) AS member, may('regress_apart', call) AS apart, may('regress_apart as regress_group', call) AS set_role, may('regress_nobody', call) AS nobody
FROM calls ORDER BY place;
-- What the tables and views tell.
SELECT relation, may('regress_super', query) AS super, may('regress_owner', query) AS owner, may('regress_admin', query) AS admin, may('regress_decrypt', query) AS decrypt, may('regress_nobody', query) AS nobody
FROM unnest('{bulla.key_names,bulla.key_versions,bulla.key_grants,bulla.keks,bulla.keys,bulla.key_privileges}'::text[]) AS relation, format('count(*) FROM %s', relation) AS query;
-- Row-level security is on where keys are.
SELECT c.oid::regclass AS relation, relrowsecurity, (SELECT count(*) FROM pg_policy WHERE polrelid = c.oid) AS policies
FROM pg_class AS c WHERE relnamespace = 'bulla'::regnamespace AND relkind = 'r' AND relname ~ 'key|kek' ORDER BY c.oid::regclass::text COLLATE "C";
SELECT * FROM bulla.verify('bulla.events');

DROP OWNED BY regress_admin, regress_encrypt, regress_decrypt, regress_index, regress_group;
DROP ROLE regress_super, regress_admin, regress_encrypt, regress_decrypt, regress_index, regress_member, regress_apart, regress_group, regress_nobody;
SET bulla.restore = on;
DROP EXTENSION bulla CASCADE;
DROP OWNED BY regress_owner CASCADE;
DROP ROLE regress_owner;
