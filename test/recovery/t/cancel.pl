# Whoever waits for a chain, holds one, or commits can be cancelled, ended or timed out. Each of these at each
# place where it can be held still, then all of them at random under load. Afterwards nothing is half done: who was
# refused has no row, who was told of a commit has his, the chain goes on, and nobody waits for ever.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/..";
use BullaTest;
use LedgerLoad;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('cancel', allows_streaming => 1, settings => join("\n", $LedgerLoad::settings, 'deadlock_timeout = 100ms'));
$node->start;
make_ledgers($node);
$node->safe_psql('postgres', q{
	CREATE FUNCTION nap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(600); RETURN NULL; END $$;
	CREATE TABLE deferred (client int, number int);
	SELECT bulla.create_ledger('deferred');
	CREATE CONSTRAINT TRIGGER nap AFTER INSERT ON deferred DEFERRABLE INITIALLY DEFERRED
		FOR EACH ROW WHEN (NEW.number > 0) EXECUTE FUNCTION nap();
});
my $next = 0;

sub signal_session
{
	my ($function, $name) = @_;
	$node->safe_psql('postgres', "SELECT $function(pid) FROM pg_stat_activity WHERE application_name = '$name'");
	return;
}

# The chain is free, and the next row follows: two tests.
sub is_free
{
	my ($ledger, $name) = @_;
	is($node->safe_psql('postgres', 'SELECT count(*) FROM bulla.chain_locks'), '0', "$name: nobody holds a chain or waits for one");
	my ($expected, $seq) = split /\n/, $node->safe_psql('postgres', qq{
		SET bulla.chain_lock_timeout = '10s';
		SELECT count(*) FROM $ledger;
		INSERT INTO $ledger (client, number) VALUES (-1, 0) RETURNING seq});
	is($seq, $expected, "$name: the next row follows");
	return;
}

# How a session that stands still is made to give up: what is set before, what is done to it, what it says.
my %ends = (
	'pg_cancel_backend' => [ '', 'pg_cancel_backend', qr/canceling statement due to user request/ ],
	'pg_terminate_backend' => [ '', 'pg_terminate_backend', qr/terminating connection due to administrator command/ ],
	'statement_timeout' => [ "SET statement_timeout = '300ms';", undef, qr/canceling statement due to statement timeout/ ]);
my %limits = (
	%ends,
	'lock_timeout' => [ "SET lock_timeout = '300ms';", undef, qr/could not append to ledger "\w+": its chain is locked/ ],
	'bulla.chain_lock_timeout' => [ "SET bulla.chain_lock_timeout = '300ms';", undef,
		qr/could not append to ledger "\w+": its chain is locked.*\nHINT:  Process \d+ holds the chain/ ]);

# Waiting for the chain.
for my $how (sort keys %limits)
{
	my ($setting, $function, $message) = @{ $limits{$how} };
	my $holder = start_psql($node, 'holder', "BEGIN; INSERT INTO ledger VALUES (-1, 1, 'held'); SELECT pg_sleep(600);");
	ok(is_waiting($node, 'holder', 'PgSleep'), "waiting, $how: the chain is held");
	my $waiter = start_psql($node, 'waiter',
		"SET bulla.chain_lock_timeout = '1min'; $setting INSERT INTO ledger VALUES (-1, 2, 'refused');");
	# In line behind the waiter: that it goes must not hang this one.
	my $behind = start_psql($node, 'behind', "SET bulla.chain_lock_timeout = '1min'; INSERT INTO ledger VALUES (-1, 3, 'behind');");
	ok(is_waiting($node, 'behind'), "waiting, $how: another waits too");
	if ($function)
	{
		ok(is_waiting($node, 'waiter'), "waiting, $how: it waits");
		signal_session($function, 'waiter');
	}
	like(finish_psql($waiter), $message, "waiting, $how: it is told");
	# First in line now, it asks for the chain itself now and then, and waits between.
	ok(is_waiting($node, 'behind'), "waiting, $how: the other waits on");
	signal_session('pg_cancel_backend', 'holder');
	finish_psql($holder);
	is(finish_psql($behind), '', "waiting, $how: and gets the chain when it is free");
	is_free('ledger', "waiting, $how");
}
is($node->safe_psql('postgres', 'SELECT DISTINCT number FROM ledger ORDER BY 1'), "0\n3", 'waiting: no row of those who gave up');

# Waiting inside a savepoint: the rest of the transaction is kept.
for my $how ('lock_timeout', 'bulla.chain_lock_timeout', 'statement_timeout')
{
	my $holder = start_psql($node, 'holder', "BEGIN; INSERT INTO lanes VALUES (1, -1, 1); SELECT pg_sleep(600);");
	ok(is_waiting($node, 'holder', 'PgSleep'), "savepoint, $how: a chain is held");
	my ($code, $output, $errors) = $node->psql('postgres', qq{
		BEGIN;
		INSERT INTO lanes VALUES (2, -1, 2);
		SAVEPOINT a;
		SET LOCAL $how = '200ms';
		INSERT INTO lanes VALUES (1, -1, 3);
		ROLLBACK TO a;
		INSERT INTO lanes VALUES (2, -1, 4), (3, -1, 5);
		COMMIT;}, on_error_stop => 0);
	like($errors, qr/ERROR/, "savepoint, $how: the statement is refused");
	signal_session('pg_cancel_backend', 'holder');
	finish_psql($holder);
	is($node->safe_psql('postgres', 'SELECT lane, array_agg(number ORDER BY seq) FROM lanes GROUP BY 1 ORDER BY 1'),
		join("\n", '2|{' . join(',', (2, 4) x ++$next) . '}', '3|{' . join(',', (5) x $next) . '}'),
		"savepoint, $how: what was around it is kept");
	is($node->safe_psql('postgres', 'SELECT count(*) FROM bulla.chain_locks'), '0', "savepoint, $how: nobody holds a chain");
}

# In the middle of a statement that has drawn rows, and in the middle of a commit before its record.
for my $how (sort keys %ends)
{
	my ($setting, $function, $message) = @{ $ends{$how} };
	for my $place (
		[ 'statement', q{INSERT INTO ledger SELECT -1, g, CASE WHEN g = 50 THEN pg_sleep(600)::text END FROM generate_series(1, 100) AS g;} ],
		[ 'commit', q{BEGIN; INSERT INTO deferred VALUES (-1, 1); COMMIT;} ])
	{
		my ($where, $statement) = @$place;
		# statement_timeout does not bound COMMIT: PostgreSQL turns it off before.
		next if $where eq 'commit' && $how eq 'statement_timeout';
		my $session = start_psql($node, 'drawing', "$setting $statement");
		if ($function)
		{
			ok(is_waiting($node, 'drawing', 'PgSleep'), "$where, $how: it holds the chain");
			is($node->safe_psql('postgres', 'SELECT count(*) FROM bulla.chain_locks'), '1', "$where, $how: others see that");
			signal_session($function, 'drawing');
		}
		like(finish_psql($session), $message, "$where, $how: it is told");
		is_free($where eq 'commit' ? 'deferred' : 'ledger', "$where, $how");
	}
}

# A session that holds a chain and does nothing.
for my $how ('idle_in_transaction_session_timeout', 'pg_terminate_backend')
{
	my $connection = $node->connstr('postgres') . ' application_name=idle';
	# psql reads on, so the session is idle.
	my ($in, $out) = ("SET idle_in_transaction_session_timeout = '" . ($how =~ /idle/ ? 500 : 0) . "'; BEGIN; INSERT INTO ledger VALUES (-1, 1, 'idle');\n", '');
	my $process = IPC::Run::start([ 'psql', '-XqAt', '-d', $connection ], '<', \$in, '>', \$out, '2>', \$out, IPC::Run::timeout(120));
	$process->pump while length $in;
	ok(poll(sub { $node->safe_psql('postgres', "SELECT count(*) FROM bulla.chain_locks WHERE granted") eq '1' }), "idle, $how: the chain is held");
	my $waiter = start_psql($node, 'waiter', "SET bulla.chain_lock_timeout = '1min'; INSERT INTO ledger VALUES (-1, 2, 'after idle') RETURNING note;");
	if ($how =~ /^pg_/)
	{
		ok(is_waiting($node, 'waiter'), "idle, $how: another waits");
		signal_session($how, 'idle');
	}
	is(finish_psql($waiter), 'after idle', "idle, $how: the next gets the chain");
	$process->kill_kill;
	is_free('ledger', "idle, $how");
}

# After the commit record: the commit cannot be undone any more, and waits for a standby that is not there. The
# chain is another's already.
set_settings($node, synchronous_standby_names => 'nobody');
for my $function ('pg_cancel_backend', 'pg_terminate_backend')
{
	my $session = start_psql($node, 'committing', "SET statement_timeout = '1s'; INSERT INTO ledger VALUES (-1, 9, '$function');");
	ok(is_waiting($node, 'committing', 'SyncRep'), "committed, $function: it waits for the standby");
	is($node->safe_psql('postgres', "SET synchronous_commit = local; INSERT INTO ledger VALUES (-1, 0, 'next') RETURNING note"), 'next',
		"committed, $function: another appends meanwhile");
	signal_session($function, 'committing');
	like(finish_psql($session), qr/WARNING:  canceling (the )?wait for synchronous replication/, "committed, $function: the client is warned");
	is($node->safe_psql('postgres', "SELECT count(*) FROM ledger WHERE note = '$function'"), '1', "committed, $function: the row is there");
}
set_settings($node, synchronous_standby_names => '');
for my $ledger ('ledger', 'lanes', 'deferred')
{
	is_sound($node, $ledger, "$ledger verifies");
	is_gapless($node, $ledger, $ledger eq 'lanes' ? 'lane' : '0', "$ledger has no gap");
}

# At random: sessions are cancelled and ended as fast as SQL can, while each transaction has a time limit as well.
my @loads;
for my $round (1 .. rounds(3, 0.2))
{
	push @loads, start_load($node, clients => 8, options => [ '--persist', $round % 2 ? '--timeouts' : () ]);
	$node->safe_psql('postgres', q{
		DO $$
		DECLARE
			target int;
			stop timestamptz := clock_timestamp() + '5s';
		BEGIN
			WHILE clock_timestamp() < stop LOOP
				PERFORM pg_stat_clear_snapshot();
				SELECT pid INTO target FROM pg_stat_get_activity(NULL) WHERE application_name ~ '^load_' ORDER BY random() LIMIT 1;
				IF random() < 0.98 THEN
					PERFORM pg_cancel_backend(target);
				ELSE
					PERFORM pg_terminate_backend(target);
				END IF;
				PERFORM pg_sleep(0.002 * random());
			END LOOP;
		END $$});
	appends_on($loads[-1], "random, round $round");
	stop_load($loads[-1], "random, round $round");
	my %errors;
	$errors{ $_->[0] }++ for told($loads[-1], 'error');
	note(join ', ', map { "$_: $errors{$_}" } sort keys %errors);
	cmp_ok($errors{57014} // 0, '>', 20, "random, round $round: statements were cancelled");
	cmp_ok(($errors{'57P01'} // 0) + ($errors{none} // 0), '>', 3, "random, round $round: sessions were ended");
	# Cancelled, ended, idle for too long, no lock in time; and what the end of a connection looks like.
	delete @errors{ qw(57014 57P01 25P03 55P03 40P01 none) };
	is(join(' ', %errors), '', "random, round $round: there was no other error");
	keeps_its_word($node, [ $loads[-1] ], "random, round $round");
	is($node->safe_psql('postgres', 'SELECT count(*) FROM bulla.chain_locks'), '0', "random, round $round: nobody holds a chain");
	progress("round $round: " . told($loads[-1], 'ack') . ' rows acknowledged, ' . told($loads[-1], 'error') . ' errors');
}
$node->stop;
done_testing();
