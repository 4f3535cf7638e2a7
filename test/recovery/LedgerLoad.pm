# Clients that append while a test does its worst, and the comparison of what they were told with what is there.
#
# load.py is the clients. A load is told apart by its round: the rows of two rounds never have the same numbers.
package LedgerLoad;

use strict;
use warnings;
use BullaTest;
use Exporter 'import';
use FindBin;
use POSIX ();
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(make_ledgers start_load stop_load kill_load told appends_on keeps_its_word);

# Kinds of transaction in load.py, the common ones several times.
our @kinds = (('single') x 4, ('queued') x 3, ('lane') x 2, 'several', 'part', 'savepoint', 'queued_several', 'undone',
	'prepared');

my $next_round = 1;
my %chain_of = (ledger => '0', lanes => 'lane', parts => '0');

sub make_ledgers
{
	my ($node) = @_;
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
	return;
}

# What the server of a load is to be like, beside what a test needs. PostgreSQL's own tests log every statement. They
# do not flush (fsync = off) either, which is as good where processes are killed and the machine lives on.
our $settings = join("\n", 'log_statement = none', 'restart_after_crash = on', 'max_connections = 40');

# Starts clients. Arguments: clients, options of load.py, kinds, conninfo.
sub start_load
{
	my ($node, %arguments) = @_;
	my $load = {
		folder => PostgreSQL::Test::Utils::tempdir(), round => $next_round++,
		clients => $arguments{clients} // 10 };
	my @command = ('/usr/bin/python3', "$FindBin::RealBin/../load.py",
		$arguments{conninfo} // $node->connstr('postgres'), $load->{folder}, $load->{round}, $load->{clients},
		'--kinds', join(',', @{ $arguments{kinds} // \@kinds }), @{ $arguments{options} // [] });
	$load->{pid} = fork() // die "fork: $!";
	return $load if $load->{pid};
	# A group of its own, which one signal reaches.
	setpgrp;
	open(STDIN, '<', '/dev/null');
	open(STDOUT, '>', "$load->{folder}/output");
	open(STDERR, '>&', \*STDOUT);
	exec { $command[0] } @command or POSIX::_exit(1);
}

sub has_ended
{
	my ($load) = @_;
	$load->{pid} = 0 if $load->{pid} && waitpid($load->{pid}, POSIX::WNOHANG()) == $load->{pid};
	return !$load->{pid};
}

# Waits for the clients, whose connections have broken or who are told to end: one test, that nobody waits
# for ever.
sub stop_load
{
	my ($load, $name, $signal) = @_;
	kill $signal // 'TERM', -$load->{pid};
	my $ended = poll(sub { has_ended($load) });
	ok($ended, "$name: no client waits for ever");
	kill_load($load) if !$ended;
	# libpq prints a server's farewell to who does not listen.
	my $output = slurp_file("$load->{folder}/output") =~ s/^(FATAL|WARNING):.*\n//gmr;
	is($output, '', "$name: the clients understood everything");
	return;
}

sub kill_load
{
	my ($load) = @_;
	return if has_ended($load);
	kill 'KILL', -$load->{pid};
	waitpid $load->{pid}, 0;
	$load->{pid} = 0;
	return;
}

# The lines that clients wrote, [ledger, client, number, time], of one verb. A line that is not complete was not
# told.
sub told
{
	my ($load, $verb) = @_;
	my @lines;
	for my $client (0 .. $load->{clients} - 1)
	{
		my $path = "$load->{folder}/$client";
		next if !-e $path;
		push @lines, map { [ split / / ] } slurp_file($path) =~ /^$verb (\S+ \d+ \d+ [\d.]+)\n/mg;
	}
	return @lines;
}

# Each client is told of one more commit: one test.
sub appends_on
{
	my ($load, $name) = @_;
	my %before = map { ($_->[1] => $_->[2]) } told($load, '(?:ack|unknown)');
	my $all = poll(sub {
		my %now = map { ($_->[1] => $_->[2]) } told($load, '(?:ack|unknown)');
		return !grep { ($now{$_} // 0) <= ($before{$_} // 0) } 0 .. $load->{clients} - 1;
	});
	ok($all, "$name: all clients append on");
	return;
}

# Ends what is prepared, then compares: eleven tests.
sub keeps_its_word
{
	my ($node, $loads, $name) = @_;
	my $prepared = $node->safe_psql('postgres', 'SELECT gid FROM pg_prepared_xacts ORDER BY gid');
	my $number = 0;
	for my $gid (split /\n/, $prepared)
	{
		my $verb = ++$number % 2 ? 'COMMIT' : 'ROLLBACK';
		$node->safe_psql('postgres', "$verb PREPARED '$gid'");
	}
	my $list = PostgreSQL::Test::Utils::tempdir() . '/told';
	append_to_file($list, '');
	for my $load (@$loads)
	{
		for my $verb ('ack', 'refused')
		{
			append_to_file($list, join '', map { "$verb @$_\n" } told($load, $verb));
		}
	}
	my $wrong = $node->safe_psql('postgres', qq{
		SET work_mem = '200MB';
		CREATE TEMP TABLE told (verb text, ledger text, client int, number int, at float8);
		\\copy told FROM '$list' (DELIMITER ' ')
		CREATE TEMP VIEW kept AS SELECT 'ledger' AS ledger, client, number FROM ledger
			UNION ALL SELECT 'lanes', client, number FROM lanes UNION ALL SELECT 'parts', client, number FROM parts;
		ANALYZE told;
		SELECT 'acknowledged and lost', ledger, client, number FROM told WHERE verb = 'ack' EXCEPT ALL
			SELECT 'acknowledged and lost', * FROM kept;
		SELECT 'refused and kept', ledger, client, number FROM told JOIN kept USING (ledger, client, number)
			WHERE verb = 'refused';
		SELECT 'kept twice', * FROM kept GROUP BY 2, 3, 4 HAVING count(*) > 1 AND min(client) >= 0;
		SELECT 'undone and kept', * FROM kept WHERE number < 0;
	});
	is($wrong, '', "$name: every acknowledged row is there, once, and no other that was refused");
	for my $ledger (sort keys %chain_of)
	{
		is_sound($node, $ledger, "$name: $ledger verifies");
		is_gapless($node, $ledger, $chain_of{$ledger}, "$name: $ledger has no gap");
	}
	for my $ledger ('ledger', 'parts')
	{
		my $next = $node->safe_psql('postgres', "SELECT coalesce(max(seq) + 1, 0) FROM $ledger");
		is($node->safe_psql('postgres', qq{
				SET statement_timeout = '60s';
				INSERT INTO $ledger (client, number) VALUES (-1, 0) RETURNING seq}), $next,
			"$name: the next row of $ledger follows");
	}
	return;
}

1;
