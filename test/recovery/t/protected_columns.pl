# Protected columns survive dumps: values open after a restore with the same KEK, in partitions too, and what is
# written then is sealed. A crash in the middle of bulla.encrypt_column loses nothing, and it goes on.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/..";
use BullaTest;
use POSIX ();
use PostgreSQL::Test::Utils;
use Test::More;

my $directory = PostgreSQL::Test::Utils::tempdir();
my $old = new_node('old');
$old->start;
$old->safe_psql('postgres', q{
	CREATE EXTENSION bulla;
	SELECT bulla.create_key('card');
	CREATE TABLE cards (tenant text NOT NULL, id int NOT NULL, number text, scan bytea, PRIMARY KEY (tenant, id));
	SELECT bulla.protect_column('cards', 'number', 'card', '{tenant,id}');
	SELECT bulla.protect_column('cards', 'scan', 'card');
	INSERT INTO cards SELECT 'tenant ' || g % 3, g, 'number ' || g, int4send(g) FROM generate_series(1, 200) AS g;
	ALTER TABLE cards RENAME id TO card_id;
	ALTER TABLE cards RENAME number TO "card's ""number""";
	CREATE TABLE parts (id int NOT NULL, c text) PARTITION BY RANGE (id);
	CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (50);
	CREATE TABLE parts_2 (gone int, c text, id int NOT NULL);
	ALTER TABLE parts_2 DROP COLUMN gone;
	ALTER TABLE parts ATTACH PARTITION parts_2 FOR VALUES FROM (50) TO (100);
	SELECT bulla.protect_column('parts', 'c', 'card', '{id}');
	INSERT INTO parts SELECT g, 'c ' || g FROM generate_series(1, 99) AS g;
	CREATE TABLE audit (id int PRIMARY KEY, what text);
	SELECT bulla.create_ledger('audit');
	SELECT bulla.protect_column('audit', 'what', 'card', '{id}');
	INSERT INTO audit SELECT g, 'what ' || g FROM generate_series(1, 20) AS g;
});

sub contents
{
	my ($node, $database) = @_;
	return join "\n", map { $node->safe_psql($database // 'postgres',
		"SELECT md5(string_agg(t::text, ' ' ORDER BY t::text COLLATE \"C\")) FROM $_ AS t") }
		('cards', 'parts', 'audit', 'bulla.protected_columns');
}

sub opens
{
	my ($node, $name, $database) = @_;
	$database //= 'postgres';
	is($node->safe_psql($database, q{
		SELECT count(*) FROM cards WHERE bulla.open(cards, 'card''s "number"') = 'number ' || card_id
			AND bulla.open_bytea(cards, 'scan') = int4send(card_id)}), '200', "$name: every value opens in its row");
	is($node->safe_psql($database, q{SELECT count(*) FROM parts WHERE bulla.open(parts, 'c') = 'c ' || id}), '99',
		"$name: in partitions too");
	is($node->safe_psql($database, q{SELECT count(*) FROM parts_2 WHERE bulla.open(parts_2, 'c') = 'c ' || id}), '50',
		"$name: and where a partition is read itself");
	is($node->safe_psql($database, q{SELECT count(*) FROM audit WHERE bulla.open(audit, 'what') = 'what ' || id}), '20',
		"$name: and in a ledger");
	is($node->safe_psql($database, "SELECT count(*) FROM bulla.verify('audit')"), '0', "$name: which verifies");
	is($node->safe_psql($database, 'SELECT count(*), bool_and(enabled) FROM bulla.protected_columns'), '4|t',
		"$name: all columns are protected");
	return;
}

sub goes_on
{
	my ($node, $name, $database) = @_;
	$database //= 'postgres';
	is($node->safe_psql($database, q{
		BEGIN;
		INSERT INTO cards VALUES ('new', 1000, 'new', '\x00');
		INSERT INTO parts VALUES (0, 'new');
		INSERT INTO parts_2 (id, c) SELECT 77, 'direct';
		SELECT bulla.is_encrypted("card's ""number""") AND bulla.is_encrypted(scan) FROM cards WHERE card_id = 1000;
		SELECT count(*) FROM parts WHERE NOT bulla.is_encrypted(c);
		ROLLBACK;
	}), "t\n0", "$name: what is written is sealed");
	my ($code, $output, $errors) = $node->psql($database, "UPDATE cards SET card_id = card_id + 1000");
	like($errors, qr/cannot change/, "$name: what values are bound to cannot change");
	($code, $output, $errors) = $node->psql($database,
		q{UPDATE cards SET "card's ""number""" = (SELECT "card's ""number""" FROM cards WHERE card_id = 1) WHERE card_id = 2});
	like($errors, qr/another context/, "$name: nor a value move to another row");
	return;
}

opens($old, 'before');
goes_on($old, 'before');
my $before = contents($old);
my @dumps = (
	[ 'plain', [ 'pg_dump', '-Fp', '-f', "$directory/dump.sql" ],
		[ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', "$directory/dump.sql" ] ],
	[ 'custom', [ 'pg_dump', '-Fc', '-f', "$directory/dump.custom" ],
		[ 'pg_restore', '--exit-on-error', "$directory/dump.custom" ] ],
	[ 'directory', [ 'pg_dump', '-Fd', '-j2', '-f', "$directory/dump.directory" ],
		[ 'pg_restore', '-j2', '--exit-on-error', "$directory/dump.directory" ] ]);
my $node = new_node('new', preload => 0);
$node->start;
for my $dump (@dumps)
{
	my ($format, $make, $restore) = @$dump;
	$old->command_ok([ @$make, '-d', $old->connstr('postgres') ], "$format: dump");
	$node->safe_psql('postgres', "CREATE DATABASE $format TEMPLATE template0");
	$node->command_ok([ @$restore, '-d', $node->connstr($format) ], "$format: restore");
	is(contents($node, $format), $before, "$format: all is there, byte for byte");
	opens($node, $format, $format);
	goes_on($node, $format, $format);
}

# Data alone, into tables that stand already and before the keys are there: only where a superuser says so.
$old->command_ok([ 'pg_dump', '--section=pre-data', '--section=post-data', '-f', "$directory/schema.sql", '-d',
	$old->connstr('postgres') ], 'data only: dump the schema');
$old->command_ok([ 'pg_dump', '--data-only', '-t', 'cards', '-t', 'parts*', '-f', "$directory/tables.sql", '-d',
	$old->connstr('postgres') ], 'data only: dump two tables');
$old->command_ok([ 'pg_dump', '--data-only', '-T', 'cards', '-T', 'parts*', '-f', "$directory/rest.sql", '-d',
	$old->connstr('postgres') ], 'data only: dump the rest, keys among it');
$node->safe_psql('postgres', 'CREATE DATABASE data TEMPLATE template0');
my @psql = ('psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('data'));
$node->command_ok([ @psql, '-f', "$directory/schema.sql" ], 'data only: the empty tables');
$node->command_fails_like([ @psql, '-1', '-f', "$directory/tables.sql" ], qr/is not in this database/,
	'data only: values that nobody can open are refused');
{
	local $ENV{PGOPTIONS} = '-c bulla.restore=on';
	my ($output, $errors) = run_command([ @psql, '-1', '-f', "$directory/tables.sql" ]);
	like($errors, qr/WARNING:\s+200 sealed values of column "scan" of public.cards were left as they came, unopened/,
		'data only: with bulla.restore they are left as they are, and counted');
	unlike($errors, qr/ERROR/, 'data only: and nothing else is said');
	$node->command_ok([ @psql, '-1', '-f', "$directory/rest.sql" ], 'data only: the keys come later');
}
is(contents($node, 'data'), $before, 'data only: all is there, byte for byte');
opens($node, 'data only', 'data');

# Without the KEK nothing opens, and nothing is written: never plaintext instead.
write_kek(kek_file());
$node->restart;
my ($code, $output, $errors) = $node->psql('plain', "INSERT INTO cards VALUES ('new', 1000, 'new', NULL)");
like($errors, qr/KEK|bulla\.kek/, 'without the KEK: a write fails');
is($node->safe_psql('plain', "INSERT INTO cards VALUES ('new', 1000, NULL, NULL); UPDATE cards SET tenant = tenant; SELECT count(*) FROM cards"),
	'201', 'without the KEK: what seals nothing works');
$node->stop;

# A crash between two batches.
my $crash = new_node('crash');
$crash->start;
$crash->safe_psql('postgres', q{
	CREATE EXTENSION bulla;
	SELECT bulla.create_key('card');
	CREATE TABLE large (id int PRIMARY KEY, c text);
	INSERT INTO large SELECT g, 'c ' || g FROM generate_series(1, 20000) AS g;
});
my $pid = fork() // die $!;
if ($pid == 0)
{
	open STDERR, '>', '/dev/null';
	$crash->psql('postgres', "CALL bulla.encrypt_column('large', 'c', 'card', batch => 100, bind_to => '{id}')");
	POSIX::_exit(0);
}
my $sealed = 'SELECT count(*) FROM large WHERE bulla.is_encrypted(c)';
poll(sub { $crash->safe_psql('postgres', $sealed) >= 300 }) or die 'nothing is encrypted';
$crash->stop('immediate');
waitpid($pid, 0);
$crash->start;
my $done = $crash->safe_psql('postgres', $sealed);
cmp_ok($done, '>=', 300, 'crash: what was committed is there');
is($crash->safe_psql('postgres', q{SELECT count(*) FROM large WHERE bulla.decrypt_if_encrypted(c, bulla.context('large', 'c', id)) = 'c ' || id}),
	'20000', 'crash: every value is right, sealed or not');
is($crash->safe_psql('postgres', "CALL bulla.encrypt_column('large', 'c')"), 20000 - $done, 'crash: the second call does the rest');
is($crash->safe_psql('postgres', q{SELECT count(*) FROM large WHERE bulla.open(large, 'c') = 'c ' || id}), '20000',
	'crash: and every value opens');
$crash->stop;
$old->stop;
done_testing();
