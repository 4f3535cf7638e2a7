-- Thousands of chains in one ledger, each of them alone; lanes; more partitions than a transaction looks at.
\set VERBOSITY terse
CREATE TABLE tenants (tenant int NOT NULL, n int);
SELECT bulla.create_ledger('tenants', '{tenant}') IS NOT NULL AS created;
INSERT INTO tenants SELECT t, n FROM generate_series(1, 3) AS n CROSS JOIN generate_series(1, 5000) AS t;
INSERT INTO tenants VALUES (17, 4), (4711, 4), (17, 5);
SELECT count(*), count(DISTINCT tenant), max(seq) FROM tenants;
SELECT verified, rows_checked, chains FROM bulla.verify_summary('tenants');
SELECT tenant, count(v.*) AS findings FROM unnest('{1,17,4711,5000}'::int[]) AS tenant LEFT JOIN LATERAL bulla.verify('tenants', tenant::text) AS v ON true
GROUP BY tenant ORDER BY tenant;
-- What is done to one is found in one.
SET session_replication_role = replica;
SET bulla.restore = on;
ALTER TABLE tenants DISABLE TRIGGER USER;
UPDATE tenants SET n = 0 WHERE tenant = 17 AND seq = 3;
DELETE FROM tenants WHERE tenant = 4711 AND seq = 1;
ALTER TABLE tenants ENABLE ALWAYS TRIGGER zzz_bulla_chain_row, ENABLE ALWAYS TRIGGER bulla_confirm_row,
    ENABLE ALWAYS TRIGGER bulla_open_statement, ENABLE ALWAYS TRIGGER bulla_close_statement,
    ENABLE ALWAYS TRIGGER bulla_refuse_change, ENABLE ALWAYS TRIGGER bulla_refuse_truncate;
RESET bulla.restore;
RESET session_replication_role;
SELECT chain, seq, verdict FROM bulla.verify('tenants');
SELECT tenant, v.seq, v.verdict FROM unnest('{16,17,18,4711}'::int[]) AS tenant LEFT JOIN LATERAL bulla.verify('tenants', tenant::text) AS v ON true ORDER BY tenant;

-- Lanes: a log that many write at once, as several chains that do not wait for each other. Any value will do
-- that differs between those who write.
CREATE TABLE requests (
    lane smallint NOT NULL DEFAULT pg_backend_pid() % 8,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    what text
);
SELECT bulla.create_ledger('requests', '{lane}') IS NOT NULL AS created;
INSERT INTO requests (what) VALUES ('this lane'), ('this lane too');
\c
INSERT INTO requests (what) VALUES ('maybe another lane');
INSERT INTO requests (lane, what) SELECT n % 8, 'any lane' FROM generate_series(1, 80) AS n;
SELECT count(*), count(DISTINCT lane) FROM requests;
SELECT verified, rows_checked, chains FROM bulla.verify_summary('requests');

-- Partitions by something that is not part of the chain: the rows of a chain are scattered over them, no unique
-- index spans them, and a transaction keeps no lock on those it only looked at.
CREATE TABLE filed (tenant int NOT NULL, day int NOT NULL, n int) PARTITION BY RANGE (day);
SELECT format('CREATE TABLE filed_%s PARTITION OF filed FOR VALUES FROM (%s) TO (%s)', g, g, g + 1) FROM generate_series(0, 199) AS g \gexec
SELECT bulla.create_ledger('filed', '{tenant}') IS NOT NULL AS created;
INSERT INTO filed SELECT n % 7, (n * 7919) % 200, n FROM generate_series(1, 2000) AS n;
\c
BEGIN;
INSERT INTO filed VALUES (3, 0, 2001), (3, 199, 2002);
SELECT bulla.append('filed', '{"tenant": 4, "day": 100, "n": 2003}');
SELECT count(*) < 30 AS few_locks FROM pg_locks WHERE pid = pg_backend_pid();
COMMIT;
INSERT INTO filed VALUES (3, 50, 2004), (4, 50, 2005) RETURNING tenant, seq - (SELECT max(seq) FROM filed AS before WHERE before.tenant = filed.tenant) AS behind;
SELECT tenant, count(*) = max(seq) + 1 AS gapless, count(DISTINCT seq) = count(*) AS no_fork, count(DISTINCT day) > 50 AS scattered FROM filed GROUP BY tenant ORDER BY tenant;
SELECT verified, rows_checked, chains FROM bulla.verify_summary('filed');
SELECT count(*) AS findings FROM bulla.verify('filed', '3');
