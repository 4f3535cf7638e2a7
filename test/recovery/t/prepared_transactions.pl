# A prepared transaction holds its chains through a crash and a restart, until somebody ends it.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/..";
use BullaTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('prepared');
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION bulla;
	CREATE TABLE ledger (who text);
	SELECT bulla.create_ledger('ledger');
	INSERT INTO ledger VALUES ('before');
});

for my $verb ('COMMIT', 'ROLLBACK')
{
	# A session that waits for the chain while its holder prepares goes on waiting.
	my $holder = start_psql($node, 'holder', qq{
		BEGIN;
		INSERT INTO ledger VALUES ('prepared for $verb');
		DO \$\$
		BEGIN
			WHILE NOT EXISTS (SELECT FROM pg_stat_activity
				WHERE application_name = 'waiter' AND wait_event_type = 'Lock') LOOP
				PERFORM pg_stat_clear_snapshot();
			END LOOP;
		END \$\$;
		PREPARE TRANSACTION 'held';});
	ok($node->poll_query_until('postgres', 'SELECT count(*) > 0 FROM bulla.chain_locks'),
		"$verb: a transaction has the chain");
	my $waiter = start_psql($node, 'waiter', "INSERT INTO ledger VALUES ('waiter for $verb') RETURNING who;");
	is(finish_psql($holder), '', "$verb: the holder prepares");
	ok(is_waiting($node, 'waiter'), "$verb: the waiter waits on");
	is($node->safe_psql('postgres', 'SELECT count(*) FROM bulla.chain_locks WHERE granted AND pid IS NULL'),
		'1', "$verb: for a transaction without process");
	$node->safe_psql('postgres', "$verb PREPARED 'held'");
	is(finish_psql($waiter), "waiter for $verb", "$verb: until that has ended");
	is_sound($node, 'ledger', "$verb: the chain verifies");

	# Crash and restart.
	$node->safe_psql('postgres', "BEGIN; INSERT INTO ledger VALUES ('through a crash'); PREPARE TRANSACTION 'held';");
	$node->stop('immediate');
	$node->start;
	my ($code, $output, $errors) =
	  $node->psql('postgres', "SET bulla.chain_lock_timeout = '100ms'; INSERT INTO ledger VALUES ('too early')");
	like($errors, qr/could not append to ledger "ledger"/, "$verb: it holds the chain after a crash");
	like($errors, qr/HINT:  A prepared transaction \(pg_prepared_xacts\) holds the chain/, "$verb: and the hint says who");
	$node->safe_psql('postgres', "$verb PREPARED 'held'");
	$node->safe_psql('postgres', "INSERT INTO ledger VALUES ('after')");
	is_sound($node, 'ledger', "$verb: the chain verifies");
	is_gapless($node, 'ledger', '0', "$verb: and has no gap");
}
is($node->safe_psql('postgres', 'SELECT who FROM ledger ORDER BY seq'), join("\n",
	'before', 'prepared for COMMIT', 'waiter for COMMIT', 'through a crash', 'after',
	'waiter for ROLLBACK', 'after'), 'what was committed is there, in order');
$node->stop;
done_testing();
