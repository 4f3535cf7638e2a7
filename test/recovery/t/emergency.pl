# Emergency mode and the count of wrong codes outlive a crash, whatever synchronous_commit is, go to standbys, and come with
# a dump; the code is in no log that does not log statements.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/..";
use BullaTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $decrypts = 'SELECT bulla.decrypt(value) FROM sealed';
my $refused = qr/emergency mode allows no decryption/;

sub is_refused
{
	my ($node, $database, $name) = @_;
	my ($code, $output, $errors) = $node->psql($database, $decrypts);
	like($errors, $refused, $name);
}

for my $preload (0, 1)
{
	my $how = $preload ? 'preloaded' : 'not preloaded';
	my $node = new_node("primary$preload", allows_streaming => 1, preload => $preload,
		settings => "log_statement = none\nlog_min_error_statement = debug5\nsynchronous_commit = off\nwal_writer_delay = 10s\n");
	$node->start;
	$node->safe_psql('postgres', q{
		CREATE EXTENSION bulla;
		SELECT bulla.create_key('card');
		CREATE TABLE sealed AS SELECT bulla.encrypt('secret', 'card') AS value;
		CHECKPOINT;
	});
	my $code = $node->safe_psql('postgres', q{SELECT bulla.enable_emergency_mode('a drill', '{no_decrypt}')});
	kill_server($node);
	$node->start;
	is_refused($node, 'postgres', "$how: after a crash");

	# Wrong ones, one of them in a transaction that is rolled back, and a right one that is interrupted in its wait.
	my $wrong = $code =~ tr/0-9a-f/1-9a-f0/r;
	$node->safe_psql('postgres', "SELECT bulla.disable_emergency_mode('$wrong')");
	$node->safe_psql('postgres', "BEGIN; SELECT bulla.disable_emergency_mode('$wrong'); ROLLBACK") for 1, 2;
	$node->restart('fast');
	is($node->safe_psql('postgres', 'SELECT last_value FROM bulla.emergency_attempts'), '3', "$how: wrong codes are counted");
	my ($status, $output, $errors) = $node->psql('postgres', "SET statement_timeout = '100ms'; SELECT bulla.disable_emergency_mode('$code')");
	like($errors, qr/statement timeout/, "$how: and slow the next one");
	my $log = slurp_file($node->logfile);
	like($log, qr/wrong code for ending emergency mode: attempt 3, by role "/, "$how: each is a line in the log");
	like($log, qr/statement timeout/, "$how: as is what was cancelled");
	unlike($log, qr/$wrong/, "$how: without the code that was wrong");
	unlike($log, qr/$code/, "$how: and without the right one");

	# A dump is of the mode, the count and the digest.
	my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump';
	$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, '-d', $node->connstr('postgres') ], "$how: dump");
	unlike(slurp_file($dump), qr/$code/, "$how: without the code");
	$node->safe_psql('postgres', 'CREATE DATABASE restored TEMPLATE template0');
	$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('restored'), $dump ], "$how: restore");
	is_refused($node, 'restored', "$how: in a restored database");
	is($node->safe_psql('restored', 'SELECT last_value FROM bulla.emergency_attempts'), '4', "$how: with its count");
	is($node->safe_psql('restored', "SELECT bulla.disable_emergency_mode('$code')"), 't', "$how: the code ends it there");
	is($node->safe_psql('restored', $decrypts), 'secret', "$how: only");
	is($node->safe_psql('restored', q{SELECT count(*) FROM bulla.verify('bulla.events')}), '0', "$how: its events verify");
	is_refused($node, 'postgres', "$how: where it came from it goes on");

	# A standby follows,.
	my $backup = "standby$preload";
	$node->backup($backup);
	my $standby = PostgreSQL::Test::Cluster->new($backup);
	$standby->init_from_backup($node, $backup, has_streaming => 1);
	$standby->start;
	is_refused($standby, 'postgres', "$how: on a standby");
	($status, $output, $errors) = $standby->psql('postgres', "SELECT bulla.disable_emergency_mode('$code')");
	like($errors, qr/during recovery|read-only transaction/, "$how: it is not ended there");
	is($node->safe_psql('postgres', "SELECT bulla.disable_emergency_mode('$code')"), 't', "$how: but on the primary");
	$node->wait_for_catchup($standby);
	is($standby->safe_psql('postgres', $decrypts), 'secret', "$how: and with that on the standby");
	$_->stop for $standby, $node;
}

done_testing();
