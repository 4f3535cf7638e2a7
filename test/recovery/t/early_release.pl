# A transaction lets its successor in as soon as its commit record is in the log, before that is durable:
# here the commit waits for a synchronous standby that does not exist, and holds still. The client hears
# nothing meanwhile. The setting turns that off, and it does not happen where other sessions would see rows
# of a catalogue or key change that they were not told of yet.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/..";
use BullaTest;
use PostgreSQL::Test::Utils;
use Test::More;

for my $preload (1, 0)
{
	my $mode = $preload ? 'preloaded' : 'not preloaded';
	my $node = new_node("early_release_$preload", preload => $preload, allows_streaming => 1);
	$node->start;
	$node->safe_psql('postgres', q{
		CREATE EXTENSION bulla;
		CREATE TABLE ledger (who text);
		SELECT bulla.create_ledger('ledger');
		CREATE TABLE plain (who text);
		SELECT bulla.create_key('card');
	});
	set_settings($node, synchronous_standby_names => 'nobody');
	# What looks does not wait itself.
	my $local = 'SET synchronous_commit = local;';

	# The first waits for the standby, the second one appends behind it and waits too.
	my $first = start_psql($node, 'first', "INSERT INTO ledger VALUES ('first');");
	ok(is_waiting($node, 'first', 'SyncRep'), "$mode: the first commit waits for the standby");
	my $second = start_psql($node, 'second', "INSERT INTO ledger VALUES ('second') RETURNING seq;");
	ok(is_waiting($node, 'second', 'SyncRep'), "$mode: so does the second, which got the chain");
	is($node->safe_psql('postgres', "$local INSERT INTO ledger VALUES ('third') RETURNING seq"), '2',
		"$mode: and a third, committed locally, follows");
	is($node->safe_psql('postgres', 'SELECT count(*) FROM bulla.chain_locks'), '0',
		"$mode: nobody holds the chain");
	is_sound($node, 'ledger', "$mode: the chain verifies meanwhile");

	# Who has asked for asynchronous commits gets them, and the setting is its own again afterwards.
	is($node->safe_psql('postgres', q{
		SET synchronous_commit = off;
		INSERT INTO ledger VALUES ('asynchronous');
		SHOW synchronous_commit}), 'off', "$mode: synchronous_commit = off commits at once");
	is($node->safe_psql('postgres', q{
		SET synchronous_commit = local;
		BEGIN; INSERT INTO ledger VALUES ('local'); COMMIT;
		SHOW synchronous_commit;
		BEGIN; INSERT INTO ledger VALUES ('local'); ROLLBACK;
		SHOW synchronous_commit}), "local\nlocal", "$mode: synchronous_commit is what it was");

	# A cancelled wait is a warning, as ever, and the row is there.
	$node->safe_psql('postgres',
		"SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'first'");
	like(finish_psql($first), qr/WARNING:  canceling wait for synchronous replication/,
		"$mode: the first client hears that only now");
	is($node->safe_psql('postgres', q{
		SELECT count(*) FROM pg_stat_activity WHERE application_name = 'second' AND wait_event = 'SyncRep'}),
		'1', "$mode: the second still waits");

	# A successor whose predecessor is not durable yet is not lost alone.
	$node->safe_psql('postgres',
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'second'");
	finish_psql($second);

	# Turned off: the second does not get the chain before the first is through.
	$first = start_psql($node, 'first',
		"SET bulla.early_lock_release = off; INSERT INTO ledger VALUES ('off');");
	ok(is_waiting($node, 'first', 'SyncRep'), "$mode: off: the first commit waits for the standby");
	my ($code, $output, $errors) = $node->psql('postgres',
		"$local SET bulla.chain_lock_timeout = '100ms'; INSERT INTO ledger VALUES ('second')");
	like($errors, qr/could not append to ledger "ledger"/, "$mode: off: nobody else gets the chain");
	is($node->safe_psql('postgres', "SELECT count(*) FROM ledger WHERE who = 'off'"), '0',
		"$mode: off: nor sees the row");
	$node->safe_psql('postgres',
		"SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'first'");
	finish_psql($first);

	# DDL in the transaction: other sessions hear of it only after the wait, so it keeps the chain.
	$first = start_psql($node, 'first',
		"BEGIN; CREATE TABLE made_$preload (a int); INSERT INTO ledger VALUES ('ddl'); COMMIT;");
	ok(is_waiting($node, 'first', 'SyncRep'), "$mode: DDL: the commit waits for the standby");
	($code, $output, $errors) = $node->psql('postgres',
		"$local SET bulla.chain_lock_timeout = '100ms'; INSERT INTO ledger VALUES ('second')");
	like($errors, qr/could not append to ledger "ledger"/, "$mode: DDL: nobody else gets the chain");
	$node->safe_psql('postgres',
		"SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'first'");
	finish_psql($first);

	# A key that is disabled: not visible before everybody is told.
	$first = start_psql($node, 'first', q{
		BEGIN;
		UPDATE bulla.key_versions SET state = 'disabled';
		INSERT INTO ledger VALUES ('key');
		COMMIT;});
	ok(is_waiting($node, 'first', 'SyncRep'), "$mode: keys: the commit waits for the standby");
	is($node->safe_psql('postgres', "SELECT state FROM bulla.keys"), 'enabled',
		"$mode: keys: what others were not told of is not visible either");
	$node->safe_psql('postgres',
		"SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'first'");
	finish_psql($first);
	is($node->safe_psql('postgres', "SELECT state FROM bulla.keys"), 'disabled', "$mode: keys: now it is");
	($code, $output, $errors) = $node->psql('postgres', "SELECT bulla.encrypt('x', 'card')");
	like($errors, qr/has no enabled version/, "$mode: keys: and counts");

	is_sound($node, 'ledger', "$mode: the chain verifies in the end");
	is_gapless($node, 'ledger', '0', "$mode: and has no gap");
	$node->stop('immediate');
	$node->start;
	is_sound($node, 'ledger', "$mode: also after a crash");
	$node->stop;
}
done_testing();
