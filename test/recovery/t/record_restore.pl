# A base backup is taken, the server goes on appending and sealing, and is lost. What is restored from the backup lacks rows
# that were published: it does not sign, until the restore is recorded; then it goes on under new origins, and everybody is
# told what was lost: bulla.verify, an auditor with bulla-verify, and who knows the old origin. Also a backup that looks like
# the original, a second restore of one backup, and a dump of what was restored.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/..";
use BullaTest;
use LedgerLoad;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use PublishedNotes;
use Test::More;

my $directory = PostgreSQL::Test::Utils::tempdir();
my $verifier = "$FindBin::RealBin/../bulla-verify";
$ENV{PGCLIENTENCODING} = 'UTF8';

my $rows = q{
	INSERT INTO ledger SELECT 1, g, 'row' FROM generate_series(1, 600) AS g;
	INSERT INTO lanes SELECT g % 3, 1, g FROM generate_series(1, 900) AS g;
	INSERT INTO parts SELECT 1, g FROM generate_series(1, 70) AS g;};

# A statement's result, byte by byte, without the line feed of psql: notes and exports are more than one line.
sub ask
{
	my ($node, $query) = @_;
	my ($output) = ('');
	IPC::Run::run([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'), '-c', $query ], '>', \$output)
	  or die "psql failed: $query";
	chomp $output;
	return $output;
}

sub auditor_says
{
	my (@arguments) = @_;
	my ($output, $errors) = ('', '');
	IPC::Run::run([ $verifier, @arguments, '--no-witness' ], '>', \$output, '2>', \$errors);
	return ($? >> 8, $output . $errors);
}

# What bulla.verify says of all ledgers, without times.
sub verdicts
{
	my ($node) = @_;
	return $node->safe_psql('postgres', q{
		SELECT l.ledger, v.chain, v.seq, v.verdict, regexp_replace(v.detail, 'recorded at .*: drill', 'recorded: drill')
		FROM bulla.ledgers AS l, bulla.verify(l.ledger) AS v ORDER BY l.ledger::text, v.chain, v.seq, v.detail});
}

sub origin_of
{
	my ($note) = @_;
	return (split /\n/, $note)[0];
}

my $live = PostgreSQL::Test::Cluster->new('live');
$live->init(extra => [ '--encoding=UTF8', '--locale=C.UTF-8', '--wal-segsize=1' ], has_archiving => 1, allows_streaming => 1);
write_kek(kek_file());
$live->append_conf('postgresql.conf', "bulla.kek = 'file:" . kek_file() . "'\nshared_preload_libraries = 'bulla'\n");
$live->start;
make_ledgers($live);
$live->safe_psql('postgres', "SELECT bulla.set_log_name('example.com/restored');
	SELECT bulla.create_key('counted', 'encrypt', 'AES-256-GCM');
	CREATE TABLE sealed AS SELECT bulla.encrypt('value', 'counted') AS value");
$live->safe_psql('postgres', $rows);
seals_on($live, 'before the backup');
# Rows that no tree has yet go into the backup.
$live->safe_psql('postgres', "INSERT INTO ledger SELECT 1, g, 'row' FROM generate_series(601, 620) AS g");
$live->backup('base');
$live->safe_psql('postgres', $rows);
# A ledger that the backup does not know as sealed, and a chain that it does not know.
$live->safe_psql('postgres', 'INSERT INTO lanes SELECT 7, 1, g FROM generate_series(1, 40) AS g');
seals_on($live, 'after the backup');
my %lost = map { $_ => ask($live, "SELECT bulla.checkpoint($_)") } "'ledger'", "'lanes', '0'", "'lanes', '7'", "'bulla.heads'";
my $old_key = ask($live, "SELECT bulla.verifier_key('ledger')");
my $kept = write_file("$directory/kept", $lost{"'ledger'"});
# A segment that is being copied into the archive would be restored as far as it is there.
my $switched = $live->safe_psql('postgres', 'SELECT pg_switch_wal()');
ok($live->poll_query_until('postgres', "SELECT last_archived_wal >= pg_walfile_name('$switched') FROM pg_stat_archiver"),
	'the log is archived');
$live->stop('immediate');

# Up to the end of the backup, on a new timeline.
my $restored = PostgreSQL::Test::Cluster->new('restored');
$restored->init_from_backup($live, 'base', has_restoring => 1, standby => 0);
$restored->append_conf('postgresql.conf', "archive_mode = off\nrecovery_target = 'immediate'\nrecovery_target_action = 'promote'\n");
$restored->start;
ok(poll(sub { answers($restored) && $restored->safe_psql('postgres', 'SELECT pg_is_in_recovery()') eq 'f' }), 'it is restored');
is($restored->safe_psql('postgres', 'SELECT count(*) FROM ledger'), '620', 'with the rows of the backup');
is(verdicts($restored), '', 'which are sound: nobody can see that some are missing');
for my $statement ("bulla.seal('ledger')", "bulla.seal('bulla.heads')", "bulla.rotate_signing_key('drill')")
{
	my $errors = errors_of($restored, "SELECT $statement");
	like($errors, qr/ERROR:  checkpoints of log "example\.com\/restored" are another server's to sign/, "$statement: refused");
	like($errors, qr/take_over_log.*Where something may be missing.*bulla\.record_restore\(NULL, reason\)/s, "$statement: both ways out are told");
}
my $evidence = join ', ', map { "'$_'" } map { s/'/''/gr } values %lost;
my $said = errors_of($restored, "SELECT bulla.record_restore(NULL, 'drill', $evidence)");
like($said, qr/WARNING:  keys of AES-256-GCM seal no more until they are rotated: "counted"/, 'recording it names the keys to rotate');
my $verdicts = verdicts($restored);
like($verdicts, qr/^ledger\|\|600\|restored\|of 1220 rows that are known to have been sealed before epoch 1, the first 600 are here$/m,
	'of the ledger it is told what was published and what is here');
like($verdicts, qr/^lanes\|0\|300\|restored\|of 600 rows .* the first 300 are here$/m, 'and of a chain');
like($verdicts, qr/^lanes\|\|\|restored\|epoch 1 has nothing of the chain with the id [0-9a-f]{32}, of which 40 rows had been published$/m,
	'and of a chain that is gone');
like($verdicts, qr/^parts\|\|\|restored\|epoch 1 was opened by a restore that was recorded: drill; no row is known to have been lost$/m,
	'and of a ledger of which nobody had a checkpoint');
unlike($verdicts, qr/\|(?!restored)[a-z_]+\|/, 'and nothing else');
is($restored->safe_psql('postgres', q{SELECT verified, notes[1] LIKE 'restored: epoch 1 %' FROM bulla.verify_summary('ledger')}), 't|t',
	'the summary has it as a note');
$restored->safe_psql('postgres', $rows =~ s/'row'/'another'/r);
seals_on($restored, 'restored');
unlike(verdicts($restored), qr/\|(?!restored)[a-z_]+\|/, 'restored: sealed and sound');
my %new = map { $_ => ask($restored, "SELECT bulla.checkpoint($_)") } "'ledger'", "'bulla.heads'";
for (sort keys %new)
{
	is(origin_of($new{$_}), origin_of($lost{$_}) =~ s/\/0$/\/1/r, "$_: it is another log to who knows the old one");
}
is($restored->safe_psql('postgres', q{SELECT string_agg(DISTINCT epoch::text, ' ') FROM bulla.heads
	WHERE ledger_id = (SELECT id FROM bulla.ledgers WHERE ledger = 'ledger'::regclass)}), '0 1', 'bulla.heads has both epochs');

# Sealed values open, and nothing is sealed under the version that was there.
is($restored->safe_psql('postgres', 'SELECT bulla.decrypt(value) FROM sealed'), 'value', 'a sealed value opens');
like(errors_of($restored, "SELECT bulla.encrypt('value', 'counted')"), qr/seals no more since a restore was recorded.*bulla\.rotate_key/s,
	'its key seals nothing');
$restored->safe_psql('postgres', "SELECT bulla.rotate_key('counted')");
is($restored->safe_psql('postgres', "SELECT bulla.decrypt(bulla.encrypt('more', 'counted'))"), 'more', 'until it is rotated');

# The auditor, with what he kept and without it.
my $export = write_file("$directory/export", ask($restored, "SELECT bulla.export('ledger')") . "\n");
my $checkpoint = write_file("$directory/checkpoint", $new{"'ledger'"});
my $new_key = ask($restored, "SELECT bulla.verifier_key('ledger')");
my ($status, $output) = auditor_says('export', $export, '--checkpoint', $checkpoint, '--vkey', $new_key);
is($status, 0, 'bulla-verify: the rows are proven by the new log');
like($output, qr/^restored: the checkpoint in .* is of epoch 1: /m, 'bulla-verify: and that it was restored is told');
($status, $output) = auditor_says('export', $export, '--checkpoint', $checkpoint, '--vkey', $new_key, '--vkey', $old_key, '--since', $kept);
is($status, 1, 'bulla-verify: rows that he has seen are not there');
like($output, qr/^restored: seq 1219: the first 1220 rows are not those of the checkpoint in .*The log recorded a restore since/m,
	'bulla-verify: which a restore may have lost');
($status, $output) = auditor_says('export', $export, '--checkpoint', $checkpoint, '--vkey', $old_key);
is($status, 2, 'bulla-verify: who trusts the old log only is not convinced');

# A dump of it, restored elsewhere: the epoch goes along.
$restored->command_ok([ 'pg_dump', '-Fc', '-f', "$directory/dump", '-d', $restored->connstr('postgres') ], 'dump');
my $moved = new_node('moved');
$moved->start;
$moved->command_ok([ 'pg_restore', '--exit-on-error', '-d', $moved->connstr('postgres'), "$directory/dump" ], 'restore');
is(verdicts($moved), verdicts($restored), 'moved: the same is told');
is(ask($moved, "SELECT bulla.checkpoint('ledger')"), $new{"'ledger'"}, 'moved: and shown');
is(errors_of($moved, "SELECT bulla.take_over_log('moved')"), '', 'moved: nothing was lost, so it takes over');
$moved->safe_psql('postgres', $rows);
seals_on($moved, 'moved');
is(origin_of(ask($moved, "SELECT bulla.checkpoint('ledger')")), origin_of($new{"'ledger'"}), 'moved: in the same log');
$moved->stop;
$restored->stop;

# The same backup once more, started as if it were the original. Only what somebody kept tells that it is not; with what is
# known of the first restore, its number is not used again.
my $twin = PostgreSQL::Test::Cluster->new('twin');
$twin->init_from_backup($live, 'base', standby => 0);
$twin->append_conf('postgresql.conf', "archive_mode = off\n");
$twin->start;
like(errors_of($twin, "SELECT bulla.record_restore(NULL, 'drill')"), qr/ERROR:  there is no restore to record.*HINT:  Where somebody has a newer checkpoint/s,
	'twin: it does not know of anything');
$evidence = join ', ', map { "'$_'" } $lost{"'bulla.heads'"}, $new{"'bulla.heads'"};
is($twin->safe_psql('postgres', "SELECT bulla.record_restore(NULL, 'drill', $evidence)"), '2', 'twin: a checkpoint tells, and the epoch is a new one');
$twin->safe_psql('postgres', $rows);
seals_on($twin, 'twin');
unlike(verdicts($twin), qr/\|(?!restored)[a-z_]+\|/, 'twin: sealed and sound');
like(verdicts($twin), qr/^bulla\.heads\|\|\d+\|restored\|of \d+ rows that are known to have been sealed before epoch 2, the first \d+ are here$/m,
	'twin: of bulla.heads it is told what was lost');
is(origin_of(ask($twin, "SELECT bulla.checkpoint('ledger')")), origin_of($lost{"'ledger'"}) =~ s/\/0$/\/2/r, 'twin: a third log');
$twin->stop;
done_testing();
