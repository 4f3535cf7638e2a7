# A standby takes over while many clients append. With synchronous replication all that was acknowledged is there,
# without it a tail may be gone; either way the chain goes on without a fork, and the old primary, rewound, follows.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/..";
use BullaTest;
use LedgerLoad;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = new_node('a', allows_streaming => 1, settings => join("\n", $LedgerLoad::settings, 
	'wal_log_hints = on', 'wal_keep_size = 1GB', 'max_prepared_transactions = 20',
	'wal_retrieve_retry_interval = 200ms'));
$primary->start;
make_ledgers($primary);
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('b');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;

sub wait_for_standbys
{
	my ($node, $names) = @_;
	return set_settings($node, synchronous_standby_names => $names) if $node->{_pid};
	$node->append_conf('postgresql.conf', "synchronous_standby_names = '$names'\n");
	return;
}

my $rows = "SELECT 'ledger', '', seq, hash FROM ledger UNION ALL SELECT 'lanes', lane::text, seq, hash FROM lanes
	UNION ALL SELECT 'parts', '', seq, hash FROM parts";
# Every chain of the server, chain => [ hash of seq 0, of seq 1, … ].
sub chains
{
	my ($node) = @_;
	my %chains;
	for my $row (split /\n/, $node->safe_psql('postgres', $rows))
	{
		my ($ledger, $chain, $seq, $hash) = split /\|/, $row;
		$chains{"$ledger $chain"}[$seq] = $hash;
	}
	return %chains;
}

# Whether each chain of the one begins with that of the other, or is its beginning; and the rows that only the
# second has.
sub compare
{
	my ($one, $other) = @_;
	my ($forks, $beyond) = (0, 0);
	for my $chain (keys %$other)
	{
		for my $seq (0 .. $#{ $other->{$chain} })
		{
			my $hash = ($one->{$chain} // [])->[$seq];
			if (!defined $hash) { $beyond++; }
			elsif ($hash ne $other->{$chain}[$seq]) { $forks++; }
		}
	}
	return ($forks, $beyond);
}

# The primary is gone, the standby takes its place. The old one is looked at, rewound, and follows; they change names.
sub take_over
{
	my ($name) = @_;
	wait_for_standbys($standby, '');
	$standby->promote;
	ok(poll(sub { answers($standby) && $standby->safe_psql('postgres', 'SELECT pg_is_in_recovery()') eq 'f' }), "$name: the standby is promoted");
	my %promoted = chains($standby);

	# The old primary, alone: what it has beyond the other was never acknowledged, or replication was not synchronous.
	wait_for_standbys($primary, '');
	$primary->start;
	my %old = chains($primary);
	my ($forks, $beyond) = compare(\%promoted, \%old);
	is($forks, 0, "$name: where the old primary and the new one both have a row it is the same");
	is_sound($primary, $_, "$name: the old primary's $_ verifies") for ('ledger', 'lanes', 'parts');
	$primary->stop;
	return ($beyond, \%old);
}

sub rewind
{
	my ($name, $loads) = @_;
	my $path = $primary->data_dir . '/postgresql.conf';
	my $configuration = slurp_file($path);
	# pg_rewind reads the new timeline from the control file.
	$standby->safe_psql('postgres', 'CHECKPOINT');
	my ($output, $errors) = run_command([ 'pg_rewind', '--target-pgdata', $primary->data_dir, '--no-sync',
			'--source-server', $standby->connstr('postgres') ]);
	like($errors, qr/Done!/, "$name: the old primary is rewound") or die 'it cannot follow';
	open(my $file, '>', $path) or die $!;
	print $file $configuration;
	close($file);
	$primary->enable_streaming($standby);
	$primary->start;
	($primary, $standby) = ($standby, $primary);
	$primary->wait_for_catchup($standby->name);
	is_sound($standby, $_, "$name: on the rewound server $_ verifies") for ('ledger', 'lanes', 'parts');
	is($standby->safe_psql('postgres', "SELECT md5(string_agg(r::text, ' ' ORDER BY r::text)) FROM ($rows) AS r"),
		$primary->safe_psql('postgres', "SELECT md5(string_agg(r::text, ' ' ORDER BY r::text)) FROM ($rows) AS r"),
		"$name: and is as on the new primary");
	return;
}

my @loads;
for my $round (1 .. rounds(2, 0.1))
{
	my $name = "synchronous, round $round";
	wait_for_standbys($primary, '*');
	# Without the client that releases its chain late: that would hold it until the standby answers.
	push @loads, start_load($primary, clients => 8);
	appends_on($loads[-1], $name);

	# Without its standby the primary goes on appending and tells nobody.
	kill_server($standby);
	my $stuck = "SELECT count(*) = 8 FROM pg_stat_activity WHERE application_name ~ '^load_' AND wait_event = 'SyncRep'";
	ok($primary->poll_query_until('postgres', $stuck), "$name: without the standby commits wait");
	my $told = told($loads[-1], 'ack');
	is($primary->safe_psql('postgres', qq{
			SET synchronous_commit = local;
			INSERT INTO ledger VALUES (-1, 0, 'local') RETURNING 'appended'}), 'appended', "$name: but not for a chain");
	is(scalar(told($loads[-1], 'ack')), $told, "$name: nobody was told of a commit");
	$standby->start;
	appends_on($loads[-1], "$name: the standby is back");

	my $wanted = told($loads[-1], 'ack') + 200 + int(rand(300));
	ok(poll(sub { told($loads[-1], 'ack') >= $wanted }), "$name: many appends are acknowledged");
	kill_server($primary);
	stop_load($loads[-1], $name);
	my ($beyond, $old) = take_over($name);
	note("$name: the old primary had $beyond rows more, of which nobody was told");
	keeps_its_word($standby, \@loads, $name);
	rewind($name);
	progress("round $round: " . told($loads[-1], 'ack') . ' rows acknowledged, all are on the new primary');
}
wait_for_standbys($primary, '');

# Asynchronous replication: what the standby had not received is gone, acknowledged or not. The chain goes on from
# what there is, and only who kept a head of the old one sees that another was meant.
$primary->wait_for_catchup($standby->name);
$standby->stop;
$primary->safe_psql('postgres', "INSERT INTO ledger SELECT -1, 0, 'acknowledged' FROM generate_series(1, 10)");
kill_server($primary);
$standby->start;
my ($beyond, $old) = take_over('asynchronous');
is($beyond, 10, 'asynchronous: acknowledged rows are gone');
is_sound($standby, 'ledger', 'asynchronous: what is there verifies');
my $length = @{ $old->{'ledger '} };
is($standby->safe_psql('postgres', "INSERT INTO ledger VALUES (-1, 0, 'another') RETURNING seq"), $length - 10,
	'asynchronous: the chain goes on with the first seq that was lost');
my %new = chains($standby);
isnt($new{'ledger '}[ $length - 10 ], $old->{'ledger '}[ $length - 10 ], 'asynchronous: which a head that was kept contradicts');
rewind('asynchronous');
is($primary->safe_psql('postgres', "SELECT count(*) FROM ledger WHERE note = 'acknowledged'"), '0', 'asynchronous: what only the old primary had is nowhere');
$_->stop for $standby, $primary;
done_testing();
