# Copies of a database that seals: a dump restored elsewhere, a database made from it as a template. They have its trees
# and show its checkpoints, and sign nothing; who says that the copy is in charge goes on with the same trees.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/..";
use BullaTest;
use LedgerLoad;
use PostgreSQL::Test::Utils;
use PublishedNotes;
use Test::More;

my $directory = PostgreSQL::Test::Utils::tempdir();
my $more = q{
	INSERT INTO ledger SELECT 1, g, 'row' FROM generate_series(1, 600) AS g;
	INSERT INTO lanes SELECT g % 3, 1, g FROM generate_series(1, 900) AS g;
	INSERT INTO parts SELECT 1, g FROM generate_series(1, 70) AS g;};
my $old = new_node('old');
$old->start;
make_ledgers($old);
$old->safe_psql('postgres', "SELECT bulla.set_log_name('example.com/copies')");
for (1 .. 3)
{
	$old->safe_psql('postgres', $more);
	seals_on($old, "before, $_");
}
# Rows that are in no tree yet go along.
$old->safe_psql('postgres', $more);

# Every checkpoint, and what else has to be the same in a copy.
my $checkpoints = q{SELECT l.ledger::text, t.chain, bulla.checkpoint(l.ledger, t.chain), bulla.verifier_key(l.ledger, t.chain)
	FROM bulla.trees AS t JOIN bulla.ledgers AS l ON l.id = t.ledger_id ORDER BY 1, 2};
my $proofs = q{SELECT bulla.inclusion_proof('ledger', '', seq), bulla.consistency_proof('ledger', '', seq + 1)
	FROM generate_series(0, 1799, 37) AS seq};
sub contents
{
	my ($node) = @_;
	return join "\n", $node->safe_psql('postgres', "$checkpoints; $proofs"), map {
		$node->safe_psql('postgres', "SELECT count(*), md5(string_agg(t::text, ' ' ORDER BY t::text COLLATE \"C\")) FROM $_ AS t")
	} 'bulla.log', 'bulla.trees', 'bulla.tiles', 'bulla.heads';
}
my $before = contents($old);
my %notes = newest_notes($old);

sub is_refused
{
	my ($errors, $name) = @_;
	like($errors, qr/ERROR:  checkpoints of log "example\.com\/copies" are another server's to sign/, "$name: refused");
	like($errors, qr/HINT:  A copy must not sign\./, "$name: with a hint");
	return;
}

for my $format ('plain', 'custom')
{
	my $dump = "$directory/dump.$format";
	$old->command_ok([ 'pg_dump', "-F$format", '-f', $dump, '-d', $old->connstr('postgres') ], "$format: dump");
	my $new = new_node("new_$format", preload => $format eq 'plain' ? 1 : 0);
	$new->start;
	my @restore = $format eq 'plain' ? ('psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', $dump) : ('pg_restore', '--exit-on-error', $dump);
	$new->command_ok([ @restore, '-d', $new->connstr('postgres') ], "$format: restore");
	is(contents($new), $before, "$format: trees, tiles, checkpoints and proofs came along");
	is_refused(errors_of($new, "SELECT $_"), "$format, $_")
	  for "bulla.seal('ledger')", "bulla.seal('bulla.heads')", "bulla.rotate_signing_key('drill')";
	is(contents($new), $before, "$format: nothing changed by that");
	is(errors_of($new, "SELECT bulla.take_over_log('moved, the old server is switched off')"), '', "$format: it takes over");
	seals_on($new, $format);
	stay_true($new, \%notes, $format);
	$new->safe_psql('postgres', $more);
	seals_on($new, "$format, more rows");
	is($new->safe_psql('postgres', 'SELECT count(*) = count(DISTINCT origin) AND max(epoch) = 0 FROM bulla.trees'), 't',
		"$format: in the same trees");
	is_sound($new, $_, "$format: $_ verifies") for 'ledger', 'lanes', 'parts', 'bulla.heads', 'bulla.events';
	$new->stop;
}

# A database made from another, on the same server.
$old->safe_psql('template1', 'CREATE DATABASE copy TEMPLATE postgres');
my ($code, $output, $errors) = $old->psql('copy', "SELECT bulla.seal('ledger')");
is_refused($errors, 'template');
is($old->safe_psql('copy', $checkpoints), $old->safe_psql('postgres', $checkpoints), 'template: it shows what was signed');
seals_on($old, 'template: the original');
$old->stop;
done_testing();
