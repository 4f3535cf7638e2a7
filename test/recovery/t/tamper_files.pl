# Who can write to the server's files needs no SQL. Bytes of a row and of a tile are changed on disk while the server is
# down: bulla.verify finds them. And all its files are put back to an older copy, after checkpoints were published that it
# then does not have: it cannot know, goes on and seals, and who kept a checkpoint sees it.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/..";
use BullaTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $directory = PostgreSQL::Test::Utils::tempdir();
my $verifier = "$FindBin::RealBin/../bulla-verify";

my $node = new_node('files');
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION bulla;
	SELECT bulla.set_log_name('ledger.example.com/files');
	CREATE TABLE log (n int, what text);
	SELECT bulla.create_ledger('log');
	INSERT INTO log SELECT i, 'row ' || to_char(i, 'FM0000') FROM generate_series(0, 999) AS i;
	CALL bulla.seal_all()});

sub findings
{
	return $node->safe_psql('postgres', q{SELECT verdict, seq FROM bulla.verify('log') ORDER BY seq, verdict});
}

# Replaces these bytes, which are there once, by others, as many.
sub change_file
{
	my ($path, $old, $new) = @_;
	my $content = slurp_file($path);
	my $at = index($content, $old);
	die "not once in $path" if $at < 0 || index($content, $old, $at + 1) >= 0;
	substr($content, $at, length $old) = $new;
	open(my $file, '+<:raw', $path) or die $!;
	print $file $content;
	close($file);
	return;
}

sub is_found
{
	my ($name, $table, $old, $new, $findings) = @_;
	my $path = $node->data_dir . '/' . $node->safe_psql('postgres', "SELECT pg_relation_filepath($table)");
	$node->stop;
	change_file($path, $old, $new);
	$node->start;
	is(findings(), $findings, "$name: found, and where");
	$node->stop;
	change_file($path, $new, $old);
	$node->start;
	is(findings(), '', "$name: put right again");
	return;
}

my $leaf = pack('H*', $node->safe_psql('postgres', "SELECT encode(hash, 'hex') FROM log WHERE seq = 513"));
my $other = join('', map { chr(255 - ord) } split //, $leaf);
is_found('a value', "'log'", 'row 0700', 'row 9999', 'altered|700');
# Full tiles are stored out of line.
is_found('a tile', "(SELECT reltoastrelid FROM pg_class WHERE oid = 'bulla.tiles'::regclass)", $leaf, $other, "rewritten|513\nrewritten|");

# A statement's result, byte by byte, in a file.
sub keep
{
	my ($name, $query) = @_;
	my $output = '';
	IPC::Run::run([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'), '-c', $query ], '>', \$output)
	  or die "psql failed: $query";
	# psql ends what it prints with a line feed of its own.
	$output =~ s/\n\z// if $name =~ /checkpoint/;
	return write_file("$directory/$name", $output);
}

sub append_and_seal
{
	my ($what, $rows) = @_;
	$node->safe_psql('postgres', "INSERT INTO log SELECT i, '$what' FROM generate_series(1, $rows) AS i");
	return $node->safe_psql('postgres', "SELECT bulla.seal('log')");
}

my @trust = ('--vkey', $node->safe_psql('postgres', "SELECT bulla.verifier_key('log')"), '--no-witness');
sub verifies
{
	my ($status, $pattern, $name, @arguments) = @_;
	my ($output, $errors) = ('', '');
	IPC::Run::run([ $verifier, @arguments, @trust ], '>', \$output, '2>', \$errors);
	is($? >> 8, $status, "$name: exit code $status") or diag($output, $errors);
	like($output . $errors, $pattern, "$name: and it says why");
	return;
}

$node->stop;
system_or_bail('cp', '-a', $node->data_dir, "$directory/files");
$node->start;
is(append_and_seal('lost', 100), 1100, 'rows that will be lost');
my $published = keep('checkpoint', "SELECT bulla.checkpoint('log')");
verifies(0, qr/^proven: 1100 rows/m, 'before', 'export', keep('before', "SELECT bulla.export('log')"), '--checkpoint', $published);

$node->stop;
system_or_bail('rm', '-rf', $node->data_dir);
system_or_bail('cp', '-a', "$directory/files", $node->data_dir);
$node->start;
is(findings(), '', 'put back to older files: the server itself cannot know');
verifies(1, qr/^truncated: seq 1000: .*the last 100 are missing/m, 'put back to older files', 'export',
	keep('older', "SELECT bulla.export('log')"), '--checkpoint', $published);
is(append_and_seal('another', 200), 1200, 'put back and gone on: it seals the same numbers again');
my $next = keep('next checkpoint', "SELECT bulla.checkpoint('log')");
my $proof = keep('proof', q{SELECT encode(h, 'base64') FROM unnest(bulla.consistency_proof('log', '', 1100, 1200))
	WITH ORDINALITY AS p(h, n) ORDER BY n});
verifies(1, qr/^rewritten: seq 1099: the first 1100 rows are not those of the checkpoint/m, 'put back and gone on', 'export',
	keep('after', "SELECT bulla.export('log')"), '--checkpoint', $published);
verifies(1, qr/^not consistent: /m, 'put back and gone on, checkpoints alone', 'consistency', $published, $next, $proof);
$node->stop;
done_testing();
