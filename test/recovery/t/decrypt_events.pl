# A value that did not open is an event of bulla.events though its transaction rolls back: through shared memory and
# background workers, whatever happens to these; and a line of the log where that cannot be.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/..";
use BullaTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('preloaded', allows_streaming => 1);
$node->start;

sub sql { return $node->safe_psql($_[1] // 'postgres', $_[0]); }

# A statement that fails, and fails in a block that keeps it to itself, and rolls back.
sub fails
{
	my ($expression, %arguments) = @_;
	my $role = $arguments{role} // 'postgres';
	return ($arguments{node} // $node)->safe_psql($arguments{database} // 'postgres', qq{
		BEGIN;
		SET LOCAL ROLE $role;
		DO \$do\$
		BEGIN
			FOR g IN 1 .. } . ($arguments{times} // 1) . qq{ LOOP
				BEGIN
					PERFORM $expression;
					RAISE 'it did not fail' USING ERRCODE = 'ZZ001';
				EXCEPTION WHEN SQLSTATE 'ZZ001' THEN RAISE;
				WHEN OTHERS THEN NULL;
				END;
			END LOOP;
		END \$do\$;
		ROLLBACK;});
}

# Nothing waits any more.
sub written
{
	my ($name, $database) = @_;
	ok($node->poll_query_until($database // 'postgres', 'SELECT waiting = 0 FROM bulla.open_failures()'), $name);
	return;
}

# What events since the last look say: sum of the counts by action, reason, role, key and version.
my $seen = -1;
sub events
{
	my $events = sql(qq{
		SELECT string_agg(line, chr(10) ORDER BY line) FROM (
			SELECT concat_ws(' ', action, detail ->> 'reason', role, detail ->> 'key', detail ->> 'version', sum((detail ->> 'count')::int)) AS line
			FROM bulla.events WHERE seq > $seen AND action ~ '^key.(decrypt|records)'
			GROUP BY action, detail ->> 'reason', role, detail ->> 'key', detail ->> 'version') AS l});
	$seen = sql('SELECT max(seq) FROM bulla.events');
	return $events;
}

# The lines that the log has had since a place in it.
sub lines
{
	my ($from, $of) = @_;
	return grep { s/^.*LOG:  bulla event: // } split /\n/, substr(slurp_file(($of // $node)->logfile), $from);
}

sub end_of_log { return -s ($_[0] // $node)->logfile; }

# The first event makes the ledger.
sql('CREATE EXTENSION bulla');
fails("bulla.decrypt('plain')");
ok($node->poll_query_until('postgres', q{SELECT to_regclass('bulla.events') IS NOT NULL}), 'the first failure makes bulla.events');
written('and is written');
is(events(), 'key.decrypt_failed malformed postgres 1', 'a text that is not sealed');

sql(q{
	SELECT bulla.create_key('card'), bulla.create_key('spare'), bulla.create_key('finder', 'index');
	CREATE ROLE app;
	CREATE TABLE sealed AS SELECT bulla.encrypt('the value', 'card', 'the context') AS card, bulla.encrypt('the value', 'spare') AS spare;
	GRANT SELECT ON sealed TO app;
	SELECT bulla.grant_key('spare', 'app', 'decrypt');});
my ($card, $spare) = split /\|/, sql('SELECT card, spare FROM sealed');
events();
my $from = end_of_log();

# Every reason.
fails("bulla.decrypt('$card', 'another context')");
fails("bulla.decrypt('$card', 'the context')", role => 'app');
fails("bulla.decrypt('$spare', 'another context')", role => 'app');
fails(q{bulla.decrypt('\xb101'::bytea || decode(repeat('00', 60), 'hex'))}, role => 'app');
fails(q{bulla.decrypt('\xb101'::bytea || version_id || decode(repeat('00', 60), 'hex')) FROM bulla.keys WHERE name = 'finder'});
sql(q{SELECT bulla.disable_key_version('spare', 1)});
fails("bulla.decrypt('$spare')", role => 'app');
sql(q{SELECT bulla.destroy_key('spare', 'a test')});
fails("bulla.decrypt('$spare')", role => 'app');
my $kek = kek_file();
rename $kek, "$kek.away" or die $!;
fails("bulla.decrypt('$card', 'the context')");
rename "$kek.away", $kek or die $!;
written('every kind of failure is written');
is(events(), join("\n", sort
	'key.decrypt_failed does_not_open postgres card 1 1',
	'key.decrypt_refused not_granted app card 1',
	'key.decrypt_failed does_not_open app spare 1 1',
	'key.decrypt_failed unknown_version app 1',
	'key.decrypt_failed wrong_purpose postgres finder 1 1',
	'key.decrypt_failed disabled app spare 1 1',
	'key.decrypt_failed destroyed app spare 1 1',
	'key.decrypt_failed unavailable postgres card 1 1'), 'with its reason, the role, the key and the version');
is(sql(q{SELECT count(*) FROM bulla.events WHERE session_role <> 'postgres'}), 0, 'and the session user');
is(sql(q{SELECT count(*) FROM bulla.events WHERE detail::text ~ 'the value|context'}), 0, 'but no value and no context');
is(scalar(lines($from)), 0, 'and nothing in the log');

# One entry for what is the same within a second; a read-only transaction; failures that rolled back by themselves.
fails("bulla.decrypt('$card', 'another context')", times => 1000);
$node->psql('postgres', "BEGIN READ ONLY; SELECT bulla.decrypt('$card', 'another context')");
written('a thousand failures are written');
is(sql("SELECT count(*) < 500 FROM bulla.events WHERE seq > $seen AND action = 'key.decrypt_failed'"), 't', 'as few events');
is(sql("SELECT count(*) FROM bulla.events WHERE seq > $seen AND (detail ->> 'count')::int > 1
	AND (detail ->> 'until')::timestamptz >= occurred_at AND occurred_at <= now()") > 0, 1, 'with when it began and ended');
is(events(), 'key.decrypt_failed does_not_open postgres card 1 1001', 'that count them all');
fails(q{bulla.decrypt('\xb101'::bytea || sha256(g::text::bytea) || sha256(''))}, times => 5);
written('versions that are made up are written');
is(events(), 'key.decrypt_failed unknown_version postgres 5', 'every one counts');

# Somebody holds bulla.events: the writer waits, is killed, and nothing is lost or told twice.
my $writer_waits = q{SELECT count(*) > 0 FROM pg_stat_activity WHERE backend_type = 'bulla event writer' AND wait_event_type = 'Lock'};
my $holder = hold_events($node);
fails("bulla.decrypt('$card', 'another context')", times => 3);
ok($node->poll_query_until('postgres', $writer_waits), 'a writer waits for the table');
sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'bulla event writer'});
ok($node->poll_query_until('postgres', $writer_waits), 'killed, it is started again');
let_go($node, $holder);
written('and writes when it can');
is(events(), 'key.decrypt_failed does_not_open postgres card 1 3', 'all, and once');

my $launcher = q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'bulla event launcher'};
my $pid = sql($launcher);
sql("SELECT pg_terminate_backend($pid)");
ok($node->poll_query_until('postgres', "SELECT count(*) = 0 FROM ($launcher) AS l WHERE pid = $pid"), 'the launcher is killed');
fails("bulla.decrypt('$card', 'another context')");
ok($node->poll_query_until('postgres', "SELECT count(*) = 1 FROM ($launcher) AS l WHERE pid <> $pid"), 'it is started again');
written('what failed meanwhile is written');
is(events(), 'key.decrypt_failed does_not_open postgres card 1 1', 'once');

# Too little room. Those that are written just now still take theirs.
$node->append_conf('postgresql.conf', "bulla.audit_ring_size = 2\n");
$node->restart;
$holder = hold_events($node);
fails("bulla.decrypt('$card', 'another context')");
fails("bulla.decrypt('plain')");
ok($node->poll_query_until('postgres', $writer_waits), 'the writer has what fits');
fails("bulla.decrypt('$card', 'the context')", role => 'app', times => 4);
fails("bulla.decrypt('plain')", role => 'app');
is(sql('SELECT waiting, lost FROM bulla.open_failures()'), '3|5', 'what finds no room is counted');
let_go($node, $holder);
written('when there is room again');
is(events(), join("\n", 'key.decrypt_failed does_not_open postgres card 1 1', 'key.decrypt_failed malformed postgres 1',
	'key.records_lost postgres 5'), 'that is an event too');
$node->append_conf('postgresql.conf', "bulla.audit_ring_size = 1024\n");
$node->restart;

# A table that takes no events: tried again ever more seldom. Meanwhile the database is dropped, or the extension.
sub database_without_events
{
	my ($name) = @_;
	sql("CREATE DATABASE $name");
	sql(q{CREATE EXTENSION bulla; SELECT bulla.create_key('here'); ALTER TABLE bulla.events ADD CHECK (action <> 'key.decrypt_failed')}, $name);
	my $place = end_of_log();
	fails("bulla.decrypt('plain')", database => $name);
	$node->wait_for_log(qr/ERROR:  the event for ledger "events" violates check constraint/, $place);
	is($node->safe_psql($name, 'SELECT waiting FROM bulla.open_failures()'), 1, "$name: what cannot be written waits");
	return $place;
}
my $line = qr/"action": "key.decrypt_failed", "database": \d+, "role": "postgres", "session_role": "postgres", "detail": \{"reason": "malformed", "count": 1\}/;
$from = database_without_events('dropped');
sql('DROP DATABASE dropped');
ok(poll(sub { lines($from) == 1 }), 'a database that is dropped: its line is in the log');
like((lines($from))[0], $line, 'and says what the event would have said');
$from = database_without_events('bare');
sql('SET bulla.restore = on; DROP EXTENSION bulla CASCADE', 'bare');
ok(poll(sub { lines($from) == 1 }), 'an extension that is dropped: so it is');
$from = database_without_events('stuck');
fails("bulla.decrypt('$card', 'another context')");
written('other databases do not wait for it');
is(events(), 'key.decrypt_failed does_not_open postgres card 1 1', 'their events are written');

# A standby has no place to write but its log; once promoted it does as its primary did.
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
fails("bulla.decrypt('$card', 'another context')", node => $standby);
is(scalar(lines(0, $standby)), 1, 'a standby: a line of the log');
$standby->promote;
ok($standby->poll_query_until('postgres', $launcher =~ s/pid/count(*) = 1/r), 'promoted it has a launcher');
fails("bulla.decrypt('$card', 'another context')", node => $standby);
ok($standby->poll_query_until('postgres', "SELECT count(*) = 1 FROM bulla.events WHERE seq > $seen AND action = 'key.decrypt_failed'"), 'and makes events');
$standby->stop;

# The server stops with something that could not be written.
$node->stop('fast');
is(scalar(lines($from)), 1, 'what waits when the server stops is in the log');
like((lines($from))[0], $line, 'as one line');
$node->start;
is_sound($node, 'bulla.events', 'the events verify');
$node->stop;

# Without preloading: the log, one line at once and one with the count of the rest.
my $plain = new_node('plain', preload => 0);
$plain->start;
$plain->safe_psql('postgres', q{
	CREATE EXTENSION bulla;
	CREATE ROLE app;
	SELECT bulla.create_key('card');
	CREATE TABLE sealed AS SELECT bulla.encrypt('the value', 'card', 'the context') AS card;
	GRANT SELECT ON sealed TO app;});
$card = $plain->safe_psql('postgres', 'SELECT card FROM sealed');
my ($key_id, $version_id) = split /\|/, $plain->safe_psql('postgres', q{SELECT id, encode(version_id, 'hex') FROM bulla.keys});
fails("bulla.decrypt('$card', 'another context')", node => $plain, times => 1000);
my $count = 0;
my @told = lines(0, $plain);
for (@told)
{
	like($_, qr/^\{"occurred_at": "[-+:.T\d]+", "action": "key.decrypt_failed", "database": \d+, "role": "postgres", "session_role": "postgres", "detail": \{"version_id": "$version_id", "reason": "does_not_open", "count": \d+(, "until": "[-+:.T\d]+")?\}\}$/,
		'not preloaded: a line of the log in its form');
	$count += $1 if /"count": (\d+)/;
}
is($count, 1000, 'lines count every failure');
cmp_ok(scalar(@told), '<', 500, 'and are few');
$from = end_of_log($plain);
fails("bulla.decrypt('$card', 'the context')", node => $plain, role => 'app');
like((lines($from, $plain))[0], qr/"action": "key.decrypt_refused", "database": \d+, "role": "app", "session_role": "postgres", "detail": \{"key_id": "$key_id", "reason": "not_granted", "count": 1\}/,
	'a refusal');
unlike(join("\n", lines(0, $plain)), qr/the value|context/, 'no value and no context');
unlike(substr(slurp_file($plain->logfile), $from), qr/STATEMENT|CONTEXT/, 'and no statement beside them');
is($plain->safe_psql('postgres', q{SELECT count(*) FROM bulla.events WHERE action ~ 'decrypt'}), 0, 'no events');
$plain->stop;
done_testing();
