# Servers are killed with SIGKILL while many clients append: the whole server at random moments, or one backend
# that holds a chain. After the restart every event that was acknowledged is there, the chains verify, the next
# rows follow without a gap, and nobody waits for ever.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/..";
use BullaTest;
use LedgerLoad;
use PostgreSQL::Test::Utils;
use Test::More;

my $rounds = rounds(6);

my $node = new_node('crash', settings => join("\n",
	'wal_writer_delay = 10s',    # what is not flushed by a commit stays in memory
	$LedgerLoad::settings,
	'checkpoint_timeout = 30s'));
$node->start;
make_ledgers($node);

# One backend that holds a chain for which others wait: the postmaster ends all of them and starts over, with
# new shared memory.
sub kill_a_holder
{
	my ($round) = @_;
	my $holder = start_psql($node, 'holder', q{
		SET bulla.chain_lock_timeout = '1min';
		BEGIN;
		INSERT INTO ledger VALUES (-1, -1, 'killed');
		SELECT pg_sleep(600);});
	ok(is_waiting($node, 'holder', 'PgSleep'), "round $round: a backend holds the chain");
	ok($node->poll_query_until('postgres', q{
		SELECT count(*) > 3 FROM pg_stat_activity WHERE application_name LIKE 'load_%' AND wait_event_type = 'Lock'}),
		"round $round: clients wait for it");
	kill 'KILL', $node->safe_psql('postgres',
		"SELECT pid FROM pg_stat_activity WHERE application_name = 'holder'");
	finish_psql($holder);
	return;
}

my (@loads, $acknowledged);
for my $round (1 .. $rounds)
{
	my $whole = $round % 3 != 0;
	my $wanted = $node->safe_psql('postgres', 'SELECT count(*) FROM ledger') + 300 + int(rand(700));
	push @loads, start_load($node);
	ok($node->poll_query_until('postgres', "SELECT count(*) >= $wanted FROM ledger"),
		"round $round: clients append");
	# Anywhere in the middle of things, and not when a look at the table has just ended.
	select(undef, undef, undef, rand(0.1));
	if ($whole) { kill_server($node); }
	else { kill_a_holder($round); }
	stop_load($loads[-1], "round $round");
	my $told = told($loads[-1], 'ack');
	$acknowledged += $told;
	cmp_ok($told, '>', 100, "round $round: clients were told of commits");
	# The connection broke, and that was all.
	my %errors = map { ($_->[0] => 1) } told($loads[-1], 'error');
	delete @errors{ 'none', '57P02' };
	is(join(' ', keys %errors), '', "round $round: no client met another error before");

	if ($whole)
	{
		# The next server preloads the library, or does not.
		$node->append_conf('postgresql.conf',
			"shared_preload_libraries = '" . ($round % 2 ? '' : 'bulla') . "'\n");
		$node->start;
	}
	else
	{
		ok(poll(sub { answers($node) }), "round $round: the server is back");
	}
	# Rows that a crash has once survived stay: the last rounds are enough, and all at the end.
	my $first = $round == $rounds || @loads < 3 ? 0 : $#loads - 2;
	keeps_its_word($node, [ @loads[ $first .. $#loads ] ], "round $round");
	progress("round $round of $rounds: $acknowledged events were acknowledged, all are there");
}
$node->stop;
done_testing();
