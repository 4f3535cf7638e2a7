# Boundaries and verified positions are rows of bulla.events: they survive a crash, a standby has them, and a
# restored dump brings them along.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/..";
use BullaTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = new_node('primary', allows_streaming => 1);
$primary->start;
$primary->safe_psql('postgres', q{
	CREATE EXTENSION bulla;
	CREATE TABLE log (note text);
	SELECT bulla.create_ledger('log');
	INSERT INTO log SELECT n FROM generate_series(0, 999) AS n;
	CREATE TABLE visits (tenant text NOT NULL, month int NOT NULL, note text) PARTITION BY LIST (month);
	CREATE TABLE visits_1 PARTITION OF visits FOR VALUES IN (1);
	CREATE TABLE visits_2 PARTITION OF visits FOR VALUES IN (2);
	SELECT bulla.create_ledger('visits', '{tenant}');
	INSERT INTO visits SELECT 'tenant ' || n % 3, 1 + n / 50, n FROM generate_series(0, 99) AS n});
$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;

# The session asks for no durability; what is pruned and recorded is durable all the same.
$primary->safe_psql('postgres', q{SET synchronous_commit = off; SELECT bulla.prune('log', 600)});
$primary->safe_psql('postgres', q{SET synchronous_commit = off; SELECT bulla.detach_partition('visits', 'visits_1')});
$primary->safe_psql('postgres', q{SET synchronous_commit = off; SELECT bulla.record_verification('log'), bulla.record_verification('visits')});
$primary->stop('immediate');
$primary->start;

sub is_as_left
{
	my ($node, $database, $where) = @_;
	is($node->safe_psql($database, q{SELECT min(seq), count(*) FROM log}), '512|488', "$where: the rows that were left");
	is($node->safe_psql($database, qq{SELECT count(*) FROM bulla.verify('$_')}), '0', "$where: $_ verifies")
		for ('log', 'visits', 'visits_1', 'bulla.events');
	is($node->safe_psql($database, q{SELECT notes[1] ~ 'begins with seq 512' FROM bulla.verify_summary('log')}), 't',
		"$where: the boundary is noted");
	is($node->safe_psql($database, q{SELECT count(*) FROM (SELECT FROM bulla.verify_since('log') UNION ALL SELECT FROM bulla.verify_since('visits')) AS f}), '0',
		"$where: what is new verifies");
	return;
}
is_as_left($primary, 'postgres', 'after a crash');
$primary->wait_for_catchup($standby);
is_as_left($standby, 'postgres', 'on a standby');
my ($code, $out, $error) = $standby->psql('postgres', q{SELECT bulla.prune('log', 800)});
like($error, qr/read-only transaction|during recovery/, 'nothing is pruned on a standby');
($code, $out, $error) = $standby->psql('postgres', q{SELECT bulla.detach_partition('visits', 'visits_2')});
like($error, qr/read-only transaction|during recovery/, 'nor detached');

# A dump, and what was recorded there is what verification here goes by.
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump';
$primary->command_ok([ 'pg_dump', '-Fc', '-f', $dump, $primary->connstr('postgres') ], 'it is dumped');
$primary->safe_psql('postgres', 'CREATE DATABASE restored TEMPLATE template0');
$primary->command_ok([ 'pg_restore', '--exit-on-error', '-d', $primary->connstr('restored'), $dump ], 'and restored');
is_as_left($primary, 'restored', 'restored');
is($primary->safe_psql('restored', q{INSERT INTO log VALUES ('after') RETURNING seq}), '1000', 'restored: the chain goes on');
is($primary->safe_psql('restored', q{SELECT bulla.prune('log', 800), bulla.record_verification('log')}), '256|1',
	'restored: retention goes on');
is($primary->safe_psql('restored', q{SELECT count(*) FROM bulla.verify('log')}), '0', 'restored: it verifies');
($code, $out, $error) = $primary->psql('restored', q{INSERT INTO visits_1 VALUES ('tenant 1', 1)});
like($error, qr/part of a ledger that was detached/, 'restored: the detached part takes nothing');
$primary->safe_psql('restored', q{SET bulla.restore = on;
	ALTER TABLE log DISABLE TRIGGER bulla_refuse_change;
	DELETE FROM log WHERE seq > 990;
	ALTER TABLE log ENABLE ALWAYS TRIGGER bulla_refuse_change});
is($primary->safe_psql('restored', q{SELECT seq, verdict FROM bulla.verify_since('log')}), '1000|truncated',
	'restored: what is cut off is missed');

done_testing();
