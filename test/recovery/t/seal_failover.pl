# The primary goes while clients append, seal and publish, and a synchronous standby takes its place. What was published is
# true there too; it signs nothing until somebody says that it is in charge, then goes on where the old one was.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/..";
use BullaTest;
use LedgerLoad;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use PublishedNotes;
use Test::More;

my $primary = new_node('server_0', allows_streaming => 1, settings => join("\n", $LedgerLoad::settings,
	'max_prepared_transactions = 20', 'wal_retrieve_retry_interval = 200ms'));
$primary->start;
make_ledgers($primary);
$primary->safe_psql('postgres', "SELECT bulla.set_log_name('example.com/failover')");

my $standby;

# A standby of the primary, for which it waits from now on.
sub new_standby
{
	my ($round) = @_;
	$primary->backup("base_$round");
	my $node = PostgreSQL::Test::Cluster->new("server_$round");
	$node->init_from_backup($primary, "base_$round", has_streaming => 1);
	$node->append_conf('postgresql.conf', "synchronous_standby_names = ''\n");
	$node->start;
	set_settings($primary, synchronous_standby_names => '*');
	return $node;
}

# A checkpoint that no standby has stays where it is, however the wait for one ends.
sub keeps_unconfirmed
{
	my ($name) = @_;
	my $note = "SELECT bulla.checkpoint('ledger')";
	$primary->safe_psql('postgres', "INSERT INTO ledger VALUES (-1, 0, 'known'); SELECT bulla.seal('ledger')");
	my $cancel = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name =";
	my $size = $primary->safe_psql('postgres', 'SELECT count(*) + 1 FROM ledger');
	kill_server($standby);
	my $sealer = start_psql($primary, 'sealer', q{
		SET synchronous_commit = local;
		INSERT INTO ledger VALUES (-1, 0, 'unconfirmed');
		SELECT bulla.seal('ledger');});
	ok(is_waiting($primary, 'sealer', 'SyncRep'), "$name: seal waits for a standby, whatever the session says");
	my $reader = start_psql($primary, 'reader', "$note;");
	ok(is_waiting($primary, 'reader', 'SyncRep'), "$name: and so does checkpoint");
	$primary->safe_psql('postgres', "$cancel 'sealer'");
	like(finish_psql($sealer), qr/WARNING:.*canceling wait for synchronous replication/s, "$name: a wait that is cancelled has committed");
	is($primary->safe_psql('postgres', 'SELECT max(size) FROM bulla.trees AS t JOIN bulla.ledgers AS l ON l.id = t.ledger_id
			WHERE l.ledger = $$ledger$$::regclass'), $size, "$name: so the tree has grown");
	my $second = start_psql($primary, 'second', "$note;");
	ok(is_waiting($primary, 'second', 'SyncRep'), "$name: but its checkpoint is not shown");
	$primary->safe_psql('postgres', "$cancel '$_'") for 'reader', 'second';
	for ($reader, $second)
	{
		my $printed = finish_psql($_);
		like($printed, qr/ERROR:.*standbys have not confirmed/, "$name: nor to who does not want to wait");
		unlike($printed, qr/example\.com/, "$name: not in another way either");
	}
	$standby->start;
	my $shown = $primary->safe_psql('postgres', "SET statement_timeout = '60s'; $note");
	like($shown, qr/\n$size\n/, "$name: once a standby is back it is");
	is($standby->safe_psql('postgres', $note), $shown, "$name: and the standby has it");
	return;
}

my %notes;
my $rounds = rounds(2, 0.2);
for my $round (1 .. $rounds)
{
	my $name = "round $round";
	$standby = new_standby($round);
	keeps_unconfirmed($name);

	my $load = start_load($primary, clients => 6);
	my $sealers = start_sealers($primary);
	ok(poll(sub { told($sealers, 'note') > 100 + rand(100) }), "$name: checkpoints are published");
	appends_on($load, $name);
	my $refused = errors_of($standby, "SELECT bulla.seal('ledger')");
	like($refused, qr/in a read-only transaction/, "$name: a standby does not seal");
	select(undef, undef, undef, rand(0.1));
	kill_server($primary);
	stop_load($_, $name) for $load, $sealers;
	collect_notes(\%notes, $sealers, $name);

	$primary = $standby;
	$primary->promote;
	ok($primary->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()'), "$name: the standby is promoted");
	stay_true($primary, \%notes, $name);
	keeps_its_word($primary, [$load], $name);

	my $note = $primary->safe_psql('postgres', "SELECT bulla.checkpoint('bulla.heads')");
	for my $call ("bulla.seal('ledger')", "bulla.seal_chains('lanes')", "bulla.rotate_signing_key('drill')")
	{
		my $errors = errors_of($primary, "SELECT $call");
		like($errors, qr/ERROR:  checkpoints of log "example\.com\/failover" are another server's to sign/, "$name: $call is refused");
		like($errors, qr/HINT:.*bulla\.take_over_log/, "$name: and the hint says what to do");
	}
	is($primary->safe_psql('postgres', "SELECT bulla.checkpoint('bulla.heads')"), $note, "$name: what was signed is shown");
	$primary->safe_psql('postgres', "SELECT bulla.take_over_log('the primary is gone')");
	seals_on($primary, $name);
	stay_true($primary, \%notes, "$name, after sealing on");
	progress("round $round of $rounds: " . told($sealers, 'note') . ' checkpoints were published, all are true');
}
is_sound($primary, 'bulla.heads', 'bulla.heads verifies');
$primary->stop;
done_testing();
