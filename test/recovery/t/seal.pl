# Servers are killed with SIGKILL while clients append and others seal and publish every checkpoint. After the restart all
# that was published is true of what is there, and sealing goes on.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/..";
use BullaTest;
use LedgerLoad;
use PostgreSQL::Test::Utils;
use PublishedNotes;
use Test::More;

my $rounds = rounds(4);

my $node = new_node('seal', settings => join("\n",
	'wal_writer_delay = 10s',    # what is not flushed by a commit stays in memory
	$LedgerLoad::settings,
	'checkpoint_timeout = 30s'));
$node->start;
make_ledgers($node);
$node->safe_psql('postgres', "SELECT bulla.set_log_name('example.com/crash')");

my %notes;
for my $round (1 .. $rounds)
{
	my $wanted = "SELECT coalesce(sum(size), 0) > (SELECT 300 + coalesce(sum(size), 0) FROM before) FROM bulla.trees";
	$node->safe_psql('postgres', 'DROP TABLE IF EXISTS before; CREATE TABLE before AS SELECT size FROM bulla.trees');
	my $load = start_load($node);
	my $sealers = start_sealers($node);
	ok($node->poll_query_until('postgres', $wanted), "round $round: trees grow");
	my $told = told($sealers, 'note');
	ok(poll(sub { told($sealers, 'note') > $told + 20 + rand(80) }), "round $round: checkpoints are published");
	select(undef, undef, undef, rand(0.1));
	kill_server($node);
	stop_load($_, "round $round") for $load, $sealers;
	my %errors = map { ($_->[0] => 1) } map { told($_, 'error') } $load, $sealers;
	delete @errors{ 'none', '57P02' };
	is(join(' ', keys %errors), '', "round $round: no client met another error before");
	collect_notes(\%notes, $sealers, "round $round");

	# The next server preloads the library, or does not.
	$node->append_conf('postgresql.conf',
		"shared_preload_libraries = '" . ($round % 2 ? '' : 'bulla') . "'\n");
	$node->start;
	stay_true($node, \%notes, "round $round");
	keeps_its_word($node, [$load], "round $round");
	seals_on($node, "round $round");
	progress("round $round of $rounds: " . told($sealers, 'note') . ' checkpoints were published, all are true');
}
is_sound($node, 'bulla.heads', 'bulla.heads verifies');
$node->stop;
done_testing();
