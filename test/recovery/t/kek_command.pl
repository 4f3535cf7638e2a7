# KEKs that a program holds: age and GnuPG as they are, old and new side by side, what is cached while the
# program is away, and a program that hangs.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/..";
use BullaTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $programs = "$FindBin::RealBin/..";
my $short = PostgreSQL::Test::Utils::tempdir_short();    # GnuPG's sockets want a short path
my $node = new_node('kek_command', settings => "bulla.kek_timeout = 20s\nrestart_after_crash = on");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION bulla');
my $file = 'file:' . kek_file();

sub fails_like
{
	my ($statement, $expected, $name) = @_;
	like(errors_of($node, $statement), $expected, $name);
	return;
}

# age.
my $age = "$short/age";
mkdir $age, 0700 or die $!;
umask 077;
system_or_bail('age-keygen', '-o', "$age/identity");
my ($recipient) = slurp_file("$age/identity") =~ /public key: (age1\w+)/;
append_to_file("$age/recipient", "$recipient\n");
my $with_age = "command:age-1:$programs/age %o $age";

# GnuPG.
my $home = "$short/gnupg";
mkdir $home, 0700 or die $!;
system_or_bail('gpg', '--homedir', $home, '--batch', '--quiet', '--passphrase', '', '--quick-generate-key',
	'bulla test', 'rsa3072', 'encr', 'never');
my ($listing) = run_command([ 'gpg', '--homedir', $home, '--batch', '--with-colons', '--list-keys' ]);
my ($fingerprint) = $listing =~ /^fpr:+([0-9A-F]{40}):/m;
my $with_gpg = "command:gpg-1:$programs/gpg %o $home $fingerprint";

my %sealed;
for my $case ([ 'file', $file ], [ 'age', "$with_age, $file" ], [ 'gpg', "$with_gpg, $with_age, $file" ])
{
	my ($name, $keks) = @$case;
	set_settings($node, 'bulla.kek' => $keks);
	is($node->safe_psql('postgres', "SELECT bulla.create_key('$name') IS NOT NULL"), 't', "$name: a key is made");
	$sealed{$name} = $node->safe_psql('postgres', "SELECT bulla.encrypt('sealed under $name', '$name')");
	# Whatever stands first: each of them unwraps what it wrapped.
	is($node->safe_psql('postgres', "SELECT bulla.decrypt('$sealed{$_}')"), "sealed under $_",
		"$name first: a value sealed under $_ opens")
	  for sort keys %sealed;
}
is( $node->safe_psql('postgres', q{
	SELECT count(*) FILTER (WHERE kek_id LIKE 'file:%'), count(DISTINCT kek_id) FILTER (WHERE kek_id ~ '^command:[0-9a-f]{32}$')
	FROM bulla.keys}), '1|2', 'every key names the KEK that wrapped it');
set_settings($node, 'bulla.kek' => "$with_age, $file");
fails_like("SELECT bulla.decrypt('$sealed{gpg}')",
	qr/ERROR:.*"gpg".*wrapped under KEK command:[0-9a-f]{32}, which setting bulla\.kek does not name/,
	'a KEK that is not in the list is named');
set_settings($node, 'bulla.kek' => "\"$with_age\" , $with_gpg");

# Who has the recipient can wrap a key of his own in its place. The commitment refuses it.
my $forged = "$short/forged";
my $description = $node->safe_psql('postgres', q{
	SELECT encode(convert_to('bulla.key.v1', 'UTF8') || '\x00' || uuid_send(id) || int4send(version) || '\x0101', 'hex')
	FROM bulla.keys WHERE name = 'age'});
append_to_file($forged, pack('H*', $description) . ('K' x 32));
system_or_bail('sh', '-c', "age --encrypt --recipient $recipient < $forged > $forged.age");
my $hex = unpack('H*', slurp_file("$forged.age"));
my $wrapped = $node->safe_psql('postgres', "SELECT encode(wrapped, 'hex') FROM bulla.key_versions JOIN bulla.key_names USING (key_id) WHERE name = 'age'");
$node->safe_psql('postgres', "UPDATE bulla.key_versions SET wrapped = substr(wrapped, 1, 18) || '\\x$hex'
	WHERE key_id = (SELECT key_id FROM bulla.key_names WHERE name = 'age')");
fails_like("SELECT bulla.decrypt('$sealed{age}')", qr/ERROR:.*"age".*does not match its commitment/,
	'a data key that somebody else wrapped for the recipient is refused');
$node->safe_psql('postgres', "UPDATE bulla.key_versions SET wrapped = '\\x$wrapped'
	WHERE key_id = (SELECT key_id FROM bulla.key_names WHERE name = 'age')");
is($node->safe_psql('postgres', "SELECT bulla.decrypt('$sealed{age}')"), 'sealed under age', 'the right one is taken');

# An outage. A program of our own, so that it can be sent away; it counts how often it is asked.
my $program = "$short/program";
my $calls = "$short/calls";
my $works = "echo \$1 >> $calls; exec cat";
my $fails = "echo the vault is on fire >&2; exit 1";
my $hangs = "echo \$1 >> $calls; exec sleep 600";
write_program($program, $works);
set_settings($node, 'bulla.kek' => "command:own:$program %o, $with_age", 'bulla.kek_timeout' => '1s');
$node->safe_psql('postgres', "SELECT bulla.create_key('own')");
my $own = $node->safe_psql('postgres', "SELECT bulla.encrypt('mine', 'own')");

my $session = $node->background_psql('postgres', on_error_stop => 0);
sub asks { return $session->query_safe($_[0]); }
is(asks("SELECT bulla.decrypt('$own')"), 'mine', 'a session opens a value');
write_program($program, $fails);
fails_like("SELECT bulla.decrypt('$own')", qr/ERROR:.*"own".*KEK command:own could not unwrap: the program ended with status 1/,
	'during an outage a new session is told so');
unlike(slurp_file($node->logfile), qr/(ERROR|DETAIL|HINT):.*on fire/, 'what the program said is in no error');
like(slurp_file($node->logfile), qr/LOG:  provider of a KEK: program of KEK command:own, unwrap: the vault is on fire/,
	'it is in the log');
is(asks("SELECT bulla.decrypt(bulla.encrypt('still', 'own'))"), 'still', 'who has the key cached goes on');

# Changes of other keys, and of the statistics, do not take it away from him; its own do.
set_settings($node, 'bulla.kek' => "$with_age, command:own:$program %o");
$node->safe_psql('postgres', "SELECT bulla.create_key('another'); ANALYZE bulla.key_versions; VACUUM bulla.key_names, bulla.key_versions;");
is(asks("SELECT bulla.decrypt('$own')"), 'mine', 'also when another key was made meanwhile');
$node->safe_psql('postgres', "UPDATE bulla.key_versions SET state = 'disabled' WHERE key_id = (SELECT key_id FROM bulla.key_names WHERE name = 'another')");
is(asks("SELECT bulla.decrypt('$own')"), 'mine', 'or disabled');
$node->safe_psql('postgres', "UPDATE bulla.key_versions SET state = 'disabled' WHERE key_id = (SELECT key_id FROM bulla.key_names WHERE name = 'own')");
$session->query("SELECT bulla.decrypt('$own')");
like($session->{stderr}, qr/version 1 of key "own" is disabled/, 'but not when it is disabled itself');
$session->{stderr} = '';
$node->safe_psql('postgres', "UPDATE bulla.key_versions SET state = 'enabled' WHERE key_id = (SELECT key_id FROM bulla.key_names WHERE name = 'own')");
$session->query("SELECT bulla.decrypt('$own')");
like($session->{stderr}, qr/the program ended with status 1/, 'nor from the cache when it is enabled again');
$session->{stderr} = '';
write_program($program, $works);
is(asks("SELECT bulla.decrypt('$own')"), 'mine', 'until the program is back');

# The time to live ends it.
set_settings($node, 'bulla.key_cache_ttl' => '2s');
is(asks("SELECT bulla.decrypt('$own')"), 'mine', 'within the time to live');
write_program($program, $fails);
ok(poll(sub { $session->query("SELECT bulla.decrypt('$own')"); return $session->{stderr} =~ /ERROR/; }),
	'after the time to live a cached key serves no more');
like($session->{stderr}, qr/ERROR:.*key "own": KEK command:own could not unwrap: the program ended with status 1/, 'and the error is clear');
$session->{stderr} = '';
write_program($program, $works);
is(asks("SELECT bulla.decrypt('$own')"), 'mine', 'when the program is back, it is asked again');

# One that hangs: the limit holds.
set_settings($node, 'bulla.key_cache_ttl' => '1h');
write_program($program, $hangs);
my $began = time;
fails_like("SELECT bulla.decrypt('$own')", qr/ERROR:.*"own".*no answer within 1000 ms/, 'a program that hangs is waited for no longer than the limit');
cmp_ok(time - $began, '<', 60, 'really');

# And it can be cancelled at once; the program dies with the statement, and with the session.
set_settings($node, 'bulla.kek_timeout' => '10min');
for my $case (
	[ 'pg_cancel_backend', sub { $node->safe_psql('postgres', "SELECT pg_cancel_backend($_[0])") }, qr/canceling statement due to user request/ ],
	[ 'statement_timeout', undef, qr/canceling statement due to statement timeout/ ],
	[ 'pg_terminate_backend', sub { $node->safe_psql('postgres', "SELECT pg_terminate_backend($_[0])") }, qr/terminating connection due to administrator command/ ],
	[ 'kill -9 of the backend', sub { kill 'KILL', $_[0] }, qr/server closed the connection|connection to server was lost/ ])
{
	my ($name, $end, $expected) = @$case;
	my $timeout = $end ? '' : 'SET statement_timeout = 2000; ';
	my $hanging = start_psql($node, 'hanging', "${timeout}SELECT bulla.decrypt('$own');");
	ok($node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity
		WHERE application_name = 'hanging' AND state = 'active' AND wait_event_type = 'Extension'"), "$name: a backend waits for the program");
	my $pid = $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE application_name = 'hanging'");
	my @children;
	ok(poll(sub { @children = children_of($pid); return @children == 1; }), "$name: the program runs");
	$end->($pid) if $end;
	like(finish_psql($hanging), $expected, "$name: ends the wait");
	ok(poll(sub { return !grep { kill 0, $_ } @children; }), "$name: and the program");
	ok(poll(sub { answers($node) }), "$name: the server is back") if $name =~ /kill/;
}

# Interrupted sessions are as good as new ones.
write_program($program, $works);
my $after = start_psql($node, 'after', "SET statement_timeout = 1000;\n\\set ON_ERROR_STOP off\nSELECT bulla.decrypt('$own');");
is(finish_psql($after), 'mine', 'after all that the program is asked and answers');

# A program that fails does not make a key; nothing of it remains.
set_settings($node, 'bulla.kek' => "command:own:$program %o", 'bulla.kek_timeout' => '5s');
write_program($program, $fails);
fails_like("SELECT bulla.create_key('never')", qr/ERROR:.*KEK command:own could not wrap: the program ended with status 1/, 'no key is made');
is($node->safe_psql('postgres', "SELECT count(*) FROM bulla.keys WHERE name = 'never'"), '0', 'really');

$session->quit;
$node->stop;
run_command([ 'gpgconf', '--homedir', $home, '--kill', 'gpg-agent' ]);
done_testing();
