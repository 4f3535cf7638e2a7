# Audited tables go on being audited where a dump is restored, and where logical replication brings rows; a
# renamed column that is left out stays out after a restore.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/..";
use BullaTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $directory = PostgreSQL::Test::Utils::tempdir();
my $last = 'SELECT operation, table_name, partition_name, row_key, old_values, new_values, personal
	FROM bulla.changes ORDER BY seq DESC LIMIT 1';

my $old = new_node('old', allows_streaming => 'logical');
$old->start;
$old->safe_psql('postgres', q{
	CREATE EXTENSION bulla;
	CREATE SCHEMA "a ""trail";
	CREATE TABLE "a ""trail"."led'ger" (table_schema text NOT NULL, table_name text NOT NULL, partition_name text, table_oid oid NOT NULL,
		operation text NOT NULL, row_key jsonb, old_values jsonb, new_values jsonb, statement_at timestamptz NOT NULL,
		transaction_id xid8 NOT NULL, session_role text NOT NULL, role text NOT NULL, application_name text, actor text);
	SELECT bulla.create_ledger('"a ""trail"."led''ger"', '{table_name}');
	-- Numbers of columns that a restore does not keep, and names that need care.
	CREATE TABLE people (gone int, id int PRIMARY KEY, "pass ""word" text, email text, note text);
	ALTER TABLE people DROP COLUMN gone;
	SELECT bulla.audit_changes('people', skip => ARRAY['pass "word'], erasable => '{email}');
	CREATE TABLE parts (id int PRIMARY KEY, secret text) PARTITION BY RANGE (id);
	CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (50);
	CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (50) TO (100);
	SELECT bulla.audit_changes('parts', '"a ""trail"."led''ger"', skip => '{secret}');
	INSERT INTO people VALUES (1, 'hidden', 'a@example.org', 'x'), (2, 'hidden', 'b@example.org', 'y');
	INSERT INTO parts VALUES (1, 'hidden'), (60, 'hidden');
	-- What is named in the triggers' argument is renamed.
	ALTER TABLE people RENAME COLUMN "pass ""word" TO password;
	ALTER TABLE parts RENAME COLUMN secret TO hidden;
	ALTER TABLE "a ""trail"."led'ger" RENAME TO "Trail";
	ALTER TABLE "a ""trail"."Trail" RENAME TO trail;
	ALTER SCHEMA "a ""trail" RENAME TO trails;
});

my @dumps = (
	[ 'plain', [ 'pg_dump', '-Fp', '-f', "$directory/dump.sql" ], [ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', "$directory/dump.sql" ] ],
	[ 'directory', [ 'pg_dump', '-Fd', '-j2', '-f', "$directory/dump" ], [ 'pg_restore', '-j2', '--exit-on-error', "$directory/dump" ] ]);
for my $dump (@dumps)
{
	my ($format, $make, $restore) = @$dump;
	$old->command_ok([ @$make, '-d', $old->connstr('postgres') ], "$format: dump");
	my $new = new_node("new_$format", preload => $format eq 'plain' ? 1 : 0);
	$new->start;
	$new->command_ok([ @$restore, '-d', $new->connstr('postgres') ], "$format: restore");
	is($new->safe_psql('postgres', 'SELECT source, ledger, skip, erasable, enabled FROM bulla.audited_tables ORDER BY source::text'),
		"parts|trails.trail|{hidden}|{}|t\npeople|bulla.changes|{password}|{email}|t", "$format: the audits are there");
	is($new->safe_psql('postgres', 'SELECT count(*) FROM bulla.changes'), '2', "$format: and no events that never were");
	$new->safe_psql('postgres', q{UPDATE people SET password = 'new', note = 'z', email = 'c@example.org' WHERE id = 1});
	is($new->safe_psql('postgres', $last),
		'UPDATE|people||{"id": "1"}|{"note": "x"}|{"note": "z"}|{"new_values": {"email": "c@example.org"}, "old_values": {"email": "a@example.org"}}',
		"$format: the next change is recorded as before");
	$new->safe_psql('postgres', q{
		CREATE TABLE parts_3 PARTITION OF parts FOR VALUES FROM (100) TO (150);
		INSERT INTO parts VALUES (2, 'hidden'), (120, 'hidden');
		TRUNCATE parts_3;
	});
	is($new->safe_psql('postgres', 'SELECT operation, partition_name, new_values FROM trails.trail ORDER BY seq DESC LIMIT 3'),
		qq(TRUNCATE|public.parts_3|\nINSERT|public.parts_3|{"id": "120"}\nINSERT|public.parts_1|{"id": "2"}),
		"$format: and of partitions, old and new");
	# The settings are those of the restored table now.
	$new->safe_psql('postgres', q{
		ALTER TABLE people RENAME COLUMN password TO pw;
		ALTER TABLE people ADD COLUMN password text;
		INSERT INTO people VALUES (3, 'hidden', NULL, NULL, 'shown');
	});
	is($new->safe_psql('postgres', "SELECT new_values FROM bulla.changes ORDER BY seq DESC LIMIT 1"),
		'{"id": "3", "note": null, "password": "shown"}', "$format: renames are followed");
	is_sound($new, 'bulla.changes', "$format: the ledger verifies");
	is_sound($new, 'trails.trail', "$format: and the other");
	# Rows alone, into tables that are audited already, bring no events of their own.
	if ($format eq 'directory')
	{
		$new->safe_psql('postgres', q{
			SET bulla.restore = on;
			DELETE FROM people;
			INSERT INTO people (id, note) VALUES (9, 'restored');
		});
		is($new->safe_psql('postgres', 'SELECT max(seq) FROM bulla.changes'), '3', 'under bulla.restore nothing is recorded');
	}
	$new->stop;
}

# A subscriber that audits for itself what arrives.
$old->safe_psql('postgres', 'CREATE PUBLICATION people FOR TABLE people;
	CREATE PUBLICATION everything FOR TABLE people, bulla.changes');
my $subscriber = new_node('subscriber', settings => 'wal_retrieve_retry_interval = 100ms');
$subscriber->start;
my $conninfo = $old->connstr . ' dbname=postgres';
$subscriber->safe_psql('postgres', q{
	CREATE EXTENSION bulla;
	CREATE TABLE people (id int PRIMARY KEY, password text, email text, note text);
	SELECT bulla.audit_changes('people', skip => '{password}');
});
$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION own_trail CONNECTION '$conninfo' PUBLICATION people");
ok($subscriber->poll_query_until('postgres', q{SELECT count(*) = 2 FROM bulla.changes}), 'the initial copy is recorded');
$old->safe_psql('postgres', q{UPDATE people SET note = 'applied' WHERE id = 2; DELETE FROM people WHERE id = 1; TRUNCATE people});
ok($subscriber->poll_query_until('postgres', q{SELECT count(*) = 5 FROM bulla.changes}), 'what is applied is recorded');
is($subscriber->safe_psql('postgres', 'SELECT operation, row_key, new_values FROM bulla.changes ORDER BY seq OFFSET 2'),
	qq(UPDATE|{"id": "2"}|{"note": "applied"}\nDELETE|{"id": "1"}|\nTRUNCATE||), 'as it was');
is_sound($subscriber, 'bulla.changes', 'the ledger of the subscriber verifies');

# A subscriber whose ledger is the publisher's.
$old->command_ok([ 'pg_dump', '--schema-only', '--no-publications', '-f', "$directory/schema.sql", '-d', $conninfo ],
	'the schema is dumped');
$subscriber->safe_psql('postgres', 'CREATE DATABASE copy');
$subscriber->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $subscriber->connstr('copy'), '-f',
	"$directory/schema.sql" ], 'the empty tables');
$subscriber->safe_psql('copy', "CREATE SUBSCRIPTION whole_trail CONNECTION '$conninfo' PUBLICATION everything");
$old->safe_psql('postgres', q{INSERT INTO people VALUES (7, 'hidden', NULL, 'copied')});
my $heads = $old->safe_psql('postgres', 'SELECT max(seq), count(*) FROM bulla.changes');
ok($subscriber->poll_query_until('copy', "SELECT max(seq) || '|' || count(*) = '$heads' AND (SELECT count(*) = 1 FROM people)
	FROM bulla.changes"), 'rows and their events arrive, each event once');
is($subscriber->safe_psql('copy', q{SELECT * FROM bulla.verify('bulla.changes')}), '', 'and verify');
my ($code, $output, $errors) = $subscriber->psql('copy', q{INSERT INTO people VALUES (8)});
isnt($code, 0, 'a change of its own is refused');
like($errors, qr/subscription/, 'because of the subscription');

done_testing();
