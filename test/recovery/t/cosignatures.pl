# Witnesses cosign checkpoints, and the database keeps what they say: the newest that is witnessed beside the newest, of
# each witness the latest, and nothing that somebody else made up. An auditor goes from the witnessed checkpoint of bulla.heads
# to every chain.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/..";
use BullaTest;
use MIME::Base64;
use PostgreSQL::Test::Utils;
use Test::More;

my $directory = PostgreSQL::Test::Utils::tempdir();
my $verifier = "$FindBin::RealBin/../bulla-verify";
my @witness = ('python3', "$FindBin::RealBin/../cosign.py");

sub run_for
{
	my ($input, @command) = @_;
	my ($output, $errors) = ('', '');
	IPC::Run::run(\@command, '<', \$input, '>', \$output, '2>', \$errors);
	return ($? >> 8, $output . $errors);
}

my $node = new_node('witnessed');
$node->append_conf('postgresql.conf', 'max_prepared_transactions = 2');
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION bulla;
	SELECT bulla.set_log_name('ledger.example.com/bulla');
	CREATE TABLE audit (n int);
	SELECT bulla.create_ledger('audit');
	INSERT INTO audit SELECT generate_series(0, 299);
	CREATE TABLE lanes (lane text NOT NULL, n int);
	SELECT bulla.create_ledger('lanes', '{lane}');
	INSERT INTO lanes SELECT 'lane ' || g % 3, g FROM generate_series(0, 29) AS g;
});
$node->safe_psql('postgres', 'CALL bulla.seal_all()');

# A statement's result, byte by byte, without the line feed that psql ends it with.
sub ask
{
	my ($query) = @_;
	my $output = '';
	IPC::Run::run([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'), '-c', $query ], '>', \$output)
	  or die "psql failed: $query";
	chomp $output;
	return $output;
}

sub cosigned
{
	my ($note, $who, $time) = @_;
	my ($status, $output) = run_for($note, @witness, 'cosign', "$who.example", $who eq 'w1' ? '5a' : '5b', $time);
	return $output;
}

# How many witnesses have cosigned it, or the error.
sub add
{
	my ($note) = @_;
	my ($code, $output, $errors) = $node->psql('postgres', "SELECT bulla.add_cosignatures('$note')");
	$errors =~ s/^.*?ERROR:\s+//;
	return $code == 0 ? $output : (split /\n/, $errors)[0];
}

sub kept
{
	return ask(q{SELECT string_agg(size || ' ' || array_to_string(witnesses, ','), '; ' ORDER BY size) FROM bulla.cosigned});
}

sub grow { return $node->safe_psql('postgres', q{INSERT INTO audit VALUES (0); CALL bulla.seal_all()}); }

my %key;
for my $who (qw(w1 w2))
{
	(undef, $key{$who}) = run_for('', @witness, 'key', "$who.example", $who eq 'w1' ? '5a' : '5b');
	chomp $key{$who};
}
my $now = time;
my $first = ask("SELECT bulla.checkpoint('bulla.heads')");
is(add(cosigned($first, 'w1', $now)), 0, 'a witness that nobody knows is passed over');
is(kept(), '', 'and nothing is kept');
$node->safe_psql('postgres', "SELECT bulla.add_witness('$_')") for values %key;
my ($size) = (split /\n/, $first)[1];

# One of two, then the other; what is newer replaces what is older.
is(add(cosigned($first, 'w1', $now - 100)), 1, 'a cosignature is kept');
is(ask("SELECT bulla.checkpoint('bulla.heads')"), cosigned($first, 'w1', $now - 100), 'and stands under the checkpoint');
is(add(cosigned($first, 'w1', $now - 50)), 1, 'a later one');
is(add(cosigned($first, 'w1', $now - 70)), 1, 'and one in between');
is(ask("SELECT bulla.checkpoint('bulla.heads')"), cosigned($first, 'w1', $now - 50), 'the latest counts');
is(ask(q{SELECT cosigned_size || ' ' || extract(epoch FROM cosigned_at)::bigint FROM bulla.witness_status WHERE witness = 'w1.example'}),
	"$size " . ($now - 50), 'as monitoring sees');
grow();
my $second = ask("SELECT bulla.checkpoint('bulla.heads')");
isnt($second, $first, 'the tree has grown');
unlike($second, qr/w1\.example/, 'nobody has cosigned the newest');
is(ask("SELECT bulla.witnessed_checkpoint('bulla.heads')"), cosigned($first, 'w1', $now - 50), 'the one before is still there');
is(ask("SELECT bulla.witnessed_checkpoint('bulla.heads', '', 2) IS NULL"), 't', 'two have cosigned none');
is(add(cosigned($first, 'w2', $now - 40)), 2, 'a cosignature of the one before comes in late');
like(ask("SELECT bulla.witnessed_checkpoint('bulla.heads', '', 2)"), qr/w1\.example.*w2\.example/s, 'now there is one of two');
like(ask("SELECT bulla.witness_request('w2.example')"), qr/^old $size\n/, 'a witness is asked from what it cosigned last');
my ($second_size) = (split /\n/, $second)[1];
is(add(cosigned($second, 'w2', $now - 30)), 1, 'the newest is cosigned');
is(kept(), "$size w1.example,w2.example; $second_size w2.example", 'what two have cosigned stays');
is(add(cosigned($second, 'w1', $now - 30)), 2, 'by both');
is(kept(), "$second_size w1.example,w2.example", 'until a newer one has both');

# What is none.
my $forged = cosigned($second, 'w1', $now) =~ s/^(— w1.{40})(.)/$1 . ($2 eq 'A' ? 'B' : 'A')/mer;
is(add($forged), 'cosignature of w1.example does not verify', 'a forged cosignature');
like(add(cosigned($second, 'w1', $now + 5000)), qr/at a time that is yet to come/, 'one of tomorrow');
like(add($second =~ s/\n\d+\n/\n1\n/r), qr/does not verify/, 'a checkpoint that the log did not sign');
like(add("$second— stranger.example AAAAAAA=\n" =~ s/(?<=\n)/\n/r), qr/malformed/, 'no checkpoint');
is(add("$second— stranger.example AAAAAAA=\n"), 2, 'lines of strangers are passed over');
unlike(ask("SELECT bulla.checkpoint('bulla.heads')"), qr/stranger/, 'and not kept');
is(kept(), "$second_size w1.example,w2.example", 'nothing has changed');

# Sealing does not wait for who brings cosignatures, nor do witnesses for each other's end to be lost.
grow();
my $third = ask("SELECT bulla.checkpoint('bulla.heads')");
my $both = cosigned($third, 'w1', $now);
$node->safe_psql('postgres', "BEGIN; SELECT bulla.add_cosignatures('$both'); PREPARE TRANSACTION 'open'");
is($node->safe_psql('postgres', "SET statement_timeout = '60s'; INSERT INTO audit VALUES (0); SELECT bulla.seal('audit') > 0; CALL bulla.seal_all()") =~ /^t/ ? 1 : 0,
	1, 'sealing goes on while a cosignature is not committed');
my $other = cosigned($third, 'w2', $now);
my $out = '';
my $waiter = IPC::Run::start(
	[ 'psql', '-XqAt', '-d', $node->connstr('postgres'), '-c', "SELECT bulla.add_cosignatures('$other')" ],
	'>', \$out, '2>', \$out, IPC::Run::timeout(120));
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE NOT granted AND relation = 'bulla.cosigned'::regclass})
  or die 'nobody waits';
$node->safe_psql('postgres', "COMMIT PREPARED 'open'");
$waiter->finish;
is($out, "2\n", 'the second of two who come at once adds to the first');

# A crash, a dump, a new key.
$node->stop('immediate');
$node->start;
like(ask("SELECT bulla.witnessed_checkpoint('bulla.heads', '', 2)"), qr/w1\.example/, 'a crash takes none of it');
$node->safe_psql('postgres', "SELECT bulla.rotate_signing_key('drill')");
is(add(cosigned($third, 'w1', $now + 1)), 'the checkpoint is not signed with the key that this log signs with',
	'an older checkpoint of the key before');
$node->safe_psql('postgres', 'CALL bulla.seal_all()');
my $heads_key = ask("SELECT bulla.verifier_key('bulla.heads')");
my $newest = ask("SELECT bulla.checkpoint('bulla.heads')");
is(add(cosigned($newest, 'w1', $now + 2)), 1, 'the next one, of the new key');

# The log is set back: what was signed then is evidence now.
$node->safe_psql('postgres', q{BEGIN; SET LOCAL bulla.restore = on;
	CREATE TABLE before AS TABLE bulla.trees; COMMIT});
grow();
my $later = ask("SELECT bulla.checkpoint('bulla.heads')");
$node->safe_psql('postgres', q{BEGIN; CREATE TABLE after AS TABLE bulla.trees; DELETE FROM bulla.trees;
	INSERT INTO bulla.trees TABLE before; COMMIT});
like(add(cosigned($later, 'w1', $now + 3)), qr/the log signed a tree of \d+ leaves that is not the one it has now/, 'a log that was set back');
my ($later_size) = (split /\n/, $later)[1];
my ($code, undef, $errors) = $node->psql('postgres', "SELECT bulla.witness_request('w1.example', $later_size)");
like($errors, qr/witness "w1.example" has seen $later_size leaves of a tree that has/, 'and that a witness knows better');
$node->safe_psql('postgres', q{BEGIN; DELETE FROM bulla.trees; INSERT INTO bulla.trees TABLE after; COMMIT});
is(add(cosigned($later, 'w1', $now + 3)), 1, 'set forth again');

# Proofs in files, as an auditor takes them.
sub keep { my ($name, $content) = @_; return write_file("$directory/$name", $content); }
sub verifies
{
	my ($status, $pattern, $name, @arguments) = @_;
	my ($got, $printed) = run_for('', $verifier, @arguments);
	is($got, $status, "$name: exit code $status") or diag($printed);
	like($printed, $pattern, "$name: and it says why");
	return;
}
my $record = keep('record', ask("SELECT bulla.row_record('bulla.heads', '', 2)"));
my $policy = keep('policy', "log $heads_key\nwitness w1 $key{w1}\nquorum w1\n");
verifies(0, qr/^shown: .*cosigned by w1/m, 'a row of a witnessed log', 'proof',
	keep('heads', ask("SELECT bulla.proof_file('bulla.heads', '', 2)")), '--record', $record, '--policy', $policy);
my $audit_key = ask("SELECT bulla.verifier_key('audit')");
verifies(0, qr/^shown: the record is the one with seq 17 of the/m, 'a row of another', 'proof',
	keep('row', ask("SELECT bulla.proof_file('audit', '', 17)")), '--record', keep('r17', ask("SELECT bulla.row_record('audit', '', 17)")),
	'--vkey', $audit_key, '--no-witness');
is((split /\n/, ask("SELECT split_part(bulla.proof_file('audit', '', 17), E'\\n\\n', 2)"))[1],
	ask(q{SELECT max(size) FROM bulla.heads WHERE ledger_id = (SELECT id FROM bulla.ledgers WHERE ledger = 'audit'::regclass)
		AND seq < (SELECT max(size) FROM bulla.cosigned)}), 'of a size that the witnessed checkpoint of bulla.heads tells');

# One witnessed checkpoint, that of bulla.heads, vouches for every chain: neither another key nor another cosignature is needed.
$ENV{PGCLIENTENCODING} = 'UTF8';
my $export = keep('audit.jsonl', ask("SELECT bulla.export('audit')") . "\n");
my $head = keep('head', ask("SELECT bulla.heads_proof('audit')"));
verifies(0, qr/^shown: the first \d+ rows of chain "" are those that \S+ tells of, cosigned by w1 at .*^proven: \d+ rows in 1 chain of public.audit/ms,
	'an export', 'export', $export, '--heads', $head, '--policy', $policy);
my @lanes = map { ('--heads', keep("lane $_", ask("SELECT bulla.heads_proof('lanes', 'lane $_')"))) } 0 .. 2;
verifies(0, qr/^proven: 30 rows in 3 chains of public.lanes/m, 'chains', 'export',
	keep('lanes.jsonl', ask("SELECT bulla.export('lanes')") . "\n"), @lanes, '--policy', $policy);
verifies(2, qr/^not anchored: chain "lane 2"/m, 'all but one of them', 'export', "$directory/lanes.jsonl", @lanes[ 0 .. 3 ], '--policy', $policy);
verifies(4, qr/is of another ledger than the export/, 'those of another ledger', 'export', $export, @lanes[ 0, 1 ], '--policy', $policy);
verifies(0, qr/^shown: the record is the one with seq 17 .*, cosigned by w1/m, 'a row', 'proof', "$directory/row", '--record', "$directory/r17",
	'--heads', $head, '--policy', $policy);
verifies(4, qr/it tells of 300 rows of .*, and the proof is of/, 'a row, and the checkpoint of another size', 'proof', "$directory/row",
	'--record', "$directory/r17", '--heads', keep('small', ask("SELECT bulla.heads_proof('audit', '', 300)")), '--policy', $policy);
verifies(2, qr/no witness is trusted/, 'without a witness', 'export', $export, '--heads', $head, '--vkey', $heads_key);
verifies(2, qr/no log that you trust has signed it/, 'of a log that nobody trusts', 'export', $export, '--heads', $head, '--vkey', $audit_key,
	'--vkey', $key{w1}, '--heads-log', (split /\+/, $heads_key)[0]);
my @two_logs = ('--vkey', $audit_key, '--vkey', $heads_key, '--vkey', $key{w1});
verifies(4, qr/--heads-log has to say/, 'two logs', 'export', $export, '--heads', $head, @two_logs);
verifies(0, qr/^proven/m, 'two logs, and which it is', 'export', $export, '--heads', $head, @two_logs, '--heads-log', (split /\+/, $heads_key)[0]);
verifies(2, qr/it is not of bulla.heads as you know it/, 'and which it is not', 'export', $export, '--heads', $head, @two_logs,
	'--heads-log', (split /\+/, $audit_key)[0]);
my $file = ask("SELECT bulla.heads_proof('audit')");
my ($extra) = $file =~ /^extra (\S+)$/m;
for (
	[ 1, qr/does not lead from the row of bulla.heads/, 'another root', sub { $_[0] =~ s/(\\x[0-9a-f]{20})(.)/$1 . ($2 eq '0' ? '1' : '0')/er } ],
	[ 1, qr/does not lead from the row of bulla.heads/, 'another ledger', sub { $_[0] =~ s/(-[0-9a-f]{11})(.)/$1 . ($2 eq '0' ? '1' : '0')/er } ],
	[ 4, qr/is of another ledger or seq than the proof/, 'another seq', sub { my $r = $_[0]; substr($r, -33, 1) ^= "\1"; $r } ],
	[ 4, qr/is no record of bulla.heads/, 'the record of something else', sub { $_[0] =~ s/chain_id/chain_if/r } ],
	[ 4, qr/is no record of bulla.heads/, 'more than a record', sub { $_[0] . 'x' } ],
	[ 4, qr/is no record of bulla.heads/, 'less than one', sub { substr($_[0], 0, -1) } ])
{
	my ($want, $pattern, $name, $change) = @$_;
	my $changed = encode_base64($change->(decode_base64($extra)), '');
	verifies($want, $pattern, $name, 'export', $export, '--heads', keep('changed', $file =~ s/^extra \S+$/extra $changed/mr), '--policy', $policy);
}
verifies(4, qr/is no record of bulla.heads/, 'no record', 'export', $export, '--heads', keep('changed', $file =~ s/^extra \S+\n//mr), '--policy', $policy);

# A superuser makes another value fit, hash by hash, and seals nothing: bulla.heads tells.
$node->safe_psql('postgres', q{BEGIN; SET LOCAL bulla.restore = on; ALTER TABLE audit DISABLE TRIGGER ALL;
	UPDATE audit SET n = 4711 WHERE seq = (SELECT max(seq) FROM audit);
	UPDATE audit SET hash = sha256('\x00'::bytea || bulla.row_record('audit', '', seq)) WHERE n = 4711; COMMIT});
verifies(1, qr/^rewritten: seq \d+: the first \d+ rows are not those/m, 'rewritten history', 'export',
	keep('rewritten.jsonl', ask("SELECT bulla.export('audit')") . "\n"), '--heads', $head, '--policy', $policy);
$node->stop;
done_testing();
