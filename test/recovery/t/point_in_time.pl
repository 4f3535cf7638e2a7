# A backup taken under load, and what is restored from it and the archive of the log: as of a moment, on a new timeline.
# All that was acknowledged before that moment is there, the chains verify and go on.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/..";
use BullaTest;
use LedgerLoad;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes;

my $node = PostgreSQL::Test::Cluster->new('live');
$node->init(extra => [ '--encoding=UTF8', '--locale=C.UTF-8', '--wal-segsize=1' ], has_archiving => 1, allows_streaming => 1);
write_kek(kek_file());
$node->append_conf('postgresql.conf', join("\n",
	"bulla.kek = 'file:" . kek_file() . "'",
	'max_prepared_transactions = 20',
	"shared_preload_libraries = 'bulla'",
	$LedgerLoad::settings) . "\n");
$node->start;
make_ledgers($node);

my $load = start_load($node);
appends_on($load, 'before the backup');
$node->backup('base');
appends_on($load, 'after the backup');
# The moment, by the server's clock, which is the clients' too.
my $moment = $node->safe_psql('postgres', 'SELECT clock_timestamp()');
my $epoch = $node->safe_psql('postgres', "SELECT extract(epoch FROM '$moment'::timestamptz)");
appends_on($load, 'after the moment');
stop_load($load, 'live');
keeps_its_word($node, [$load], 'live');
my $live = $node->safe_psql('postgres', "SELECT string_agg(encode(hash, 'hex'), ' ' ORDER BY seq) FROM ledger");
$node->safe_psql('postgres', 'SELECT pg_switch_wal()');
ok($node->poll_query_until('postgres', q{
	SELECT last_archived_wal >= pg_walfile_name(pg_current_wal_lsn() - 1) FROM pg_stat_archiver}), 'the log is archived');

my @before = grep { $_->[3] < $epoch } told($load, 'ack');
my @after = grep { $_->[3] > $epoch } told($load, 'ack');
cmp_ok(scalar(@before), '>', 50, 'rows were acknowledged before the moment');
cmp_ok(scalar(@after), '>', 50, 'and after it');

sub restore
{
	my ($name, %recovery) = @_;
	my $restored = PostgreSQL::Test::Cluster->new($name);
	$restored->init_from_backup($node, 'base', has_restoring => 1, standby => 0);
	$restored->append_conf('postgresql.conf', join("\n", 'archive_mode = off', "recovery_target_action = 'promote'",
		map { "$_ = '$recovery{$_}'" } keys %recovery) . "\n");
	$restored->start;
	ok(poll(sub { answers($restored) && $restored->safe_psql('postgres', 'SELECT pg_is_in_recovery()') eq 'f' }), "$name: it is restored");
	return $restored;
}

# Up to the moment.
my $then = restore('then', recovery_target_time => $moment);
my %there = map { ($_ => 1) } split /\n/, $then->safe_psql('postgres', q{
	SELECT concat_ws(' ', 'ledger', client, number) FROM ledger UNION ALL SELECT concat_ws(' ', 'lanes', client, number) FROM lanes
	UNION ALL SELECT concat_ws(' ', 'parts', client, number) FROM parts});
is(scalar(grep { !$there{"$_->[0] $_->[1] $_->[2]"} } @before), 0, 'then: what was acknowledged before the moment is there');
cmp_ok(scalar(grep { !$there{"$_->[0] $_->[1] $_->[2]"} } @after), '>', 50, 'then: what came after is not');
my $chain = $then->safe_psql('postgres', "SELECT string_agg(encode(hash, 'hex'), ' ' ORDER BY seq) FROM ledger");
is($chain, substr($live, 0, length $chain), 'then: the chain is the beginning of that which went on');
is($then->safe_psql('postgres', "SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 8, 1) <> '1'"), 't', 'then: the timeline is another');
keeps_its_word($then, [], 'then');
my $again = start_load($then);
appends_on($again, 'then');
stop_load($again, 'then');
keeps_its_word($then, [$again], 'then, appended to');
my $other = $then->safe_psql('postgres', "SELECT string_agg(encode(hash, 'hex'), ' ' ORDER BY seq) FROM ledger");
isnt(substr($other, 0, length $live), $live, 'then: which is not the chain that went on: who kept a head of that sees it');
$then->stop;

# Up to the end: nothing is missing.
my $end = restore('end');
keeps_its_word($end, [$load], 'end');
$end->stop;
$node->stop;
done_testing();
