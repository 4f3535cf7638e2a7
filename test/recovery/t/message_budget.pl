# The count of what an AES-256-GCM key has sealed is never too small: sessions seal in transactions that never
# commit, on a server that flushes nothing by itself, and their server is killed. What any client was given
# counts. A standby, where nothing can be counted, opens and does not seal.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/..";
use BullaTest;
use PostgreSQL::Test::Utils;
use PostgreSQL::Test::Cluster;
use Test::More;

# Commits wait for nothing and the log is written late: only the count's own flush can save it.
my $node = new_node('budget', allows_streaming => 1,
	settings => "synchronous_commit = off\nwal_writer_delay = 10s\nfsync = on\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION bulla;
	SELECT bulla.create_key('card', algorithm => 'AES-256-GCM');
	CHECKPOINT});
my $count = "SELECT messages FROM bulla.keys WHERE name = 'card'";
my $sealed = 0;
for my $round (1 .. rounds(3))
{
	my @sessions;
	for my $number (1 .. 3)
	{
		my $name = "round_${round}_$number";
		push @sessions, start_psql($node, $name, "BEGIN;\n"
			. "SELECT bulla.encrypt('x', 'card') FROM generate_series(1, 300);\n"
			. "SELECT 'given';\n" . "SELECT pg_sleep(600);\n");
	}
	for my $session (@sessions)
	{
		poll(sub { -e "$session->{base}.out" && slurp_file("$session->{base}.out") =~ /^given$/m })
		  or die 'a session does not seal';
		$sealed += () = slurp_file("$session->{base}.out") =~ /^bulla1:/mg;
	}
	kill_server($node);
	finish_psql($_) for @sessions;
	$node->start;
	my $counted = $node->safe_psql('postgres', $count);
	cmp_ok($counted, '>=', $sealed, "round $round: $sealed values were given out, all are counted");
	progress("round $round: $sealed values, $counted counted");
}
cmp_ok($sealed, '==', 900 * rounds(3), 'all that was asked for was sealed');

# A standby knows the count, opens, and does not seal.
my $value = $node->safe_psql('postgres', "SELECT bulla.encrypt('secret', 'card')");
my $standby = PostgreSQL::Test::Cluster->new('standby');
$node->backup('base');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
is($standby->safe_psql('postgres', "SELECT bulla.decrypt('$value')"), 'secret', 'a standby opens');
my (undef, undef, $error) = $standby->psql('postgres', "SELECT bulla.encrypt('x', 'card')");
like($error, qr/cannot seal under key "card" in a read-only transaction/, 'and does not seal');
is($standby->safe_psql('postgres', $count), $node->safe_psql('postgres', $count), 'it knows the count');
$standby->promote;
$standby->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()') or die 'no promotion';
is($standby->safe_psql('postgres', "SELECT bulla.encrypt('x', 'card') IS NOT NULL"), 't', 'promoted, it seals');
cmp_ok($standby->safe_psql('postgres', $count), '>', $node->safe_psql('postgres', $count), 'and counts on');
$standby->stop;
$node->stop;
done_testing();
