# Pruning, erasing, verifying and recording of changes are cancelled, ended and killed on the way. Each is done as a
# whole or not at all, leaves no permission behind to change a ledger, and can be done again.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/..";
use BullaTest;
use LedgerLoad;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('maintenance', settings => join("\n", $LedgerLoad::settings, 'max_worker_processes = 20', 'min_parallel_table_scan_size = 0'));
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION bulla;
	CREATE TABLE kept (id int, note text, secret text);
	SELECT bulla.create_ledger('kept', erasable => '{secret}');
	INSERT INTO kept SELECT g, 'note', 'secret ' || g FROM generate_series(0, 1999) AS g;
	CREATE FUNCTION nap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(600); RETURN NULL; END $$;
	CREATE TRIGGER nap AFTER DELETE OR UPDATE ON kept FOR EACH ROW
		WHEN (current_setting('test.nap', true) = 'on') EXECUTE FUNCTION nap();
});
my @ways = ('pg_cancel_backend', 'pg_terminate_backend', 'kill -9');

# Ends a session by name in one of the ways, and waits for the server.
sub end_session
{
	my ($session, $name, $way) = @_;
	my $pid = $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE application_name = '$name' AND backend_type = 'client backend'");
	if ($way eq 'kill -9') { kill 'KILL', $pid if $pid; }
	elsif ($pid) { $node->safe_psql('postgres', "SELECT $way($pid)"); }
	my $printed = finish_psql($session);
	poll(sub { answers($node) }) or die 'the server is not back';
	return $printed;
}

my %operations = (
	prune => [ "SELECT bulla.prune('kept', 600)", 'ledger.pruned', 'SELECT count(*) FROM kept WHERE id BETWEEN 0 AND 511', 512, 0 ],
	erase => [ "SELECT bulla.erase('kept', '', 1500, '{secret}', 'asked for')", 'ledger.row_erased',
		'SELECT count(secret) FROM kept WHERE id = 1500', 1, 0 ]);
for my $operation (sort keys %operations)
{
	my ($call, $action, $look, $before, $after) = @{ $operations{$operation} };
	my $events = "SELECT count(*) FROM bulla.events WHERE action = '$action'";
	for my $way (@ways)
	{
		my $session = start_psql($node, 'held', "SET test.nap = on; BEGIN; $call; COMMIT;");
		ok(is_waiting($node, 'held', 'PgSleep'), "$operation, $way: it is under way");
		is($node->safe_psql('postgres', q{
				SET bulla.chain_lock_timeout = '10s';
				INSERT INTO kept VALUES (-1, 'meanwhile') RETURNING note}), 'meanwhile', "$operation, $way: others append meanwhile");
		end_session($session, 'held', $way);
		is($node->safe_psql('postgres', "$look; $events"), "$before\n0", "$operation, $way: nothing was done, and none recorded");
		is_sound($node, $_, "$operation, $way: $_ verifies") for ('kept', 'bulla.events');
		is($node->safe_psql('postgres', 'SELECT count(*) FROM bulla.chain_locks'), '0', "$operation, $way: nobody holds a chain");
	}
	# In the same session, after the error.
	my ($code, $output, $errors) = $node->psql('postgres', qq{
		SET test.nap = on;
		SET statement_timeout = '300ms';
		$call;
		RESET statement_timeout;
		RESET test.nap;
		DELETE FROM kept WHERE id < 10;
		UPDATE kept SET secret = NULL WHERE id = 1500;
		$look}, on_error_stop => 0);
	like($errors, qr/statement timeout.*\n(.*\n)*.*DELETE is not possible.*\n(.*\n)*.*UPDATE is not possible/,
		"$operation: after a timeout the session may not do by hand what it could not finish");
	is($output, $before, "$operation: nothing was done");
	$node->safe_psql('postgres', $call);
	is($node->safe_psql('postgres', "$look; $events"), "$after\n1", "$operation: done again it is done");
	kill_server($node);
	$node->start;
	is($node->safe_psql('postgres', "$look; $events"), "$after\n1", "$operation: and survives a crash");
	is_sound($node, $_, "$operation: $_ verifies") for ('kept', 'bulla.events');
}

# Detaching waits at its commit, for the ledger that it is recorded in.
$node->safe_psql('postgres', q{
	CREATE TABLE parted (id int, note text) PARTITION BY RANGE (id);
	CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (1000);
	CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (1000) TO (2000);
	SELECT bulla.create_ledger('parted');
	INSERT INTO parted SELECT g, 'note' FROM generate_series(0, 1999) AS g;
});
my $detach = "SELECT bulla.detach_partition('parted', 'parted_1')";
my $state = q{SELECT count(*) FROM parted; SELECT count(*) FROM parted_1; SELECT count(*) FROM bulla.events WHERE action = 'ledger.partition_detached'};
for my $way (@ways)
{
	my $holder = start_psql($node, 'holder', q{
		BEGIN;
		INSERT INTO bulla.events (action, role, session_role, detail) VALUES ('held', 'x', 'x', '{}');
		SELECT pg_sleep(600)});
	ok(is_waiting($node, 'holder', 'PgSleep'), "detach, $way: the events are held");
	my $session = start_psql($node, 'held', "SET bulla.chain_lock_timeout = '1min'; BEGIN; $detach; COMMIT;");
	ok(is_waiting($node, 'held'), "detach, $way: it is under way");
	end_session($session, 'held', $way);
	$node->safe_psql('postgres', "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'holder'");
	finish_psql($holder);
	is($node->safe_psql('postgres', $state), "2000\n1000\n0", "detach, $way: nothing was done, and none recorded");
	is_sound($node, $_, "detach, $way: $_ verifies") for ('parted', 'bulla.events');
}
is($node->safe_psql('postgres', "$detach; $state"), "1000\n1000\n1000\n1", 'detach: done again it is done');
kill_server($node);
$node->start;
is($node->safe_psql('postgres', $state), "1000\n1000\n1", 'detach: and survives a crash');
is_sound($node, $_, "detach: $_ verifies") for ('parted', 'parted_1', 'bulla.events');

# Verification, by several processes: ended anywhere, it leaves nothing behind, and what it has recorded counts.
$node->safe_psql('postgres', "INSERT INTO kept SELECT g, 'note', 'secret' FROM generate_series(2000, 80000) AS g");
for my $call ("* FROM bulla.verify('kept')", "bulla.record_verification('kept', whole => true)")
{
	my ($name) = $call =~ /bulla\.(\w+)/;
	# Over and over: it is to be found at it.
	my $forever = "DO \$\$ BEGIN LOOP PERFORM $call; END LOOP; END \$\$;";
	for my $round (1 .. rounds(6, 0.3))
	{
		my $way = $ways[ $round % 3 ];
		my $session = start_psql($node, 'verifying', $forever);
		ok($node->poll_query_until('postgres', q{
			SELECT count(*) > 0 FROM bulla.verify_progress WHERE application_name = 'verifying'}), "$name, $way $round: it runs");
		select(undef, undef, undef, rand(0.1));
		my $printed = end_session($session, 'verifying', $way);
		is($node->safe_psql('postgres', q{
				SELECT (SELECT count(*) FROM bulla.verify_progress) + (SELECT count(*) FROM bulla.chain_locks)}),
			'0', "$name, $way $round: nothing is left of it");
	}
}
is($node->safe_psql('postgres', "SELECT count(*) FROM bulla.events WHERE action = 'ledger.verified'"), '0',
	'verification: what did not commit has recorded nothing');
is($node->safe_psql('postgres', "SELECT bulla.record_verification('kept', whole => true)"), '1', 'verification: done again it is done');
is_sound($node, 'kept', 'verification: the ledger verifies');
is_sound($node, 'bulla.events', 'verification: so does what was recorded');
is($node->safe_psql('postgres', "SELECT * FROM bulla.verify_since('kept')"), '', 'verification: it goes on from what was recorded');

# Captured changes: a change and its event are there together or not at all, wherever the server is killed.
$node->safe_psql('postgres', q{
	CREATE TABLE counters (client int PRIMARY KEY, number int NOT NULL);
	INSERT INTO counters SELECT g, 0 FROM generate_series(0, 9) AS g;
	SELECT bulla.audit_changes('counters');
});
my @loads;
for my $round (1 .. rounds(3, 0.1))
{
	push @loads, start_load($node, kinds => ['counted']);
	my $wanted = $node->safe_psql('postgres', 'SELECT sum(number) FROM counters') + 200 + int(rand(500));
	ok($node->poll_query_until('postgres', "SELECT sum(number) >= $wanted FROM counters"), "changes, round $round: clients change rows");
	kill_server($node);
	stop_load($loads[-1], "changes, round $round");
	$node->start;
	is($node->safe_psql('postgres', 'SELECT sum(number) FROM counters'), $node->safe_psql('postgres', 'SELECT count(*) FROM bulla.changes'),
		"changes, round $round: there is one event for each change");
	my %told;
	$told{ $_->[1] }++ for map { told($_, 'ack') } @loads;
	my %there = map { split /\|/ } split /\n/, $node->safe_psql('postgres', 'SELECT client, number FROM counters');
	is(scalar(grep { $there{$_} < $told{$_} } keys %told), 0, "changes, round $round: what was acknowledged is there");
	is_sound($node, 'bulla.changes', "changes, round $round: the ledger verifies");
}
$node->stop;
done_testing();
