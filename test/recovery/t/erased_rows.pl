# What was erased stays erased, and verifies, wherever the ledger goes: into dumps and out of them, to a
# standby, to a subscriber. Neither the dump nor, after VACUUM FULL, the table's file has the value.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/..";
use BullaTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $directory = PostgreSQL::Test::Utils::tempdir();
my $erased = "erased: 3 values";
my $secret = 'a secret that goes';

my $old = new_node('old', allows_streaming => 'logical');
$old->start;
$old->safe_psql('postgres', q{
	CREATE EXTENSION bulla;
	CREATE TABLE visits (id int PRIMARY KEY, client_ip inet, note text);
	SELECT bulla.create_ledger('visits', erasable => '{client_ip,note}');
	CREATE TABLE parts (id int NOT NULL, lane text NOT NULL, note text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
	CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (50);
	CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (50) TO (100);
	SELECT bulla.create_ledger('parts', '{lane}', erasable => '{note}');
});
$old->safe_psql('postgres', qq{
	INSERT INTO visits SELECT g, '192.0.2.7', '$secret ' || g FROM generate_series(1, 20) AS g;
	INSERT INTO visits VALUES (21, NULL, 'a note that stays');
	INSERT INTO parts SELECT g, 'lane ' || g % 2, 'part ' || g FROM generate_series(0, 99) AS g;
	SELECT bulla.erase('visits', '', 3, '{client_ip,note}', 'request');
	SELECT bulla.erase('visits', '', 4, '{note}', 'request');
	SELECT bulla.erase('parts', 'lane 1', 2, '{note}', 'request'), bulla.erase('parts', 'lane 1', 40, '{note}', 'request');
});

# What a ledger has to say after each journey.
sub is_as_before
{
	my ($node, $name, $database) = @_;
	$database //= 'postgres';
	is($node->safe_psql($database, "SELECT * FROM bulla.verify('visits')"), '', "$name: verifies");
	is($node->safe_psql($database, "SELECT * FROM bulla.verify('parts')"), '', "$name: and with partitions");
	like($node->safe_psql($database, "SELECT notes FROM bulla.verify_summary('visits')"), qr/$erased/,
		"$name: and tells what was erased");
	is($node->safe_psql($database, q{SELECT id, bulla.erased_columns(openings) FROM visits
		WHERE bulla.erased_columns(openings) <> '{}' ORDER BY id}), "4|{client_ip,note}\n5|{note}",
		"$name: from which rows");
	return;
}
is_as_before($old, 'here');

# The bytes leave the file when it is written anew.
$old->safe_psql('postgres', 'VACUUM FULL visits; CHECKPOINT');
my $file = $old->data_dir . '/' . $old->safe_psql('postgres', "SELECT pg_relation_filepath('visits')");
my $bytes = slurp_file($file);
like($bytes, qr/\Q$secret\E 1\b/, 'the file has what was not erased');
unlike($bytes, qr/\Q$secret\E [45]\b/, 'and not what was');

# Dumps, whole and of data alone.
my %formats = (plain => '-Fp', custom => '-Fc');
for my $format (sort keys %formats)
{
	my $dump = "$directory/dump.$format";
	$old->command_ok([ 'pg_dump', $formats{$format}, '-f', $dump, '-d', $old->connstr('postgres') ], "$format: dump");
	$old->safe_psql('postgres', "CREATE DATABASE $format TEMPLATE template0");
	my @restore = $format eq 'plain' ? ('psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', $dump) :
		('pg_restore', '--exit-on-error', $dump);
	$old->command_ok([ @restore, '-d', $old->connstr($format) ], "$format: restore");
	is_as_before($old, $format, $format);
	$old->safe_psql($format, q{
		INSERT INTO visits VALUES (100, '192.0.2.8', 'new');
		SELECT bulla.erase('visits', '', 21, '{client_ip}', 'after the restore');
	});
	like($old->safe_psql($format, "SELECT verified, notes FROM bulla.verify_summary('visits')"), qr/^t.*erased: 4 values/,
		"$format: and goes on");
}
unlike(slurp_file("$directory/dump.plain"), qr/\Q$secret\E [45]\b/, 'a dump does not have what was erased');
for my $section ([ 'schema.sql', '--section=pre-data', '--section=post-data' ], [ 'data.sql', '--data-only' ])
{
	my ($name, @options) = @$section;
	$old->command_ok([ 'pg_dump', '--no-publications', @options, '-f', "$directory/$name", '-d', $old->connstr('postgres') ], "dump $name");
}
$old->safe_psql('postgres', 'CREATE DATABASE data_only TEMPLATE template0');
$old->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $old->connstr('data_only'), '-f', "$directory/schema.sql" ],
	'data only: the empty ledgers');
append_to_file("$directory/restore.sql", "SET bulla.restore = on;\n" . slurp_file("$directory/data.sql"));
$old->command_ok([ 'psql', '-Xq', '-1', '-v', 'ON_ERROR_STOP=1', '-d', $old->connstr('data_only'), '-f',
	"$directory/restore.sql" ], 'data only: restore');
is_as_before($old, 'data only', 'data_only');

# One table without bulla.events: nothing says who erased, and verification says that.
$old->safe_psql('postgres', 'CREATE DATABASE alone TEMPLATE template0');
$old->safe_psql('alone', 'CREATE EXTENSION bulla');
$old->command_ok([ 'pg_dump', '-t', 'visits', '-f', "$directory/alone.sql", '-d', $old->connstr('postgres') ], 'alone: dump');
$old->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $old->connstr('alone'), '-f', "$directory/alone.sql" ],
	'alone: restore');
is($old->safe_psql('alone', "SELECT DISTINCT seq, verdict FROM bulla.verify('visits') ORDER BY seq"), "3|altered\n4|altered",
	'alone: erased rows are findings without a record of it');

# A standby verifies too, and refuses to erase.
$old->backup('standby');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($old, 'standby', has_streaming => 1);
$standby->start;
$old->wait_for_catchup($standby, 'replay', $old->lsn('write'));
is_as_before($standby, 'standby');
my ($code, $output, $errors) = $standby->psql('postgres', "SELECT bulla.erase('visits', '', 0, '{note}', 'x')");
like($errors, qr/cannot execute bulla\.erase\(\)/, 'standby: erases nothing itself');
$standby->stop;

# A subscriber: rows that arrive erased, and erasures that arrive.
my $subscriber = new_node('subscriber', settings => 'wal_retrieve_retry_interval = 100ms');
$subscriber->start;
$subscriber->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $subscriber->connstr('postgres'), '-f',
	"$directory/schema.sql" ], 'subscriber: the empty ledgers');
$old->safe_psql('postgres', 'CREATE PUBLICATION erased FOR TABLE visits, parts');
my $conninfo = $old->connstr . ' dbname=postgres';
$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION erased CONNECTION '$conninfo' PUBLICATION erased");
$subscriber->wait_for_subscription_sync($old, 'erased');
is_as_before($subscriber, 'subscriber');
$old->safe_psql('postgres', q{
	SELECT bulla.erase('visits', '', 7, '{client_ip,note}', 'later');
	SELECT bulla.erase('parts', 'lane 0', 1, '{note}', 'later');
});
$old->wait_for_catchup('erased');
is($subscriber->safe_psql('postgres', 'SELECT client_ip IS NULL AND note IS NULL FROM visits WHERE id = 8'), 't',
	'subscriber: an erasure arrives');
is($subscriber->safe_psql('postgres', "SELECT note IS NULL FROM parts WHERE lane = 'lane 0' AND seq = 1"), 't',
	'subscriber: in a partition too');
is_sound($subscriber, $_, "subscriber: $_ verifies") for 'visits', 'parts', 'bulla.events';
is($subscriber->safe_psql('postgres', q{SELECT count(*), min(detail ->> 'reason') FROM bulla.events
	WHERE action = 'ledger.row_erased'}), '6|erased at the publisher', 'subscriber: and has them on record');
# Any other UPDATE stops there.
$old->safe_psql('postgres', q{
	SET bulla.restore = on;
	ALTER TABLE visits DISABLE TRIGGER bulla_refuse_change;
	UPDATE visits SET note = 'forged' WHERE id = 1;
});
ok(poll(sub { slurp_file($subscriber->logfile) =~ /UPDATE is not possible/ }), 'subscriber: no other UPDATE is taken');
is($subscriber->safe_psql('postgres', 'SELECT note FROM visits WHERE id = 1'), "$secret 1", 'subscriber: the row is as it was');
$subscriber->stop;
$old->stop;
done_testing();
