# A dump of a database with AgentIdP, restored by a superuser, verifies and serves on, with the same access
# tokens; and nothing of it runs as that superuser.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/..";
use BullaTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $directory = PostgreSQL::Test::Utils::tempdir();

my $old = new_node('old');
$old->start;
$old->safe_psql('postgres', q{
	CREATE ROLE agentidp NOLOGIN;
	CREATE ROLE bullad LOGIN;
	GRANT CREATE ON DATABASE postgres TO agentidp;
	CREATE EXTENSION bulla;
	SET ROLE agentidp;
	CREATE EXTENSION agentidp;
	SELECT agentidp.set_up();
	SELECT agentidp.grant_service('bullad');
	SELECT agentidp.add_access_token(sha256('admin'), 'admin', '{admin}');
	SELECT agentidp.add_access_token(sha256('one'), 'one', '{audit:read}', '10000000-0000-4000-8000-000000000001');
	SELECT agentidp.add_access_token(sha256('lost'), 'lost', '{admin}');
	SELECT agentidp.revoke_access_token('lost');
});

# The answer of an operation to the service, or its refusal.
sub ask
{
	my ($node, $operation, $token, $body) = @_;
	my ($code, $answer, $error) = $node->psql('postgres', qq{
		SELECT status, answer FROM agentidp_api.$operation('r', sha256('$token'), NULL, '{}', $body)},
		extra_params => [ '-U', 'bullad', '-v', 'VERBOSITY=sqlstate' ]);
	return $code == 0 ? $answer : $error;
}

my $many = q{(SELECT jsonb_agg(jsonb_build_object('action', 'a', 'outcome', 'success', 'metadata', jsonb_build_object('n', n),
	'organizationId', format('10000000-0000-4000-8000-00000000000%s', n % 3))) FROM generate_series(1, 300) AS n)};
like(ask($old, 'append_audit_events', 'admin', $many), qr/^201\|/, 'before: events are appended');

# What has to be the same afterwards.
sub contents
{
	my ($node) = @_;
	return join "\n", map { $node->safe_psql('postgres', $_) } (
		map({ "SELECT count(*), md5(string_agg(t::text, ' ' ORDER BY t::text COLLATE \"C\")) FROM $_ AS t" }
			('agentidp.audit_events', 'agentidp.access_tokens', 'bulla.ledgers')),
		q{SELECT nspname, nspowner::regrole, nspacl FROM pg_namespace WHERE nspname ~ '^agentidp' ORDER BY 1},
		q{SELECT oid::regprocedure, proowner::regrole, proacl FROM pg_proc WHERE pronamespace::regnamespace::text ~ '^agentidp' ORDER BY oid::regprocedure::text COLLATE "C"},
		q{SELECT oid::regclass, relowner::regrole, relacl FROM pg_class WHERE relnamespace::regnamespace::text ~ '^agentidp' ORDER BY oid::regclass::text COLLATE "C"});
}
my $before = contents($old);
unlike($before, qr/postgres=/, 'before: the superuser has no part in it');

my %restore = (
	p => [ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f' ],
	c => [ 'pg_restore', '--exit-on-error' ]);
for my $format ('p', 'c')
{
	$old->command_ok([ 'pg_dump', "-F$format", '-f', "$directory/$format", '-d', $old->connstr('postgres') ], "$format: dump");
	my $new = new_node("new_$format", preload => $format eq 'p');
	$new->start;
	# The role has to be there, as every owner of something in a dump has to.
	$new->command_fails_like([ @{ $restore{$format} }, "$directory/$format", '-d', $new->connstr('postgres') ],
		qr/needs a role agentidp/, "$format: without the role nothing comes to belong to the superuser");
	$new->safe_psql('postgres', q{
		DROP EXTENSION bulla CASCADE;
		CREATE ROLE agentidp NOLOGIN;
		CREATE ROLE bullad LOGIN;
	});
	$new->command_ok([ @{ $restore{$format} }, "$directory/$format", '-d', $new->connstr('postgres') ], "$format: restore");
	is(contents($new), $before, "$format: all is there, with its owners and rights");
	is_sound($new, 'agentidp.audit_events', "$format: verifies");
	is($new->safe_psql('postgres', 'SELECT agentidp.set_up()'), 'f', "$format: set_up finds its ledger");
	like(ask($new, 'verify_audit_events', 'admin', 'NULL'), qr/^200\|\{"verified" : true, "checkedCount" : 304,/,
		"$format: the service verifies it");
	like(ask($new, 'list_audit_events', 'one', 'NULL'), qr/^200\|/, "$format: tokens are still good");
	like(ask($new, 'list_audit_events', 'lost', 'NULL'), qr/28000/, "$format: or revoked");
	like(ask($new, 'append_audit_events', 'admin', q{'{"action": "after", "outcome": "success", "organizationId": "10000000-0000-4000-8000-000000000001"}'}),
		qr/^201\|.*"seq" : 101,/, "$format: the next event follows the last");
	is_sound($new, 'agentidp.audit_events', "$format: and verifies");
	# What is dumped again says the same of everything but the new event.
	$new->command_ok([ 'pg_dump', '-s', '-f', "$directory/schema_$format", '-d', $new->connstr('postgres') ], "$format: dump again");
	$old->command_ok([ 'pg_dump', '-s', '-f', "$directory/schema", '-d', $old->connstr('postgres') ], "$format: dump to compare");
	my ($was, $is) = map { slurp_file($_) =~ s/^\\(un)?restrict .*\n//gmr } ("$directory/schema", "$directory/schema_$format");
	is($is, $was, "$format: a second dump is like the first");
	$new->stop;
}
$old->stop;
done_testing();
