# Servers are killed with SIGKILL while many clients append. After the restart every event that was
# acknowledged is there, the chains verify, and the next rows follow without a gap.
#
# BULLA_CRASH_ROUNDS sets the number of rounds (6).

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/..";
use BullaTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $rounds = $ENV{BULLA_CRASH_ROUNDS} || 6;
my $clients = 10;
# Of these, one commits asynchronously: what it was told can be lost, but leaves no hole.
my $asynchronous = 9;

my $node = new_node('crash', settings => join("\n",
	'wal_writer_delay = 10s',    # what is not flushed by a commit stays in memory
	'restart_after_crash = on',
	'checkpoint_timeout = 30s'));
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION bulla;
	CREATE TABLE ledger (client int, number int, note text);
	SELECT bulla.create_ledger('ledger');
	CREATE TABLE lanes (lane int NOT NULL, client int, number int);
	SELECT bulla.create_ledger('lanes', '{lane}');
	CREATE TABLE parts (client int, number int) PARTITION BY HASH (number);
	CREATE TABLE parts_0 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
	CREATE TABLE parts_1 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
	SELECT bulla.create_ledger('parts');
});

my $directory = PostgreSQL::Test::Utils::tempdir();
my $next_number = 0;

# What a client does: transactions of every kind, and after each a line "ledger client number" per row
# that the server acknowledged.
sub write_script
{
	my ($client, $round) = @_;
	my $path = "$directory/client_$client.sql";
	open(my $script, '>', $path) or die "$path: $!";
	print $script "\\set ON_ERROR_STOP on\n";
	print $script "SET synchronous_commit = off;\n" if $client == $asynchronous;
	print $script "SET bulla.early_lock_release = off;\n" if $client == 8;
	for my $i (1 .. 20_000)
	{
		my $n = $round * 100_000 + $i;
		my $kind = ($i + $client) % 10;
		if ($kind < 5)
		{
			print $script "INSERT INTO ledger VALUES ($client, $n, 'single');\n\\echo ledger $client $n\n";
		}
		elsif ($kind == 5)
		{
			print $script "BEGIN; INSERT INTO ledger VALUES ($client, $n, 'kept'); SAVEPOINT a;\n"
			  . "INSERT INTO ledger VALUES ($client, -1, 'undone'); ROLLBACK TO a;\n"
			  . "INSERT INTO lanes VALUES ($client, $client, $n); COMMIT;\n"
			  . "\\echo ledger $client $n\n\\echo lanes $client $n\n";
		}
		elsif ($kind == 6)
		{
			print $script "BEGIN; INSERT INTO ledger VALUES ($client, -1, 'undone'); ROLLBACK;\n";
		}
		elsif ($kind == 7)
		{
			my $lane = $i % 3;
			print $script "INSERT INTO lanes VALUES ($lane, $client, $n);\n\\echo lanes $client $n\n";
		}
		elsif ($kind == 8)
		{
			print $script "INSERT INTO parts VALUES ($client, $n);\n\\echo parts $client $n\n";
		}
		elsif ($i % 7 == 0)
		{
			print $script "BEGIN; INSERT INTO lanes VALUES (100 + $client, $client, $n);\n"
			  . "PREPARE TRANSACTION 'c$client';\nCOMMIT PREPARED 'c$client';\n\\echo lanes $client $n\n";
		}
	}
	close($script);
	return $path;
}

sub start_clients
{
	my ($round) = @_;
	my @running;
	for my $client (0 .. $clients - 1)
	{
		my $script = write_script($client, $round);
		push @running, IPC::Run::start(
			[ 'psql', '-XqAt', '-d', $node->connstr('postgres'), '-f', $script ],
			'<', '/dev/null', '>', "$directory/client_$client.out", '2>', "$directory/client_$client.err");
	}
	return @running;
}

# The lines that clients were told, "ledger client number".
sub acknowledged
{
	my @lines;
	for my $client (0 .. $clients - 1)
	{
		next if $client == $asynchronous;
		my $output = slurp_file("$directory/client_$client.out");
		# A line that is not complete was not acknowledged.
		push @lines, $output =~ /^([a-z]+ \d+ \d+)\n/mg;
	}
	return @lines;
}

sub children_of
{
	my ($parent) = @_;
	my @found;
	for my $status (glob '/proc/[0-9]*/stat')
	{
		open(my $file, '<', $status) or next;
		my $line = <$file> // next;
		push @found, $1 if $line =~ /^(\d+) \(.*\) \S (\d+) / && $2 == $parent;
	}
	return @found;
}

# The postmaster, and all it has started, at once.
sub kill_everything
{
	my $postmaster = $node->{_pid};
	kill 'STOP', $postmaster;    # starts nobody between the list and the kill
	my @all = ($postmaster, children_of($postmaster));
	$node->kill9;
	kill 'KILL', @all;
	poll(sub { !grep { kill 0, $_ } @all }) or diag('killed processes are still there');
	return;
}

# One backend that appends: the postmaster ends all the others and starts over, with new shared memory.
sub kill_a_backend
{
	my $start = $node->safe_psql('postgres', 'SELECT pg_postmaster_start_time()');
	my $victim = $node->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity
		WHERE query LIKE 'INSERT INTO ledger%' AND pid <> pg_backend_pid() LIMIT 1});
	kill 'KILL', $victim;
	return;
}

my @told;    # everything acknowledged in any round
for my $round (1 .. $rounds)
{
	my $whole = $round % 3 != 0;
	my $before = $node->safe_psql('postgres', 'SELECT count(*) FROM ledger');
	my @running = start_clients($round);
	# Killed in the middle of things, at another place in each round.
	my $wanted = $before + 300 + int(rand(700));
	ok($node->poll_query_until('postgres', "SELECT count(*) >= $wanted FROM ledger"),
		"round $round: clients append");
	if ($whole) { kill_everything(); }
	else { kill_a_backend(); }
	$_->finish for @running;
	my @now = acknowledged();
	cmp_ok(scalar(@now), '>', 100, "round $round: clients were told of commits");
	push @told, @now;
	my $errors = join '', map { slurp_file("$directory/client_$_.err") } 0 .. $clients - 1;
	unlike($errors, qr/ERROR/, "round $round: no client met an error before that");

	if ($whole)
	{
		# The next server preloads the library, or does not.
		$node->append_conf('postgresql.conf',
			"shared_preload_libraries = '" . ($round % 2 ? '' : 'bulla') . "'\n");
		$node->start;
	}
	else
	{
		ok($node->poll_query_until('postgres', 'SELECT true'), "round $round: the server is back");
	}
	my $prepared = $node->safe_psql('postgres', 'SELECT gid FROM pg_prepared_xacts');
	for my $gid (split /\n/, $prepared)
	{
		my $verb = $round % 2 ? 'COMMIT' : 'ROLLBACK';
		$node->safe_psql('postgres', "$verb PREPARED '$gid'");
	}

	$node->safe_psql('postgres', 'CREATE TABLE told (ledger text, client int, number int)');
	open(my $list, '>', "$directory/told") or die $!;
	print $list "$_\n" for @told;
	close($list);
	$node->safe_psql('postgres', "\\copy told FROM '$directory/told' (DELIMITER ' ')");
	my $lost = $node->safe_psql('postgres', q{
		SELECT * FROM told EXCEPT (SELECT 'ledger', client, number FROM ledger UNION ALL
			SELECT 'lanes', client, number FROM lanes UNION ALL SELECT 'parts', client, number FROM parts)});
	is($lost, '', "round $round: every acknowledged event is there");
	is($node->safe_psql('postgres', 'SELECT count(*) FROM ledger WHERE number < 0'), '0',
		"round $round: nothing that was undone is there");
	for my $ledger ('ledger', 'lanes', 'parts')
	{
		is_sound($node, $ledger, "round $round: $ledger verifies");
		is_gapless($node, $ledger, $ledger eq 'lanes' ? 'lane' : '0', "round $round: $ledger has no gap");
	}
	my $next = $node->safe_psql('postgres', q{
		SELECT max(seq) + 1 FROM ledger;
		INSERT INTO ledger VALUES (-1, 0, 'after') RETURNING seq;
		SELECT max(seq) + 1 FROM parts;
		INSERT INTO parts VALUES (-1, 0) RETURNING seq});
	my @numbers = split /\n/, $next;
	is("$numbers[1] $numbers[3]", "$numbers[0] $numbers[2]", "round $round: the next rows follow");
	$node->safe_psql('postgres', 'DROP TABLE told');
}
note(scalar(@told) . " events were acknowledged");
$node->stop;
done_testing();
