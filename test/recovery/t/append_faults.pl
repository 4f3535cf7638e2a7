# What bulla.append has queued is inserted by the commit. The commit is cancelled, ended, timed out and killed there,
# and the queue meets a full disk: then nothing of the transaction is there, and nobody is left with a chain.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/..";
use BullaTest;
use LedgerLoad;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('append', settings => $LedgerLoad::settings);
$node->start;
make_ledgers($node);
# Its commit can be held still while it inserts.
$node->safe_psql('postgres', q{
	CREATE TABLE slow (client int, number int);
	SELECT bulla.create_ledger('slow');
	CREATE FUNCTION nap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(600); RETURN NEW; END $$;
	CREATE TRIGGER nap BEFORE INSERT ON slow FOR EACH ROW WHEN (NEW.number = 3) EXECUTE FUNCTION nap();
});
my $queue = q{
	BEGIN;
	SELECT count(bulla.append('ledger', '{"client": -1, "number": -1}')) FROM generate_series(1, 3);
	SELECT bulla.append('lanes', '{"lane": 1, "client": -1, "number": -1}');};
my $queue_slowly = q{
	SELECT count(bulla.append('slow', jsonb_build_object('number', g))) FROM generate_series(1, 5) AS g;};

sub signal_session
{
	my ($function) = @_;
	$node->safe_psql('postgres', "SELECT $function(pid) FROM pg_stat_activity WHERE application_name = 'committing'");
	return;
}

# Nothing came of it, and the next rows follow: three tests.
sub is_undone
{
	my ($name) = @_;
	is($node->safe_psql('postgres', 'SELECT count(*) FROM bulla.chain_locks'), '0', "$name: nobody holds a chain or waits for one");
	is($node->safe_psql('postgres', q{
			SELECT (SELECT count(*) FROM ledger WHERE number < 0) + (SELECT count(*) FROM lanes) + (SELECT count(*) FROM slow)}),
		'0', "$name: nothing of the transaction is there");
	is($node->safe_psql('postgres', q{
			SELECT coalesce(max(seq) + 1, 0) FROM ledger;
			SET bulla.chain_lock_timeout = '10s';
			SELECT bulla.append('ledger', '{"client": -1, "number": 0}');
			SELECT max(seq) FROM ledger}) =~ /^(\d+)\n\n\1$/, 1, "$name: the next row follows");
	return;
}

# The commit waits for a chain.
my $unavailable = qr/could not append to ledger "ledger": its chain is locked.*\nHINT:  Process \d+ holds the chain/;
for my $case (
	[ 'pg_cancel_backend', '', qr/canceling statement due to user request/ ],
	[ 'pg_terminate_backend', '', qr/terminating connection due to administrator command/ ],
	[ 'lock_timeout', "SET lock_timeout = '300ms';", $unavailable ],
	[ 'bulla.chain_lock_timeout', "SET bulla.chain_lock_timeout = '300ms';", $unavailable ],
	# PostgreSQL turns it off before a COMMIT: the other limit has to do.
	[ 'statement_timeout', "SET statement_timeout = '200ms'; SET bulla.chain_lock_timeout = '1s';", $unavailable ])
{
	my ($how, $setting, $message) = @$case;
	my $holder = start_psql($node, 'holder', "BEGIN; INSERT INTO ledger VALUES (-1, -1, 'held'); SELECT pg_sleep(600);");
	ok(is_waiting($node, 'holder', 'PgSleep'), "waiting, $how: the chain is held");
	my $session = start_psql($node, 'committing', "SET bulla.chain_lock_timeout = '1min'; $setting $queue COMMIT;");
	if ($how =~ /^pg_/)
	{
		ok(is_waiting($node, 'committing'), "waiting, $how: the commit waits for it");
		signal_session($how);
	}
	like(finish_psql($session), $message, "waiting, $how: it is told");
	$node->safe_psql('postgres', "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'holder'");
	finish_psql($holder);
	is_undone("waiting, $how");
}

# The commit inserts; so does PREPARE TRANSACTION.
for my $commit ('COMMIT', "PREPARE TRANSACTION 'undone'")
{
	for my $how ('pg_cancel_backend', 'pg_terminate_backend', 'kill -9')
	{
		my $session = start_psql($node, 'committing', "$queue $queue_slowly $commit;");
		ok(is_waiting($node, 'committing', 'PgSleep'), "$commit, $how: it inserts");
		is($node->safe_psql('postgres', 'SELECT count(*) FROM bulla.chain_locks WHERE granted'), '4',
			"$commit, $how: and holds its chains");
		if ($how eq 'kill -9')
		{
			kill 'KILL', $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE application_name = 'committing'");
			finish_psql($session);
			ok(poll(sub { answers($node) }), "$commit, $how: the server is back");
		}
		else
		{
			signal_session($how);
			like(finish_psql($session), qr/canceling statement|terminating connection/, "$commit, $how: it is told");
		}
		is_undone("$commit, $how");
		is($node->safe_psql('postgres', 'SELECT count(*) FROM pg_prepared_xacts'), '0', "$commit, $how: nothing is prepared");
	}
}

# What was queued and prepared survives a crash, and is there when it is committed.
$node->safe_psql('postgres', q{
	BEGIN;
	SELECT bulla.append('lanes', '{"lane": 5, "client": -1, "number": 7}');
	PREPARE TRANSACTION 'held'});
kill_server($node);
$node->start;
is($node->safe_psql('postgres', 'SELECT count(*) FROM lanes'), '0', 'prepared: not there yet after a crash');
$node->safe_psql('postgres', "COMMIT PREPARED 'held'");
is($node->safe_psql('postgres', 'SELECT lane, number, seq FROM lanes'), '5|7|0', 'prepared: there when committed');

# More in the queue than temporary files may take: the call fails, and what was queued before it is kept.
my ($code, $output, $errors) = $node->psql('postgres', q{
	SET work_mem = '64kB';
	SET temp_file_limit = '1MB';
	BEGIN;
	SELECT bulla.append('ledger', '{"client": -1, "number": 1, "note": "first"}');
	SAVEPOINT a;
	SELECT count(bulla.append('ledger', jsonb_build_object('number', -g, 'note', repeat('x', 100)))) FROM generate_series(1, 100000) AS g;
	ROLLBACK TO a;
	SELECT bulla.append('ledger', '{"client": -1, "number": 2, "note": "last"}');
	COMMIT;
	SELECT note FROM ledger ORDER BY seq DESC LIMIT 2}, on_error_stop => 0);
like($errors, qr/ERROR:  temporary file size exceeds temp_file_limit \(1024kB\)/, 'temp_file_limit: the call is refused');
like($output, qr/last\nfirst$/, 'temp_file_limit: what was queued before and after is kept');
is($node->safe_psql('postgres', 'SELECT count(*) FROM ledger WHERE number < 0'), '0', 'temp_file_limit: and nothing else');
($code, $output, $errors) = $node->psql('postgres', q{
	SET work_mem = '64kB';
	SET temp_file_limit = '1MB';
	BEGIN;
	SELECT count(bulla.append('ledger', jsonb_build_object('number', -g, 'note', repeat('x', 100)))) FROM generate_series(1, 100000) AS g;
	COMMIT}, on_error_stop => 0);
like($errors, qr/temp_file_limit/, 'temp_file_limit: without a savepoint the transaction is lost');
is($node->safe_psql('postgres', 'SELECT count(*) FROM ledger WHERE number < 0'), '0', 'temp_file_limit: as a whole');

for my $ledger ('ledger', 'lanes', 'slow')
{
	is_sound($node, $ledger, "$ledger verifies");
	is_gapless($node, $ledger, $ledger eq 'lanes' ? 'lane' : '0', "$ledger has no gap");
}
$node->stop;
done_testing();
