# Who may use a key is so after a restore, for roles of the same name; nobody may more where a role is missing or was
# dropped; DROP ROLE is refused from every database; and a standby hears of revocations.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/..";
use BullaTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $directory = PostgreSQL::Test::Utils::tempdir();
my @roles = ('reader', 'writer', 'gone', 'searcher', 'holder');

# What each role may do in a database: encrypt, decrypt, find.
sub rights
{
	my ($node, $database) = @_;
	my %calls = (
		encrypt => "SELECT bulla.encrypt('x', 'card')",
		decrypt => 'SELECT bulla.decrypt(value) FROM sealed',
		find => "SELECT count(*) FROM people WHERE bulla.blind_index(name, 'find', 'people') = bulla.search_token('p7', 'find', 'people')");
	return join '; ', map {
		my $role = $_;
		"$role:" . join('', map {
			my ($code) = $node->psql($database, "SET ROLE $role; $calls{$_}");
			$code == 0 ? " $_" : '' } sort keys %calls) } 'reader', 'writer', 'searcher', 'holder', 'nobody';
}

my $old = new_node('old', allows_streaming => 1);
$old->start;
$old->safe_psql('postgres', "CREATE ROLE $_") for @roles, 'nobody';
$old->safe_psql('postgres', q{
	CREATE EXTENSION bulla;
	SELECT bulla.create_key('card'), bulla.create_key('find', 'index');
	SELECT bulla.grant_key('card', 'reader', 'decrypt');
	SELECT bulla.grant_key('card', 'writer', 'encrypt');
	SELECT bulla.grant_key('card', 'gone', 'decrypt');
	SELECT bulla.grant_key('find', 'searcher', 'index');
	SELECT bulla.grant_key('find', 'holder', 'index');
	CREATE TABLE sealed AS SELECT bulla.encrypt('secret', 'card') AS value;
	CREATE TABLE people AS SELECT 'p' || g AS name FROM generate_series(1, 100) AS g;
	ALTER TABLE people OWNER TO holder;
	CREATE INDEX found ON people (bulla.blind_index(name, 'find', 'people'));
	GRANT SELECT ON sealed, people TO PUBLIC;
});
my $rights = 'reader: decrypt; writer: encrypt; searcher: find; holder: find; nobody:';
is(rights($old, 'postgres'), $rights, 'as granted');

# A dump taken while the role is there, and one taken when it was dropped by force. The number of its row is in neither.
$old->command_ok([ 'pg_dump', '-Fc', '-f', "$directory/with", '-d', $old->connstr('postgres') ], 'dump');
my ($code, $output, $errors) = $old->psql('postgres', 'DROP ROLE gone');
like($errors, qr/cannot be dropped.*\n.*bulla\.key_grants/, 'a role with a grant is not dropped');
$old->safe_psql('postgres', 'CREATE DATABASE other');
($code, $output, $errors) = $old->psql('other', 'DROP ROLE gone');
like($errors, qr/cannot be dropped.*\n.*1 object in database postgres/, 'from another database neither');
$old->safe_psql('postgres', q{
	SET allow_system_table_mods = on;
	DELETE FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass AND refobjid = 'gone'::regrole AND classid = 'pg_class'::regclass;
	DROP ROLE gone;
});
is($old->safe_psql('postgres', 'SELECT grantee FROM bulla.key_privileges WHERE grantee::text ~ $$unknown$$') =~ /^unknown/, 1,
	'a grant of a role that is gone');
$old->command_ok([ 'pg_dump', '-Fc', '-f', "$directory/without", '-d', $old->connstr('postgres') ], 'dump without it');

my $new = new_node('new');
$new->start;
$new->safe_psql('postgres', "CREATE ROLE $_") for 'reader', 'writer', 'searcher', 'holder', 'nobody';
$new->safe_psql('postgres', 'CREATE DATABASE first TEMPLATE template0');
$new->command_ok([ 'pg_restore', '--exit-on-error', '-d', $new->connstr('first'), "$directory/without" ],
	'restore: the blind index is built with the rights of the owner of its table');
is(rights($new, 'first'), $rights, 'restore: as granted');
is($new->safe_psql('first', 'SELECT count(*) FROM bulla.key_privileges'), '4', 'restore: and nobody else');
($code, $output, $errors) = $new->psql('postgres', 'DROP ROLE reader');
like($errors, qr/cannot be dropped.*\n.*in database first/, 'restore: the roles are held');

# One role is missing: no grant comes, nobody may, and the rest is there. Once it is made the grants can follow.
$new->safe_psql('postgres', 'CREATE DATABASE second TEMPLATE template0');
$new->command_checks_all([ 'pg_restore', '-d', $new->connstr('second'), "$directory/with" ], 1, [qr/^$/],
	[qr/role "gone" does not exist/], 'missing role: restore tells of it');
is($new->safe_psql('second', 'SELECT count(*) FROM bulla.key_grants'), '0', 'missing role: no grant');
is($new->safe_psql('second', 'SELECT bulla.decrypt(value) FROM sealed'), 'secret', 'missing role: keys and values are there');
$new->safe_psql('postgres', 'CREATE ROLE gone');
$new->command_ok([ 'pg_restore', '--exit-on-error', '--data-only', '--schema=bulla', '--table=key_grants', '-d',
	$new->connstr('second'), "$directory/with" ], 'missing role: the grants follow');
is($new->safe_psql('second', 'SELECT count(*) FROM bulla.key_privileges'), '5', 'missing role: all of them');
$new->safe_psql('second', q{CREATE INDEX IF NOT EXISTS found ON people (bulla.blind_index(name, 'find', 'people'))});
is(rights($new, 'second'), $rights, 'missing role: as granted');

# A standby.
$old->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($old, 'base', has_streaming => 1);
$standby->start;
is(rights($standby, 'postgres'), $rights, 'standby: as granted');
# In an open session too, inside a transaction that has begun before.
my $holder = start_psql($standby, 'holder', 'SELECT pg_advisory_lock(1); SELECT pg_sleep(600);');
$standby->poll_query_until('postgres', "SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory'") or die;
my $session = start_psql($standby, 'open', q{
	SET ROLE reader;
	BEGIN ISOLATION LEVEL REPEATABLE READ;
	SELECT bulla.decrypt(value) FROM sealed;
	SELECT pg_advisory_lock_shared(1) IS NULL;
	SELECT bulla.decrypt(value) FROM sealed;
});
is_waiting($standby, 'open') or die;
$old->safe_psql('postgres', q{SELECT bulla.revoke_key('card', 'reader', 'decrypt')});
$old->wait_for_catchup($standby);
$standby->safe_psql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holder'");
finish_psql($holder);
like(finish_psql($session), qr/^secret\nf\n.*permission denied for key "card": may not decrypt/, 'standby: in an open session too');
is(rights($standby, 'postgres'), $rights =~ s/reader: decrypt/reader:/r, 'standby: once it is replayed, revoked');
($code, $output, $errors) = $standby->psql('postgres', q{SELECT bulla.grant_key('card', 'nobody', 'decrypt')});
like($errors, qr/recovery|read-only/, 'standby: nothing is granted');

done_testing();
