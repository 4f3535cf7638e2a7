# Verification while it runs: it shows how far it is, alone and with parallel workers, and ends when it is
# cancelled; on a standby it works, and records nothing.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/..";
use BullaTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# Not preloaded: progress needs no shared memory of Bulla's.
my $primary = new_node('primary', preload => 0, allows_streaming => 1, settings => 'autovacuum = off');
$primary->start;
$primary->safe_psql('postgres', q{
	CREATE EXTENSION bulla;
	CREATE TABLE ledger (lane text NOT NULL, note text);
	SELECT bulla.create_ledger('ledger', '{lane}');
	INSERT INTO ledger SELECT 'lane ' || n % 10, 'note ' || n FROM generate_series(1, 50000) AS n;
	ANALYZE ledger;
	CREATE ROLE stranger;
	GRANT SELECT ON ledger TO stranger});

my %variants = (
	alone => [ 'SET max_parallel_workers_per_gather = 0', 'bulla.verify(' . "'ledger'" . ')' ],
	since => [ '', 'bulla.verify_since(' . "'ledger'" . ')' ],
	chain => [ '', 'bulla.verify(' . "'ledger', 'lane 3'" . ')' ],
	workers => [ 'SET max_parallel_workers_per_gather = 2; SET min_parallel_table_scan_size = 0',
		'bulla.verify(' . "'ledger'" . ')' ]);
foreach my $name (sort keys %variants)
{
	my ($settings, $call) = @{ $variants{$name} };
	my $running = start_psql($primary, $name,
		"$settings; DO \$\$ BEGIN LOOP PERFORM * FROM $call; END LOOP; END \$\$;\n");
	my $estimated = $name eq 'chain' ? 'rows_estimated IS NULL' : 'rows_estimated = 50000';
	ok($primary->poll_query_until('postgres', "SELECT count(*) = 1 FROM bulla.verify_progress
		WHERE ledger = 'ledger'::regclass AND rows_done BETWEEN 1 AND 50000 AND $estimated
		AND started_at <= clock_timestamp() AND usename = 'postgres' AND application_name = '$name'"),
		"$name: shows how far it is");
	if ($name eq 'workers')
	{
		ok($primary->poll_query_until('postgres', q{SELECT count(*) > 0 FROM pg_stat_activity
			WHERE leader_pid IN (SELECT pid FROM bulla.verify_progress)}), 'there are workers');
		is($primary->safe_psql('postgres', q{SET ROLE stranger;
			SELECT count(ledger) + count(rows_done) + count(rows_estimated) FROM bulla.verify_progress}),
			'0', 'another role does not see what is verified');
	}
	$primary->safe_psql('postgres',
		"SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = '$name'");
	like(finish_psql($running), qr/canceling statement due to user request/, "$name: is cancelled");
	ok($primary->poll_query_until('postgres', q{SELECT NOT EXISTS (SELECT FROM bulla.verify_progress)
		AND NOT EXISTS (SELECT FROM pg_stat_activity WHERE leader_pid IS NOT NULL)}),
		"$name: is over, and so are its workers");
}
is($primary->safe_psql('postgres', q{SELECT count(*) FROM bulla.verify('ledger')}), '0',
	'verifies after all this');

# Bookmarks travel to a standby, where verification goes on from them.
is($primary->safe_psql('postgres', q{SELECT bulla.record_verification('ledger')}), '10',
	'what was verified is recorded');
$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;
$primary->safe_psql('postgres', q{INSERT INTO ledger VALUES ('lane 3', 'new'), ('new', 'new')});
$primary->wait_for_catchup($standby);
is($standby->safe_psql('postgres', q{SELECT * FROM bulla.verify_since('ledger')}), '',
	'a standby verifies what is new');
is($standby->safe_psql('postgres', q{SET min_parallel_table_scan_size = 0;
	SELECT verified, rows_checked FROM bulla.verify_summary('ledger')}), 't|50002',
	'and the whole, with workers');
my ($code, $out, $error) =
	$standby->psql('postgres', q{SELECT bulla.record_verification('ledger')});
like($error, qr/a verification cannot be recorded on a standby/, 'it records nothing');
$primary->safe_psql('postgres', q{SET bulla.restore = on;
	ALTER TABLE ledger DISABLE TRIGGER bulla_refuse_change;
	DELETE FROM ledger WHERE lane = 'lane 4' AND seq >= 4000;
	ALTER TABLE ledger ENABLE ALWAYS TRIGGER bulla_refuse_change});
$primary->wait_for_catchup($standby);
is($standby->safe_psql('postgres', q{SELECT chain, seq, verdict FROM bulla.verify_since('ledger')}),
	'lane 4|4999|truncated', 'it finds what is gone');

# A standby cancels what holds a snapshot for longer than it may delay replay. Steps hold none for long.
$primary->safe_psql('postgres', q{CREATE TABLE churn (n int); INSERT INTO churn VALUES (0)});
$standby->append_conf('postgresql.conf', 'max_standby_streaming_delay = 2s');
$standby->reload;
$primary->wait_for_catchup($standby);
my %sessions = (
	steps => "CALL bulla.verify_in_steps('ledger', 20);",
	long => q{BEGIN ISOLATION LEVEL REPEATABLE READ;
		DO $$ BEGIN LOOP PERFORM * FROM bulla.verify('ledger'); END LOOP; END $$;});
my %printed;
foreach my $name ('steps', 'long')
{
	my $session = start_psql($standby, $name, $sessions{$name});
	$standby->poll_query_until('postgres', "SELECT count(*) > 0 FROM pg_stat_activity
		WHERE application_name = '$name' AND state = 'active'") or die;
	# Until it has ended, rows die that its snapshot may see.
	ok(poll(sub {
		$primary->safe_psql('postgres', 'UPDATE churn SET n = n + 1');
		$primary->safe_psql('postgres', 'VACUUM churn');
		# A standby that is behind cancels this query too.
		my ($status, $gone) = $standby->psql('postgres',
			"SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = '$name'");
		return $status == 0 && $gone eq 't';
	}), "$name: has ended");
	$printed{$name} = finish_psql($session);
	$primary->wait_for_catchup($standby);
}
is($printed{steps}, '49002|[]', 'verification in steps is not cancelled');
like($printed{long}, qr/conflict with recovery/, 'one with one snapshot is');

done_testing();
