# Checkpoints that left the database, and whether they are still true: each is compared with the root that RFC 6962
# defines over the hashes that are in its ledger now, computed here.
package PublishedNotes;

use strict;
use warnings;
use BullaTest;
use Digest::SHA qw(sha256);
use Exporter 'import';
use LedgerLoad;
use Test::More;

our @EXPORT = qw(start_sealers collect_notes newest_notes stay_true seals_on);

# Clients that seal and publish, each at another isolation level: a load, as those of LedgerLoad.
sub start_sealers
{
	my ($node) = @_;
	return start_load($node, clients => 3, kinds => ['publish']);
}

# Adds what the load published to `notes`, "ledger,chain" => { size => root }: one test, that nobody was told of two
# roots for one size.
sub collect_notes
{
	my ($notes, $load, $name) = @_;
	my @contradictions;
	for my $line (told($load, 'note'))
	{
		my ($ledger, $chain, $root) = split /,/, $line->[0], -1;
		my $size = $line->[2];
		my $known = $notes->{"$ledger,$chain"}{$size} //= $root;
		push @contradictions, "$ledger,$chain:$size" if $known ne $root;
	}
	is("@contradictions", '', "$name: no two checkpoints contradict each other");
	return;
}

# Every chain of the server: "ledger,chain" => [ hash of seq 0, of seq 1, … ].
sub hashes_of
{
	my ($node) = @_;
	my %chains;
	my $rows = $node->safe_psql('postgres', q{
		SELECT 'ledger', '', seq, encode(hash, 'hex') FROM ledger
		UNION ALL SELECT 'lanes', lane::text, seq, encode(hash, 'hex') FROM lanes
		UNION ALL SELECT 'parts', '', seq, encode(hash, 'hex') FROM parts
		UNION ALL SELECT 'bulla.events', '', seq, encode(hash, 'hex') FROM bulla.events
		UNION ALL SELECT 'bulla.heads', '', seq, encode(hash, 'hex') FROM bulla.heads});
	for (split /\n/, $rows)
	{
		my ($ledger, $chain, $seq, $hash) = split /\|/;
		$chains{"$ledger,$chain"}[$seq] = pack('H*', $hash);
	}
	return %chains;
}

sub parent_of { return sha256("\x01$_[0]$_[1]"); }

# The roots at these sizes, as far as there are leaves: complete subtrees wait in a stack for one of their size.
sub roots_of
{
	my ($leaves, @sizes) = @_;
	my (@subtrees, %roots);
	my %wanted = map { ($_ => 1) } @sizes;
	for my $size (1 .. @$leaves)
	{
		my $hash = $leaves->[ $size - 1 ] // last;
		for (my $rest = $size; $rest % 2 == 0; $rest /= 2)
		{
			$hash = parent_of(pop @subtrees, $hash);
		}
		push @subtrees, $hash;
		next if !$wanted{$size};
		my $root = $subtrees[-1];
		$root = parent_of($_, $root) for reverse @subtrees[ 0 .. $#subtrees - 1 ];
		$roots{$size} = unpack('H*', $root);
	}
	return %roots;
}

# All that is not so: "ledger,chain:size".
sub untrue
{
	my ($chains, $notes) = @_;
	my @untrue;
	for my $chain (sort keys %$notes)
	{
		my %roots = roots_of($chains->{$chain} // [], keys %{ $notes->{$chain} });
		push @untrue, map { "$chain:$_" } grep { ($roots{$_} // '') ne $notes->{$chain}{$_} } sort keys %{ $notes->{$chain} };
	}
	return "@untrue";
}

# What a query says of trees, as notes.
sub notes_of
{
	my ($node, $query) = @_;
	my %notes;
	for (split /\n/, $node->safe_psql('postgres', $query))
	{
		my ($ledger, $chain, $size, $root) = split /\|/;
		$notes{"$ledger,$chain"}{$size} = $root;
	}
	return %notes;
}

# The newest checkpoint of every chain.
sub newest_notes
{
	my ($node) = @_;
	return notes_of($node, q{SELECT l.ledger, t.chain, split_part(n.note, E'\n', 2),
			encode(decode(split_part(n.note, E'\n', 3), 'base64'), 'hex')
		FROM bulla.trees AS t JOIN bulla.ledgers AS l ON l.id = t.ledger_id, bulla.checkpoint(l.ledger, t.chain) AS n (note)});
}

# What was published is true of what is there, and so is every row of bulla.heads: three tests.
sub stay_true
{
	my ($node, $notes, $name) = @_;
	my %chains = hashes_of($node);
	cmp_ok(scalar(map { keys %$_ } values %$notes), '>=', 7, "$name: checkpoints were published");
	is(untrue(\%chains, $notes), '', "$name: all of them are of the rows that are there");
	my %heads = notes_of($node, q{SELECT l.ledger, t.chain, h.size, encode(h.root, 'hex') FROM bulla.heads AS h
		JOIN bulla.trees AS t USING (ledger_id, chain_id, epoch) JOIN bulla.ledgers AS l ON l.id = h.ledger_id});
	is(untrue(\%chains, \%heads), '', "$name: and so are the rows of bulla.heads");
	return;
}

# Sealing takes in every row there is, and signs the right roots: three tests.
sub seals_on
{
	my ($node, $name) = @_;
	my ($code, $output, $errors) = $node->psql('postgres', q{SET statement_timeout = '60s'; CALL bulla.seal_all()});
	is($errors, '', "$name: sealing goes on");
	my %chains = hashes_of($node);
	my %newest = newest_notes($node);
	is(join(' ', map { "$_:" . join(',', keys %{ $newest{$_} }) } sort keys %newest),
		join(' ', map { "$_:" . @{ $chains{$_} } } sort keys %chains), "$name: every row of every chain is in a tree");
	is(untrue(\%chains, \%newest), '', "$name: with the right root");
	return;
}

1;
