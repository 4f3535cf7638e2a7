# pg_upgrade takes a cluster with ledgers along, copying its files and linking them: they verify, keys open what they
# sealed, and the chains go on. (The version is the same: what changes is the cluster.)

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/..";
use BullaTest;
use LedgerLoad;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $old = new_node('old', settings => $LedgerLoad::settings);
$old->start;
make_ledgers($old);
$old->safe_psql('postgres', q{
	CREATE TABLE sealed (id int PRIMARY KEY, value text);
	SELECT bulla.create_ledger('sealed');
	SELECT bulla.create_key('card');
	INSERT INTO sealed SELECT g, bulla.encrypt('secret ' || g, 'card') FROM generate_series(1, 10) AS g;
	CREATE ROLE reader;
	SELECT bulla.grant_key('card', 'reader', 'decrypt');
	GRANT SELECT ON sealed TO reader;
});
my $load = start_load($old, clients => 5);
appends_on($load, 'before');
stop_load($load, 'before');
keeps_its_word($old, [$load], 'before');

# What has to be the same afterwards.
sub contents
{
	my ($node) = @_;
	return join "\n", map { $node->safe_psql('postgres', $_) } (
		map({ "SELECT count(*), md5(string_agg(t::text, ' ' ORDER BY t::text COLLATE \"C\")) FROM $_ AS t" }
			('ledger', 'lanes', 'parts', 'sealed', 'bulla.events', 'bulla.ledgers', 'bulla.keys')),
		q{SELECT tgrelid::regclass, tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2},
		q{SELECT evtname, evtenabled FROM pg_event_trigger ORDER BY 1});
}
my $before = contents($old);
$old->stop;

my $bin = $old->config_data('--bindir');
chomp $bin;
for my $mode ('copy', 'link')
{
	my $new = new_node("new_$mode", settings => $LedgerLoad::settings);
	chdir PostgreSQL::Test::Utils::tempdir() or die $!;
	$new->command_ok([ 'pg_upgrade', '--no-sync', '-d', $old->data_dir, '-D', $new->data_dir, '-b', $bin, '-B', $bin,
			'-s', $new->host, '-p', $old->port, '-P', $new->port, $mode eq 'link' ? '--link' : () ], "$mode: pg_upgrade");
	$new->start;
	is(contents($new), $before, "$mode: all is there, with its triggers");
	keeps_its_word($new, [$load], $mode);
	is_sound($new, $_, "$mode: $_ verifies") for ('sealed', 'bulla.events');
	is($new->safe_psql('postgres', "SELECT count(*) FROM sealed WHERE bulla.decrypt(value) = 'secret ' || id"), '10', "$mode: keys open");
	is($new->safe_psql('postgres', 'SET ROLE reader; SELECT count(bulla.decrypt(value)) FROM sealed'), '10',
		"$mode: for whom they were granted to");
	my ($code, $output, $errors) = $new->psql('postgres', q{SET ROLE reader; SELECT bulla.encrypt('x', 'card')});
	like($errors, qr/may not encrypt/, "$mode: and as");
	is($new->safe_psql('postgres', "SELECT bulla.create_key('new') IS NOT NULL"), 't', "$mode: and are made");
	my $again = start_load($new, clients => 5);
	appends_on($again, $mode);
	stop_load($again, $mode);
	keeps_its_word($new, [ $load, $again ], "$mode: afterwards");
	$new->stop;
}
done_testing();
