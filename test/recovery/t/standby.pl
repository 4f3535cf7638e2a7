# A streaming standby verifies what it has replayed, opens values, and appends without a gap once promoted.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/..";
use BullaTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = new_node('primary', allows_streaming => 1);
$primary->start;
$primary->safe_psql('postgres', q{
	CREATE EXTENSION bulla;
	CREATE TABLE ledger (id int PRIMARY KEY, note text);
	SELECT bulla.create_ledger('ledger');
	CREATE TABLE lanes (lane text NOT NULL, sealed text);
	SELECT bulla.create_ledger('lanes', '{lane}');
	SELECT bulla.create_key('card');
	INSERT INTO ledger SELECT g, 'note' FROM generate_series(0, 99) AS g;
	INSERT INTO lanes SELECT 'lane ' || g % 3, bulla.encrypt('secret', 'card') FROM generate_series(1, 30) AS g;
});
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$primary->safe_psql('postgres', q{
	INSERT INTO ledger SELECT g, 'note' FROM generate_series(100, 199) AS g;
	INSERT INTO lanes VALUES ('lane 0', bulla.encrypt('secret', 'card'));
});
$primary->wait_for_catchup($standby);

# A backup of a cluster holds no KEK: the file is where it was.
unlike(join("\n", glob($standby->data_dir . '/*')), qr/kek/, 'no KEK came with the backup');

is($standby->safe_psql('postgres', 'SELECT pg_is_in_recovery()'), 't', 'the standby is one');
is_sound($standby, $_, "standby: $_ verifies") for ('ledger', 'lanes', 'bulla.events');
is($standby->safe_psql('postgres',
		'SELECT verified, rows_checked, chains, head_seq FROM bulla.verify_summary($$ledger$$)'),
	't|200|1|199', 'standby: so says the summary');
is($standby->safe_psql('postgres', "SELECT * FROM bulla.verify('lanes', 'lane 1', 2, 5)"), '', 'standby: a part of a chain');
is($standby->safe_psql('postgres',
		"SELECT bool_and(hash = sha256('\\x00' || bulla.row_record('ledger', '', seq))) FROM ledger"),
	't', 'standby: records');
is($standby->safe_psql('postgres', 'SELECT count(*) FROM bulla.ledgers'), '3', 'standby: the ledgers');
is($standby->safe_psql('postgres', "SELECT DISTINCT bulla.decrypt(sealed) FROM lanes"), 'secret', 'standby: values open');
is($standby->safe_psql('postgres', "SELECT bulla.decrypt(bulla.encrypt('x', 'card'))"), 'x', 'standby: and are sealed');
my ($code, $output, $errors) = $standby->psql('postgres', "INSERT INTO ledger VALUES (1000, 'x')");
like($errors, qr/read-only transaction/, 'standby: nothing is appended');
($code, $output, $errors) = $standby->psql('postgres', "SELECT bulla.create_key('x')");
like($errors, qr/read-only transaction|during recovery/, 'standby: no key is made');
for my $call ("rotate_key('x')", "destroy_key('x', 'a test')", "retire_kek('x')", 'rewrap_key_batch(1)')
{
	($code, $output, $errors) = $standby->psql('postgres', "SELECT bulla.$call");
	like($errors, qr/read-only transaction|during recovery/, "standby: bulla.$call is refused");
}
($code, $output, $errors) = $standby->psql('postgres', "SELECT bulla.create_ledger('lanes')");
like($errors, qr/ERROR/, 'standby: no ledger either');

# A key that is disabled on the primary is disabled here once that is replayed, in an open session too.
my $holder = start_psql($standby, 'holder', 'SELECT pg_advisory_lock(1); SELECT pg_sleep(600);');
$standby->poll_query_until('postgres', "SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory'") or die;
my $session = start_psql($standby, 'open', q{
	BEGIN ISOLATION LEVEL REPEATABLE READ;
	SELECT DISTINCT bulla.decrypt(sealed) FROM lanes;
	SELECT pg_advisory_lock(1);
	SELECT DISTINCT bulla.decrypt(sealed) FROM lanes;});
ok(is_waiting($standby, 'open'), 'keys: a session of the standby has opened values');
$primary->safe_psql('postgres', q{SELECT bulla.disable_key_version(name, version) FROM bulla.keys});
$primary->wait_for_catchup($standby);
$standby->safe_psql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holder'");
finish_psql($holder);
like(finish_psql($session), qr/^secret\n\n.*ERROR:.*is disabled/, 'keys: and meets that it was disabled');
$primary->safe_psql('postgres', q{SELECT bulla.enable_key_version(name, version) FROM bulla.keys});

# A tampered row travels, and is found there.
$primary->safe_psql('postgres', q{
	BEGIN;
	SET LOCAL bulla.restore = on;
	ALTER TABLE ledger DISABLE TRIGGER ALL;
	UPDATE ledger SET note = 'forged' WHERE id = 17;
	COMMIT;});
$primary->wait_for_catchup($standby);
is($standby->safe_psql('postgres', "SELECT DISTINCT verdict FROM bulla.verify('ledger') ORDER BY 1"),
	"altered\nunprotected", 'standby: tampering on the primary is found');
$primary->safe_psql('postgres', q{
	BEGIN;
	UPDATE ledger SET note = 'note' WHERE id = 17;
	DO $$
	DECLARE
		name name;
	BEGIN
		FOR name IN SELECT tgname FROM pg_trigger WHERE tgrelid = 'ledger'::regclass AND tgfoid::regproc::text LIKE 'bulla.%' LOOP
			EXECUTE format('ALTER TABLE ledger ENABLE ALWAYS TRIGGER %I', name);
		END LOOP;
	END $$;
	COMMIT;});

# The primary dies with appends under way; the standby takes over where it was.
my $prepared = $primary->safe_psql('postgres',
	"BEGIN; INSERT INTO lanes VALUES ('lane 2', 'prepared'); PREPARE TRANSACTION 'held'");
$primary->wait_for_catchup($standby);
$primary->stop('immediate');
$standby->promote;
$standby->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()') or die 'not promoted';
is($standby->safe_psql('postgres', "INSERT INTO ledger VALUES (1000, 'x') RETURNING seq"), '200',
	'promoted: the next row follows');
($code, $output, $errors) = $standby->psql('postgres',
	"SET bulla.chain_lock_timeout = '100ms'; INSERT INTO lanes VALUES ('lane 2', 'too early')");
like($errors, qr/could not append/, 'promoted: a prepared transaction still holds its chain');
$standby->safe_psql('postgres', "COMMIT PREPARED 'held'; INSERT INTO lanes VALUES ('lane 2', 'after')");
is_sound($standby, $_, "promoted: $_ verifies") for ('ledger', 'lanes', 'bulla.events');
is_gapless($standby, 'lanes', 'lane', 'promoted: no chain has a gap');
is($standby->safe_psql('postgres', "SELECT bulla.create_key('new') IS NOT NULL"), 't', 'promoted: keys are made');
$standby->stop;
done_testing();
