# Every use of a key that opens a value is recorded where bulla.audit_decrypts asks for it, whatever rolls back, and
# so are wrong codes for emergency mode and what it forbids: as events through shared memory, else in the server's log.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/..";
use BullaTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('preloaded', allows_streaming => 1, settings => "bulla.audit_decrypts = 'on'\nrestart_after_crash = on\n");
$node->start;

sub sql
{
	my ($sql, %arguments) = @_;
	return ($arguments{node} // $node)->safe_psql('postgres', $sql,
		connstr => ($arguments{node} // $node)->connstr('postgres') . ' user=' . ($arguments{user} // 'postgres') .
			' application_name=' . ($arguments{application} // 'a_test'));
}

my $make = q{
	CREATE EXTENSION bulla;
	SELECT bulla.create_key('card'), bulla.create_key('other');
	CREATE ROLE app LOGIN;
	CREATE ROLE reader;
	GRANT reader TO app;
	SELECT bulla.grant_key('card', 'reader', 'decrypt'), bulla.grant_key('other', 'app', 'decrypt');
	CREATE TABLE sealed AS SELECT bulla.encrypt('the value', 'card', 'the context') AS card, bulla.encrypt('the value', 'other') AS other;
	GRANT SELECT ON sealed TO app, reader;};
sql($make);
my $open = q{bulla.decrypt(card, 'the context') FROM sealed};

sub written
{
	my ($name) = @_;
	ok($node->poll_query_until('postgres', 'SELECT waiting = 0 FROM bulla.open_failures()'), $name);
	return;
}

# What events since the last look say: by action, what tells them apart, and the sum of the counts.
my $seen = -1;
sub events
{
	written('everything is written');
	my $events = sql(qq{
		SELECT string_agg(line, chr(10) ORDER BY line) FROM (
			SELECT concat_ws(' ', action, detail ->> 'reason', role, session_role, detail ->> 'key', detail ->> 'version', detail ->> 'use',
				detail ->> 'application_name', detail ->> 'actor', sum((detail ->> 'count')::int)) AS line
			FROM bulla.events WHERE seq > $seen AND action ~ '^key.(used|decrypt|records)|wrong_code'
			GROUP BY action, role, session_role, detail ->> 'reason', detail ->> 'key', detail ->> 'version', detail ->> 'use',
				detail ->> 'application_name', detail ->> 'actor') AS l});
	$seen = sql('SELECT max(seq) FROM bulla.events');
	return $events;
}

sub lines
{
	my ($from, $of) = @_;
	return grep { s/^.*LOG:  bulla event: // } split /\n/, substr(slurp_file(($of // $node)->logfile), $from);
}
sub end_of_log { return -s ($_[0] // $node)->logfile; }
sub told
{
	my $sum = 0;
	/"count": (\d+)/ and $sum += $1 for @_;
	return $sum;
}

# The first event makes the ledger, in which the table of the keys' creation stands already.
events();
my $log = end_of_log();

# Who, as whom, in which application and for whom; the current role's, and the session's.
sql("SET ROLE reader; SET bulla.actor = 'support: Eve'; SELECT $open", user => 'app');
is(events(), "key.used reader app card 1 decrypt a_test support: Eve 1", 'a use, with who it was');
is(sql(q{SELECT string_agg(k, ' ' ORDER BY k) FROM bulla.events, jsonb_object_keys(detail) AS k WHERE action = 'key.used'}),
	'actor application_name count key key_id statement_at statements use version version_id', 'and what else it says');
is(sql(q{SELECT occurred_at >= (detail ->> 'statement_at')::timestamptz AND (detail ->> 'statement_at')::timestamptz BETWEEN now() - interval '1 minute' AND now()
	FROM bulla.events WHERE action = 'key.used'}), 't', 'the time of the statement is before that of the use');

# Rolled back, caught, read only, failed after the value was opened.
sql("BEGIN; SELECT $open; ROLLBACK");
sql("BEGIN READ ONLY; SELECT $open; COMMIT");
sql("BEGIN; SAVEPOINT a; SELECT $open; ROLLBACK TO a; COMMIT");
sql("DO \$\$ BEGIN PERFORM $open; RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN NULL; END \$\$");
$node->psql('postgres', "SELECT 1 / (length(bulla.decrypt(card, 'the context')) - 9) FROM sealed");
is(events(), join("\n", 'key.used postgres postgres card 1 decrypt a_test 4', 'key.used postgres postgres card 1 decrypt key_uses.pl 1'),
	'no rollback, no EXCEPTION block and no error undoes them');

# Few events for many values, and every value counts. Two keys and two versions are told apart.
sql("SELECT count(bulla.decrypt(card || left(g::text, 0), 'the context')) FROM sealed, generate_series(1, 200000) AS g");
is(events(), 'key.used postgres postgres card 1 decrypt a_test 200000', 'a statement that opens many values counts them all');
cmp_ok(sql("SELECT count(*) FROM bulla.events WHERE action = 'key.used' AND (detail ->> 'count')::int > 1"), '<', 100, 'in few events');
is(sql(q{SELECT sum((detail ->> 'statements')::int) FROM bulla.events WHERE action = 'key.used' AND detail ->> 'key' = 'card'}), 7, 'which say how many statements they were');
sql("SELECT bulla.rotate_key('card'); SELECT $open; SELECT bulla.decrypt(other) FROM sealed; SELECT bulla.decrypt(bulla.encrypt('x', 'card'))");
is(events(), join("\n", map { "key.used postgres postgres $_ decrypt a_test 1" } 'card 1', 'card 2', 'other 1'), 'by key and version');
sql(q{SELECT set_config('bulla.actor', repeat('ä', 100) || g, false), bulla.decrypt(other) FROM sealed, generate_series(1, 3) AS g});
is(events(), 'key.used postgres postgres other 1 decrypt a_test ' . "\xc3\xa4" x 63 . ' 3', 'of a long actor so much as there is room for');

# What the triggers of protected columns open.
sql(q{CREATE TABLE people (id int PRIMARY KEY, name text);
	SELECT bulla.protect_column('people', 'name', 'card', '{id}');
	INSERT INTO people VALUES (1, bulla.encrypt('Eve', 'card', bulla.context('people', 'name', 1)));
	SELECT bulla.open(p, 'name') FROM people AS p;});
is(events(), join("\n", 'key.used postgres postgres card 2 decrypt a_test 1', 'key.used postgres postgres card 2 internal a_test 1'), 'triggers, and bulla.open');

# A session that is ended in the middle of its statement, and one whose process is killed, which restarts the server.
my $opens_and_waits = qq{DO \$\$ BEGIN FOR g IN 1 .. 5 LOOP PERFORM $open; END LOOP; PERFORM pg_sleep(600); END \$\$};
my $session = start_psql($node, 'ended', $opens_and_waits);
ok(is_waiting($node, 'ended', 'PgSleep'), 'a statement is under way');
sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ended'});
finish_psql($session);
is(events(), 'key.used postgres postgres card 1 decrypt ended 5', 'ended in the middle, all it opened is recorded');
$session = start_psql($node, 'killed', "BEGIN; SELECT $open; SELECT pg_sleep(600);");
ok(is_waiting($node, 'killed', 'PgSleep'), 'another one');
ok($node->poll_query_until('postgres', "SELECT count(*) = 1 FROM bulla.events WHERE detail ->> 'application_name' = 'killed'"),
	'is recorded while its transaction is open');
kill 'KILL', sql(q{SELECT pid FROM pg_stat_activity WHERE application_name = 'killed'});
finish_psql($session);
ok(poll(sub { answers($node) }), 'killed, the server comes back');
is(events(), 'key.used postgres postgres card 1 decrypt killed 1', 'with what was recorded');

# Too little room: what finds none is in the log, and counted in an event.
is(scalar(grep { /key.used/ } lines($log)), 0, 'nothing of all that needed the log');
$node->append_conf('postgresql.conf', "bulla.audit_ring_size = 2\n");
$node->restart;
my $holder = hold_events($node);
sql("SET bulla.actor = '$_'; SELECT $open") for 'a', 'b';
ok($node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM pg_stat_activity WHERE backend_type = 'bulla event writer' AND wait_event_type = 'Lock'}),
	'the writer has what fits');
$log = end_of_log();
sql("SET bulla.actor = '$_'; SELECT $open") for 'c' .. 'g';
my @lines = lines($log);
is(join(' ', sort map { /"actor": "(.)"/ ? $1 : () } grep { /"action": "key.used"/ } @lines), 'c d e f g', 'what finds no room is in the log');
let_go($node, $holder);
is(events(), join("\n", 'key.records_lost postgres postgres 5', 'key.used postgres postgres card 1 decrypt a_test a 1',
	'key.used postgres postgres card 1 decrypt a_test b 1'), 'and an event counts it');
$node->append_conf('postgresql.conf', "bulla.audit_ring_size = 1024\n");
$node->restart;

# What waits when the server is stopped.
$log = end_of_log();
sql("SELECT $open");
$node->stop('fast');
$node->start;
written('after a restart nothing waits');
my $in_events = sql("SELECT coalesce(sum((detail ->> 'count')::int), 0) FROM bulla.events WHERE seq > $seen AND action = 'key.used'");
cmp_ok($in_events + told(grep { /key.used/ } lines($log)), '>=', 1, 'a use just before the server stops is in an event or in the log');
events();

# By key; heard of in the middle of a statement.
$node->append_conf('postgresql.conf', "bulla.audit_decrypts = 'key'\n");
$node->reload;
ok($node->poll_query_until('postgres', q{SELECT current_setting('bulla.audit_decrypts') = 'key'}), 'the setting is changed');
$session = start_psql($node, 'long', qq{
	DO \$\$
	BEGIN
		PERFORM set_config('bulla.actor', 'before', false);
		PERFORM $open;
		PERFORM pg_advisory_lock(9);
		WHILE NOT EXISTS (SELECT FROM bulla.keys WHERE audited) LOOP
			PERFORM pg_sleep(0.01);
		END LOOP;
		PERFORM set_config('bulla.actor', 'after', false);
		PERFORM $open;
		PERFORM bulla.decrypt(other) FROM sealed;
	END \$\$;});
ok($node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND objid = 9}), 'a long statement');
sql(q{SELECT bulla.set_key_audit('card', true)});
finish_psql($session);
is(events(), 'key.used postgres postgres card 1 decrypt long after 1', 'only uses of the keys that are to be, from the next call on');
$node->append_conf('postgresql.conf', "bulla.audit_decrypts = 'off'\n");
$node->reload;
ok($node->poll_query_until('postgres', q{SELECT current_setting('bulla.audit_decrypts') = 'off'}), 'the setting is changed again');
sql("SELECT $open");
sql("ALTER ROLE app SET bulla.audit_decrypts = 'on'");
sql('SELECT bulla.decrypt(other) FROM sealed', user => 'app');
is(events(), 'key.used app app other 1 decrypt a_test 1', 'or of one role');

# Emergency mode: what it forbids, and codes that do not end it.
sub attempts
{
	my ($of) = @_;
	sql(q{BEGIN; SELECT bulla.disable_emergency_mode('wrong'); ROLLBACK}, node => $of);
	sql(q{DO $$ BEGIN PERFORM bulla.disable_emergency_mode('wrong'); RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN NULL; END $$}, node => $of);
	return;
}
my $code = sql(q{SELECT bulla.enable_emergency_mode('a drill', '{no_decrypt}')});
attempts($node);
is(events(), 'emergency.wrong_code postgres postgres 2', 'wrong codes are events whatever rolls back');
is(sql(q{SELECT max((detail ->> 'attempt')::int) FROM bulla.events WHERE action = 'emergency.wrong_code'}), 2, 'with their number');
sql(qq{DO \$\$ BEGIN FOR g IN 1 .. 500 LOOP BEGIN PERFORM $open; EXCEPTION WHEN object_not_in_prerequisite_state THEN NULL; END; END LOOP; END \$\$});
$node->psql('postgres', q{SELECT bulla.decrypt('\xb101'::bytea || decode(repeat('00', 60), 'hex'))});
is(events(), join("\n", 'key.decrypt_refused emergency postgres postgres 1', 'key.decrypt_refused emergency postgres postgres card 1 500'),
	'as is what it forbids to open');
cmp_ok(sql(q{SELECT count(*) FROM bulla.events WHERE action = 'key.decrypt_refused'}), '<', 100, 'in few events');
is(sql("SELECT bulla.disable_emergency_mode('$code')"), 't', 'the right one ends it');
is_sound($node, 'bulla.events', 'the events verify');

# A standby has nothing but its log.
my $line = qr/"action": "key.used", "database": \d+, "role": "postgres", "session_role": "postgres", "detail": \{"key_id": "[-0-9a-f]+", "version_id": "[0-9a-f]{32}", "use": "decrypt", "application_name": "a_test", "statement_at": "[-+:.T\d]+", "statements": 1, "count": 1\}\}$/;
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->append_conf('postgresql.conf', "bulla.audit_decrypts = 'on'\n");
$standby->start;
sql("SELECT $open", node => $standby);
like((lines(0, $standby))[0], $line, 'a standby: a line of the log');
$_->stop for $standby, $node;

# Without preloading: the log. Nobody turns it off before the library is loaded.
my $plain = new_node('plain', preload => 0, settings => "bulla.audit_decrypts = 'on'\n");
$plain->start;
sql($make, node => $plain);
sql("BEGIN; SELECT $open; ROLLBACK", node => $plain);
like((lines(0, $plain))[0], $line, 'not preloaded: a line of the log');
$log = end_of_log($plain);
sql("SELECT count(bulla.decrypt(card || left(g::text, 0), 'the context')) FROM sealed, generate_series(1, 100000) AS g", node => $plain);
is(told(lines($log, $plain)), 100000, 'lines count every value');
cmp_ok(scalar(lines($log, $plain)), '<', 100, 'and are few');
$log = end_of_log($plain);
sql('SET bulla.audit_decrypts = off; SELECT bulla.decrypt(other) FROM sealed', node => $plain, user => 'app');
is(told(lines($log, $plain)), 1, 'a setting made before the library is there does not count');
sql(q{SELECT bulla.enable_emergency_mode('a drill', '{no_exports}')}, node => $plain);
attempts($plain);
sql(q{SELECT bulla.disable_emergency_mode('wrong')}, node => $plain);
is(sql(q{SELECT string_agg(detail ->> 'attempt', ' ') FROM bulla.events WHERE action = 'emergency.wrong_code'}, node => $plain), '3',
	'wrong codes are events where their transaction commits');
$plain->stop;
done_testing();
