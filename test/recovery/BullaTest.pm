# What the recovery tests share: servers with Bulla, and what is asked of their ledgers.
package BullaTest;

use strict;
use warnings;
use Exporter 'import';
use MIME::Base64 qw(encode_base64);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(kek_file write_kek write_file write_program new_node set_settings errors_of is_sound is_gapless poll
	rounds progress answers children_of kill_server start_psql finish_psql is_waiting
	hold_events let_go);

# The KEK of every server of a test: outside their data directories, as Bulla demands.
sub kek_file { return "$PostgreSQL::Test::Utils::tmp_check/kek"; }

sub write_kek
{
	my ($path, $key) = @_;
	$key //= join('', map { chr(int(rand(256))) } 1 .. 32);
	write_file($path, encode_base64($key, '') . "\n");
	return;
}

# A file for its owner alone, or of `mode`, in place of one that was there; returns its path.
sub write_file
{
	my ($path, $content, $mode) = @_;
	my $new = "$path.new";
	unlink $new;
	open(my $file, '>', $new) or die "$new: $!";
	chmod $mode // 0600, $new or die "$new: $!";
	print $file $content;
	close($file);
	rename $new, $path or die "$path: $!";
	return $path;
}

# A program in shell, for the KEK kind command.
sub write_program
{
	my ($path, $lines) = @_;
	return write_file($path, "#!/bin/sh\n$lines\n", 0700);
}

# A server, not yet started. `settings` are lines of postgresql.conf.
sub new_node
{
	my ($name, %arguments) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init(
		extra => [ '--encoding=UTF8', '--locale=C.UTF-8' ],
		allows_streaming => $arguments{allows_streaming} // 0);
	write_kek(kek_file()) unless -e kek_file();
	$node->append_conf('postgresql.conf', join("\n",
		"bulla.kek = 'file:" . kek_file() . "'",
		'max_prepared_transactions = 10',
		$arguments{preload} // 1 ? "shared_preload_libraries = 'bulla'" : '',
		$arguments{settings} // '') . "\n");
	return $node;
}

# Settings that the running server takes without a restart.
sub set_settings
{
	my ($node, %settings) = @_;
	$node->append_conf('postgresql.conf', "$_ = '$settings{$_}'\n") for keys %settings;
	$node->reload;
	$node->poll_query_until('postgres', "SELECT current_setting('$_')", $settings{$_})
	  or die "the setting is not taken: $_ = $settings{$_}" for keys %settings;
	return;
}

# What a statement says beside its result.
sub errors_of
{
	my ($node, $statement) = @_;
	my ($code, $output, $errors) = $node->psql('postgres', $statement);
	return $errors;
}

# A ledger verifies: one test.
sub is_sound
{
	my ($node, $ledger, $name) = @_;
	my $findings = $node->safe_psql('postgres', "SELECT * FROM bulla.verify('$ledger')");
	is($findings, '', $name);
	return;
}

# Each chain of a ledger counts from 0 without gaps, as plain SQL sees it: one test.
sub is_gapless
{
	my ($node, $ledger, $chain, $name) = @_;
	my $bad = $node->safe_psql('postgres', "SELECT $chain FROM $ledger GROUP BY 1
		HAVING min(seq) <> 0 OR max(seq) + 1 <> count(*) OR count(DISTINCT seq) <> count(*)");
	is($bad, '', $name);
	return;
}

# A session in the background that runs `sql` and ends; `name` shows as its application_name.
sub start_psql
{
	my ($node, $name, $sql) = @_;
	my $base = PostgreSQL::Test::Utils::tempdir() . "/$name";
	append_to_file("$base.sql", $sql);
	my $process = IPC::Run::start(
		[ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d',
			$node->connstr('postgres') . " application_name=$name", '-f', "$base.sql" ],
		'<', '/dev/null', '>', "$base.out", '2>', "$base.err");
	return { process => $process, base => $base };
}

# What such a session has printed, errors last, when it has ended.
sub finish_psql
{
	my ($session) = @_;
	$session->{process}->finish;
	my $printed = slurp_file("$session->{base}.out") . slurp_file("$session->{base}.err");
	chomp $printed;
	return $printed;
}

# Whether a session waits: its wait_event_type is Lock, or what is given.
sub is_waiting
{
	my ($node, $name, $event) = @_;
	$event //= 'Lock';
	return $node->poll_query_until('postgres', "SELECT count(*) > 0 FROM pg_stat_activity
		WHERE application_name = '$name' AND state = 'active' AND '$event' IN (wait_event_type, wait_event)");
}

# A session that keeps everybody from writing to bulla.events, until it is let go.
sub hold_events
{
	my ($node) = @_;
	my $holder = start_psql($node, 'holder', q{
		BEGIN;
		LOCK TABLE bulla.events IN EXCLUSIVE MODE;
		SELECT pg_advisory_lock(7);
		SELECT pg_sleep(600);});
	$node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND objid = 7}) or die;
	return $holder;
}

sub let_go
{
	my ($node, $holder) = @_;
	$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holder'});
	finish_psql($holder);
	return;
}

# How often a test repeats its fault: a few times, or under make soak its share of BULLA_SOAK_ROUNDS.
sub rounds
{
	my ($few, $share) = @_;
	return $few if !$ENV{BULLA_SOAK_ROUNDS};
	return int($ENV{BULLA_SOAK_ROUNDS} * ($share // 1)) || 1;
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
sub kill_server
{
	my ($node) = @_;
	my $postmaster = $node->{_pid};
	kill 'STOP', $postmaster;    # starts nobody between the list and the kill
	my @all = ($postmaster, children_of($postmaster));
	$node->kill9;
	kill 'KILL', @all;
	poll(sub { !grep { kill 0, $_ } @all }) or diag('killed processes are still there');
	return;
}

# Whether the server takes queries. (psql() breaks its pipe now and then where there is no server.)
sub answers
{
	my ($node) = @_;
	my ($output) = run_command([ 'psql', '-XAtc', 'SELECT 7', '-d', $node->connstr('postgres') ]);
	return $output eq '7';
}

# A line for who watches a long run: make soak shows it at once.
sub progress
{
	my ($line) = @_;
	note("progress: $line");
	return;
}

# Waits until `condition` returns true; false after two minutes.
sub poll
{
	my ($condition) = @_;
	my $deadline = time + 120;
	while (time < $deadline)
	{
		return 1 if $condition->();
		select(undef, undef, undef, 0.02);
	}
	return 0;
}

1;
