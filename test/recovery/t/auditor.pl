# An auditor with bulla-verify, an export and 200 bytes sees what a superuser did to the ledger: each kind of change, done
# in the database with its triggers disabled, exported as it then is, and held against the checkpoint from before. What
# he was given is judged too: who signed it, what it is of, how old it is, whether it is whole.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/..";
use BullaTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $directory = PostgreSQL::Test::Utils::tempdir();
my $verifier = "$FindBin::RealBin/../bulla-verify";
my @witness = ('python3', "$FindBin::RealBin/../cosign.py");
$ENV{PGCLIENTENCODING} = 'UTF8';

sub run_for
{
	my ($input, @command) = @_;
	my ($output, $errors) = ('', '');
	IPC::Run::run(\@command, '<', \$input, '>', \$output, '2>', \$errors);
	return ($? >> 8, $output . $errors);
}

sub keep
{
	my ($name, $content) = @_;
	return write_file("$directory/$name", $content);
}

my $node = new_node('audited');
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION bulla;
	SELECT bulla.set_log_name('ledger.example.com/bulla');
	CREATE TABLE audit (id int, who text, note text, ip inet);
	SELECT bulla.create_ledger('audit', erasable => '{ip}');
	INSERT INTO audit SELECT g, 'alice', 'note ' || g || E' "\n\\ü', CASE WHEN g % 3 = 0 THEN ('192.0.2.' || g % 200)::inet END
	FROM generate_series(0, 299) AS g;
	SELECT bulla.erase('audit', '', 30, '{ip}', 'asked for');
	CREATE TABLE lanes (lane text NOT NULL, n int);
	SELECT bulla.create_ledger('lanes', '{lane}');
	INSERT INTO lanes SELECT 'lane ' || g % 3, g FROM generate_series(0, 29) AS g;
	CREATE TABLE sound AS TABLE audit;
	CREATE FUNCTION rechain(from_seq bigint) RETURNS void LANGUAGE plpgsql AS $$
	DECLARE
		one bigint;
	BEGIN
		FOR one IN SELECT seq FROM audit WHERE seq >= from_seq ORDER BY seq LOOP
			UPDATE audit AS a SET prev_hash = coalesce((SELECT hash FROM audit AS b WHERE b.seq = a.seq - 1),
				decode(repeat('00', 32), 'hex')) WHERE a.seq = one;
			UPDATE audit SET hash = sha256('\x00'::bytea || bulla.row_record('audit', '', one)) WHERE seq = one;
		END LOOP;
	END $$;
});

# A statement's result, byte by byte: checkpoints and exports are more than one line.
sub ask
{
	my ($query) = @_;
	my ($output) = ('');
	IPC::Run::run([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'), '-c', $query ], '>', \$output)
	  or die "psql failed: $query";
	return $output;
}

# psql ends what it prints with a line feed of its own.
sub checkpoint
{
	my ($arguments) = @_;
	$node->safe_psql('postgres', "SELECT bulla.seal($arguments)");
	my $note = ask("SELECT bulla.checkpoint($arguments)");
	chomp $note;
	return $note;
}

sub cosigned
{
	my ($note, $time) = @_;
	my ($status, $output) = run_for($note, @witness, 'cosign', 'witness.example.com/w1', '5a', $time // time);
	return $output;
}

my $earlier = keep('earlier', checkpoint("'audit'"));
$node->safe_psql('postgres', "INSERT INTO audit SELECT g, 'bob', 'later' FROM generate_series(300, 399) AS g;
	DROP TABLE sound; CREATE TABLE sound AS TABLE audit");
my $note = checkpoint("'audit'");
my $checkpoint = keep('checkpoint', cosigned($note));
my $log_key = $node->safe_psql('postgres', "SELECT bulla.verifier_key('audit')");
my (undef, $witness_key) = run_for('', @witness, 'key', 'witness.example.com/w1', '5a');
chomp $witness_key;
my @trust = ('--vkey', $log_key, '--vkey', $witness_key);
my $export = keep('audit.jsonl', ask("SELECT bulla.export('audit')"));

sub verifies
{
	my ($status, $pattern, $name, @arguments) = @_;
	my ($got, $printed) = run_for('', $verifier, @arguments);
	is($got, $status, "$name: exit code $status") or diag($printed);
	like($printed, $pattern, "$name: and it says why");
	return;
}

verifies(0, qr/^shown: the first 400 rows of chain "" are those that \S+ signed, cosigned by witness.example.com\/w1 at .*^proven: 400 rows in 1 chain of public.audit/ms,
	'sound', 'export', $export, '--checkpoint', $checkpoint, @trust);
verifies(0, qr/^proven:/m, 'an earlier checkpoint', 'export', $export, '--checkpoint', $checkpoint, '--since', $earlier, @trust);
verifies(0, qr/^proven:/m, 'a policy', 'export', $export, '--checkpoint', $checkpoint, '--policy',
	keep('policy', "log $log_key\nwitness w1 $witness_key\nquorum w1\n"));
verifies(2, qr/^not anchored: .*who rewrote all of them would not be seen/m, 'no checkpoint', 'export', $export, @trust);
verifies(2, qr/no witness is trusted/, 'no witness', 'export', $export, '--checkpoint', $checkpoint, '--vkey', $log_key);
verifies(0, qr/^proven:/m, 'without a witness', 'export', $export, '--checkpoint', $checkpoint, '--vkey', $log_key,
	'--no-witness');
my $lane_key = $node->safe_psql('postgres', "SELECT bulla.seal('lanes', 'lane 1') > 0, bulla.verifier_key('lanes', 'lane 1')");
$lane_key =~ s/^t\|//;
verifies(2, qr/fits, and proves nothing: no log that you trust has signed it/, 'the key of another log', 'export', $export,
	'--checkpoint', $checkpoint, '--vkey', $lane_key, '--vkey', $witness_key);
verifies(3, qr/^stale: .*older than you allow/m, 'an old cosignature', 'export', $export, '--checkpoint',
	keep('old', cosigned($note, time - 1000)), @trust, '--max-age', 500);
verifies(0, qr/^proven:/m, 'old enough', 'export', $export, '--checkpoint', "$directory/old", @trust, '--max-age', 5000);
verifies(1, qr/^forged: /m, 'a forged signature', 'export', $export, '--checkpoint',
	keep('forged', cosigned($note) =~ s/^(\S+ witness\S* .{30})(.)/$1 . ($2 eq 'A' ? 'B' : 'A')/mer), @trust);
my $lane = keep('lane', cosigned(checkpoint("'lanes', 'lane 1'")));
verifies(4, qr/^wrong origin: .* is of another ledger than the export/m, 'the checkpoint of another ledger', 'export', $export,
	'--checkpoint', $lane, @trust);
verifies(4, qr/malformed/, 'no checkpoint at all', 'export', $export, '--checkpoint', $export, @trust);
verifies(4, qr/No such file/, 'a file that is not there', 'export', "$directory/nothing");
verifies(5, qr/--unknown|not expected/, 'an option that is not there', 'export', $export, '--unknown');
verifies(5, qr/subcommand/i, 'nothing to do');

# Through a pipe, and for programs.
my $whole = slurp_file($export);
my ($status, $printed) = run_for($whole, $verifier, 'export', '-', '--checkpoint', $checkpoint, @trust, '--json');
is($status, 0, 'through a pipe: exit code 0');
like($printed, qr/"outcome": "proven",\s+"exitCode": 0/, 'as JSON');

# It tells how far it is where it is asked to, and takes that away at the end.
($status, $printed) = run_for('', 'python3', "$FindBin::RealBin/../progress.py", $export, $verifier, 'export', '-', '--progress', '--checkpoint',
	$checkpoint, @trust);
is($status, 0, 'with progress: exit code 0');
like($printed, qr/^\\rbulla-verify: \d+ rows\\e\[K.*\\r\\e\[K$/s, 'with progress: it tells how far it is');

# The file, changed behind its own digest.
my @lines = split /^/, $whole;
for (
	[ 4, qr/it was cut off/, 'cut behind a line', join('', @lines[ 0 .. 99 ]) ],
	[ 4, qr/it was cut off/, 'cut within a line', substr($whole, 0, length($whole) - 20) ],
	[ 4, qr/it was cut off/, 'nothing in it', '' ],
	[ 1, qr/^missing: seq 41: /m, 'a row left out', join('', @lines[ 0 .. 41, 43 .. $#lines ]) ],
	[ 1, qr/^misplaced: seq 41: /m, 'a row twice', join('', @lines[ 0 .. 42, 42 .. $#lines ]) ],
	[ 1, qr/^altered: seq 17: its columns do not have this hash/m, 'a value', $whole =~ s/note 17 /note 71 /r ],
	[ 1, qr/^altered: seq 27: column "ip" is not what was committed to/m, 'an erasable value',
		$whole =~ s/"192\.0\.2\.27"/"192.0.2.72"/r ],
	[ 1, qr/^altered: .*cannot be|^altered: seq 0: /m, 'the id of the ledger', $whole =~ s/("ledgerId":")(.)/$1 . ($2 eq '0' ? '1' : '0')/er ],
	[ 1, qr/^miscounted: the file is not the one that was exported/m, 'its name', $whole =~ s/public\.audit/public.audio/r ])
{
	my ($want, $pattern, $name, $content) = @$_;
	verifies($want, $pattern, "the file: $name", 'export', keep('changed.jsonl', $content), '--checkpoint', $checkpoint, @trust);
}

# The database. Everything the superuser exports after that fits together, but for what is told here.
sub tampered
{
	my ($status, $pattern, $name, $change) = @_;
	$node->safe_psql('postgres', "BEGIN; SET LOCAL bulla.restore = on; ALTER TABLE audit DISABLE TRIGGER ALL; $change; COMMIT");
	my $file = keep('tampered.jsonl', ask("SELECT bulla.export('audit')"));
	verifies($status, $pattern, "the database: $name", 'export', $file, '--checkpoint', $checkpoint, @trust);
	$node->safe_psql('postgres', "BEGIN; DELETE FROM audit; INSERT INTO audit SELECT * FROM sound; COMMIT");
	return;
}
tampered(1, qr/^altered: seq 20: its columns do not have this hash/m, 'a value', "UPDATE audit SET who = 'mallory' WHERE seq = 20");
tampered(1, qr/^altered: seq 20: .*^relinked: seq 21: /ms, 'a hash', "UPDATE audit SET hash = sha256('') WHERE seq = 20");
tampered(1, qr/^relinked: seq 21: /m, 'a value and its hash', "UPDATE audit SET who = 'mallory' WHERE seq = 20;
	UPDATE audit SET hash = sha256('\\x00'::bytea || bulla.row_record('audit', '', 20)) WHERE seq = 20");
tampered(1, qr/^rewritten: seq 399: the first 400 rows are not those of the checkpoint/m, 'every hash from a row on',
	"UPDATE audit SET who = 'mallory' WHERE seq = 20; SELECT rechain(20)");
tampered(1, qr/^rewritten: seq 399: /m, 'every hash from the first row on',
	"UPDATE audit SET who = 'mallory' WHERE seq = 0; SELECT rechain(0)");
tampered(1, qr/^missing: seq 20: /m, 'a row deleted', 'DELETE FROM audit WHERE seq = 20');
tampered(1, qr/^truncated: seq 399: .*ends with seq 398/m, 'a row deleted, the others drawn up and chained',
	'DELETE FROM audit WHERE seq = 20; UPDATE audit SET seq = -seq WHERE seq > 20; UPDATE audit SET seq = -seq - 1 WHERE seq < 0;
	SELECT rechain(20)');
tampered(1, qr/^rewritten: seq 399: /m, 'a row put in, and the last taken out',
	"DELETE FROM audit WHERE seq = 399; UPDATE audit SET seq = -seq WHERE seq >= 20; UPDATE audit SET seq = -seq + 1 WHERE seq < 0;
	INSERT INTO audit SELECT (jsonb_populate_record(s, '{\"seq\": 20, \"who\": \"mallory\"}')).* FROM sound AS s WHERE seq = 18;
	SELECT rechain(20)");
tampered(1, qr/^truncated: seq 399: /m, 'the last row deleted', 'DELETE FROM audit WHERE seq = 399');
tampered(1, qr/^truncated: seq 100: .*the last 300 are missing/m, 'the last 300 rows deleted', 'DELETE FROM audit WHERE seq >= 100');
tampered(2, qr/^not compared: seq 1: /m, 'the first row deleted', 'DELETE FROM audit WHERE seq = 0');
tampered(1, qr/^altered: seq 30: column "ip" is neither erased nor there/m, 'an erased value made up',
	"UPDATE audit SET ip = '192.0.2.99' WHERE seq = 30");
tampered(0, qr/^proven:/m, 'nothing', 'SELECT 1');

# One row, with what leads from it to the checkpoint; and a checkpoint that has grown.
my $hashes = $node->safe_psql('postgres', q{SELECT string_agg(encode(h, 'base64'), E'\n' ORDER BY n)
	FROM unnest(bulla.inclusion_proof('audit', '', 123)) WITH ORDINALITY AS p(h, n)});
my $proof = keep('tlog-proof', "c2sp.org/tlog-proof\@v1\nindex 123\n$hashes\n\n" . cosigned($note));
my $record = keep('record', ask("SELECT bulla.row_record('audit', '', 123)"));
verifies(0, qr/^shown: the record is the one with seq 123 of the 400 that .*^proven:/ms, 'a row', 'proof', $proof, '--record', $record, @trust);
verifies(0, qr/^proven:/m, 'its hash', 'proof', $proof, '--hash',
	$node->safe_psql('postgres', "SELECT encode(hash, 'hex') FROM audit WHERE seq = 123"), @trust);
verifies(1, qr/^wrong origin: seq 124: /m, 'another row', 'proof', $proof, '--record',
	keep('other', ask("SELECT bulla.row_record('audit', '', 124)")), @trust);
verifies(1, qr/^not included: seq 123: /m, 'another hash', 'proof', $proof, '--hash', '0' x 64, @trust);
verifies(2, qr/proves nothing: no witness is trusted/, 'a row without a witness', 'proof', $proof, '--record', $record, '--vkey', $log_key);
verifies(5, qr/--record/, 'a proof of nothing', 'proof', $proof, @trust);
my $growth = keep('growth', $node->safe_psql('postgres', q{SELECT string_agg(encode(h, 'base64'), E'\n' ORDER BY n)
	FROM unnest(bulla.consistency_proof('audit', '', 300)) WITH ORDINALITY AS p(h, n)}) . "\n");
verifies(0, qr/^shown: the 400 rows that .* signed begin with the 300 of the older checkpoint.*^proven:/ms,
	'a checkpoint that has grown', 'consistency', $earlier, $checkpoint, $growth, @trust);
verifies(1, qr/^truncated: .*covers 300 rows/m, 'one that has shrunk', 'consistency', $checkpoint, $earlier, $growth, @trust);
verifies(1, qr/^not consistent: /m, 'a proof of something else', 'consistency', $earlier, $checkpoint,
	keep('hashes', "$hashes\n"), @trust);

# Chains are anchored one by one.
my $lanes = keep('lanes.jsonl', ask("SELECT bulla.export('lanes')"));
my @lane_trust = ('--vkey', $lane_key, '--vkey', $witness_key);
verifies(2, qr/^not anchored: chain "lane 0": .*and so for 1 more chains/m, 'one chain of three', 'export', $lanes, '--checkpoint', $lane, @lane_trust);
verifies(0, qr/^proven: 10 rows in 1 chain of public.lanes/m, 'the chain alone', 'export',
	keep('lane.jsonl', ask("SELECT bulla.export('lanes', 'lane 1')")), '--checkpoint', $lane, @lane_trust);
$node->safe_psql('postgres', "BEGIN; SET LOCAL bulla.restore = on; ALTER TABLE lanes DISABLE TRIGGER ALL;
	DELETE FROM lanes WHERE lane = 'lane 1'; COMMIT");
verifies(1, qr/^truncated: .*and the export has none of it/m, 'a whole chain deleted', 'export',
	keep('lanes.jsonl', ask("SELECT bulla.export('lanes')")), '--checkpoint', $lane, @lane_trust);
$node->stop;
done_testing();
