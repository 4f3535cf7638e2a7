# Keys move from one KEK to another: in batches that are resumed, with no sealed value touched, and what is said of
# destroyed versions follows the KEKs.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/..";
use BullaTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('rewrap');
my $old = kek_file();
my $new = "$PostgreSQL::Test::Utils::tmp_check/kek_new";
write_kek($new);
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION bulla');

sub sql { return $node->safe_psql('postgres', $_[0]); }

# 60 keys of two versions, some of them disabled or destroyed, and what they sealed.
sql(q{SELECT bulla.create_key('key ' || g) FROM generate_series(1, 60) AS g});
sql(q{CREATE TABLE sealed AS SELECT g AS id, bulla.encrypt('text ' || g, 'key ' || g) AS value FROM generate_series(1, 60) AS g});
sql(q{SELECT bulla.rotate_key('key ' || g) FROM generate_series(1, 60) AS g});
sql(q{SELECT bulla.disable_key_version('key ' || g, 2) FROM generate_series(1, 10) AS g});
sql(q{SELECT bulla.destroy_key_version('key ' || g, 2, 'a test') FROM generate_series(11, 20) AS g});
sql(q{ALTER TABLE sealed ADD PRIMARY KEY (id)});
sql(q{SELECT bulla.create_ledger('sealed')});
my $stored = sql('SELECT md5(string_agg(sealed::text, chr(10) ORDER BY id)), max(xmin::text) FROM sealed');
my $old_id = sql('SELECT DISTINCT kek_id FROM bulla.keys WHERE kek_id IS NOT NULL');
is(sql('SELECT count(*) FROM bulla.keks'), 1, 'one KEK has been used');
is(sql('CALL bulla.rewrap_keys()'), 0, 'all keys are under the first KEK: nothing to do');

# Without the old KEK nothing can be moved, and nothing is lost by trying.
set_settings($node, 'bulla.kek' => "file:$new");
my $refused = errors_of($node, 'CALL bulla.rewrap_keys(8)');
like($refused, qr/ERROR:  110 versions of keys cannot be moved\n/, 'without the old KEK: an error that counts them');
is(() = $refused =~ /version \d of key "key \d+" cannot be moved: \S/g, 20, 'and names some of them, and why');
like($refused, qr/and 90 others\n/, 'but not all');
is(() = $refused =~ /ERROR|WARNING/g, 1, 'all in one');
is(sql(q{SELECT b.rewrapped, cardinality(b.problems), b.place ~ ':[12]$' FROM bulla.rewrap_key_batch(8) AS b}), '0|8|t', 'the function counts without an error');
is(sql("SELECT count(*) FROM bulla.keys WHERE kek_id = '$old_id'"), 110, 'nothing has moved');

set_settings($node, 'bulla.kek' => "file:$new, file:$old");
sql(q{SELECT bulla.create_key('first under the new one')});
like(errors_of($node, 'CALL bulla.rewrap_keys(0)'), qr/batch must be 1 or more/, 'a batch of none');
like(errors_of($node, 'BEGIN; CALL bulla.rewrap_keys(); COMMIT'), qr/invalid transaction termination/, 'the procedure commits, so not in a transaction');
is(sql('BEGIN; SELECT rewrapped FROM bulla.rewrap_key_batch(7); ROLLBACK'), 7, 'the function does, and as many as asked for');
is(sql(q{BEGIN; SELECT p.place IS NULL, p.rewrapped, q.rewrapped FROM bulla.rewrap_key_batch(60) AS o, bulla.rewrap_key_batch(60, o.place) AS p, bulla.rewrap_key_batch(60, p.place) AS q; ROLLBACK}),
	't|50|0', 'and goes on where it was, until it is through');
like(errors_of($node, "SELECT bulla.rewrap_key_batch(1, '$_')"), qr/place must be null or what bulla.rewrap_key_batch has returned/, "not a place: $_")
	for ('', ':', 'x:1', '00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-000000000000:', '00000000-0000-0000-0000-000000000000:99999999999', '00000000-0000-0000-0000-000000000000:1x');
is(sql("SELECT count(*) FROM bulla.keys WHERE kek_id = '$old_id'"), 110, 'and is rolled back');

# What fails in the middle is resumed: somebody holds the key that comes last.
my $last = sql('SELECT name FROM bulla.key_names WHERE name LIKE \'key %\' ORDER BY key_id DESC LIMIT 1');
my $holder = start_psql($node, 'holder', qq{
	BEGIN;
	SELECT bulla.rotate_key('$last');
	SELECT pg_advisory_lock(1), pg_sleep(600);
	ROLLBACK;
});
sql(q{SELECT 1}) while sql(q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 1 AND granted}) == 0;
like(errors_of($node, "SET lock_timeout = '100ms'; CALL bulla.rewrap_keys(8)"), qr/lock timeout/, 'a key that is being changed is waited for');
is(sql("SELECT count(*) FROM bulla.keys WHERE kek_id = '$old_id'"), 110 - 8 * 13, 'what was done before stays done');
$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holder'});
$holder->{process}->finish;
is(sql('CALL bulla.rewrap_keys(8)'), 110 - 8 * 13, 'another call does the rest');
is(sql('CALL bulla.rewrap_keys()'), 0, 'and then nothing is left');
is(sql("SELECT count(*), count(*) FILTER (WHERE kek_id IS NULL) FROM bulla.keys WHERE kek_id IS DISTINCT FROM (SELECT kek_id FROM bulla.keks WHERE kek_id <> '$old_id')"),
	'10|10', 'all but the destroyed ones are under the new KEK');
is(sql("SELECT DISTINCT cardinality(keks), keks[1] = '$old_id' FROM bulla.key_versions JOIN bulla.key_names USING (key_id) WHERE state <> 'destroyed' AND name LIKE 'key %'"), '2|t', 'both KEKs are remembered');
is(sql('SELECT md5(string_agg(sealed::text, chr(10) ORDER BY id)), max(xmin::text) FROM sealed'), $stored, 'no sealed value was touched');
is(sql(q{SELECT sum((detail ->> 'count')::int), bool_and((detail ->> 'count')::int = jsonb_array_length(detail -> 'version_ids')), count(DISTINCT detail ->> 'kek_id')
	FROM bulla.events WHERE action = 'key.rewrapped'}), '110|t|1', 'each move is recorded');

# The old KEK is no longer needed.
set_settings($node, 'bulla.kek' => "file:$new");
is(sql(q{SELECT count(*) FROM sealed WHERE bulla.decrypt(value) = 'text ' || id}), 60, 'everything opens under the new KEK alone');
is(sql(q{SELECT count(DISTINCT finality) FROM bulla.keys WHERE finality LIKE 'recoverable from backups until KEK } . $old_id . q{ is destroyed'}), 1, 'what was destroyed before hangs on the old KEK');
sql("SELECT bulla.retire_kek('$old_id')");
is(sql(q{SELECT count(*) FROM bulla.keys WHERE finality LIKE 'final since %'}), 10, 'and is final once that is gone');
sql(q{SELECT bulla.destroy_key('key 60', 'a test', shred => true)});
my $new_id = sql("SELECT kek_id FROM bulla.keks WHERE kek_id <> '$old_id'");
is(sql(q{SELECT DISTINCT finality FROM bulla.keys WHERE name = 'key 60'}), "recoverable from backups until KEK $new_id is destroyed", 'what is destroyed later hangs on the new one');

# Back to a KEK that was retired: refused.
set_settings($node, 'bulla.kek' => "file:$old, file:$new");
like(errors_of($node, 'CALL bulla.rewrap_keys()'), qr/KEK \Q$old_id\E was retired/, 'a retired KEK takes no keys back');
is(sql("SELECT count(*) FROM bulla.keys WHERE kek_id = '$old_id'"), 0, 'none');

# Keys that cannot be moved do not keep the others from moving, though they come first, whatever the batch.
my @thirds = map { "$PostgreSQL::Test::Utils::tmp_check/kek_third_$_" } 1 .. 2;
write_kek($_) for @thirds;
my ($first, $second) = split /\n/, sql(q{SELECT name FROM bulla.keys WHERE kek_id IS NOT NULL AND version = 1 ORDER BY id LIMIT 2});
sql(qq{UPDATE bulla.key_versions SET wrapped = set_bit(wrapped, 500, 1 - get_bit(wrapped, 500))
	WHERE version = 1 AND key_id IN (SELECT key_id FROM bulla.key_names WHERE name IN ('$first', '$second'))});
my $was_under = $new_id;
my $was_kek = $new;
for my $batch (1, 50)
{
	my $third = $thirds[$batch == 50];
	set_settings($node, 'bulla.kek' => "file:$third, file:$was_kek" . ($was_kek eq $new ? '' : ", file:$new"));
	my $errors = errors_of($node, "CALL bulla.rewrap_keys($batch)");
	like($errors, qr/ERROR:  2 versions of keys cannot be moved\nDETAIL:  version 1 of key "\Q$first\E" cannot be moved: \S.*\nversion 1 of key "\Q$second\E" cannot be moved: \S.*\nHINT:/,
		"batches of $batch: damaged keys are named at the end, each with the reason");
	is(sql(qq{SELECT string_agg(name || ' ' || version, ',' ORDER BY id) FROM bulla.keys WHERE kek_id IN ('$new_id', '$was_under')}), "$first 1,$second 1",
		"batches of $batch: all others have moved");
	$was_under = sql(q{SELECT kek_id FROM bulla.keys WHERE kek_id IS NOT NULL GROUP BY kek_id ORDER BY count(*) DESC LIMIT 1});
	$was_kek = $third;
}
my $moves = sql(q{SELECT count(*) FROM bulla.events WHERE action = 'key.rewrapped'});
like(errors_of($node, 'CALL bulla.rewrap_keys(1)'), qr/ERROR:  2 versions of keys cannot be moved/, 'called again, it says so again');
is(sql(q{SELECT count(*) FROM bulla.events WHERE action = 'key.rewrapped'}), $moves, 'and records nothing, as nothing moved');
sql(qq{SELECT bulla.destroy_key_version('$first', 1, 'damaged', shred => true)});
like(errors_of($node, 'CALL bulla.rewrap_keys()'), qr/ERROR:  version 1 of key "\Q$second\E" cannot be moved: \S/, 'one alone is the error itself');
sql(qq{SELECT bulla.destroy_key_version('$second', 1, 'damaged', shred => true)});
is(sql('CALL bulla.rewrap_keys()'), 0, 'once they are destroyed, nothing is left to do');
is_sound($node, 'sealed', 'the ledger verifies');
is_sound($node, 'bulla.events', 'and so do the events');
$node->stop;
done_testing();
