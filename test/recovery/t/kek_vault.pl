# A KEK of the transit engine of Vault: the documented API, faults, authentication. Against the mock of this
# folder, which hvac judges first; or, where VAULT_ADDR, VAULT_TOKEN, VAULT_CACERT, ROLE_ID and SECRET_ID name a
# server with transit and AppRole enabled, against that, without the faults that only the mock can show.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/..";
use BullaTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $folder = "$FindBin::RealBin/..";
my $base = $PostgreSQL::Test::Utils::tmp_check;
my $real = exists $ENV{VAULT_ADDR};
umask 077;

# Two authorities, one of which signs what the mock shows.
sub make_certificate
{
	my ($name) = @_;
	system_or_bail('openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=mock vault',
		'-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', "$base/$name.key", '-out', "$base/$name.pem");
	return;
}
my $mock;
if (!$real)
{
	make_certificate($_) for 'mock', 'other';
	$mock = IPC::Run::start([ '/usr/bin/python3', "$folder/mock_vault.py", "$base/mock.pem", "$base/mock.key", "$base/port" ],
		'<', '/dev/null', '>', "$base/mock.log", '2>', "$base/mock.err");
	poll(sub { -e "$base/port" }) or die 'the mock does not start';
	%ENV = (%ENV, VAULT_ADDR => 'https://127.0.0.1:' . slurp_file("$base/port"), VAULT_CACERT => "$base/mock.pem",
		VAULT_TOKEN => 'hvs.mock-root-token', ROLE_ID => 'mock-role-id', SECRET_ID => 'mock-secret-id');
}
note($real ? "against the server at $ENV{VAULT_ADDR}" : 'against the mock');
my ($hvac, $hvac_errors) = run_command([ '/usr/bin/python3', "$folder/check_mock_vault.py" ]);
unlike($hvac, qr/not ok/, 'hvac, an independent client, is content with the server') or diag($hvac);
like($hvac, qr/^1\.\.\d+$/m, 'and has asked it everything') or diag($hvac_errors);

# What a test asks of the server, beside Bulla.
sub ask
{
	my ($method, $path, $body) = @_;
	my ($output) = run_command([ 'curl', '--silent', '--show-error', '--cacert', $ENV{VAULT_CACERT}, '--request', $method,
		'--header', "X-Vault-Token: $ENV{VAULT_TOKEN}", '--data', $body // '{}', "$ENV{VAULT_ADDR}/$path" ]);
	return $output;
}
ask('POST', 'v1/transit/keys/bulla');
ask('POST', 'v1/transit/keys/bulla2');
my $token = write_file("$base/token", "$ENV{VAULT_TOKEN}\n");
my $role = write_file("$base/role", "$ENV{ROLE_ID}\n");
my $secret = write_file("$base/secret", "$ENV{SECRET_ID}\n");
my $by_token = "vault:$ENV{VAULT_ADDR}?key=bulla&token_file=$token&ca_file=$ENV{VAULT_CACERT}";
my $by_role = "vault:$ENV{VAULT_ADDR}?key=bulla&role_id_file=$role&secret_id_file=$secret&ca_file=$ENV{VAULT_CACERT}";

my $node = new_node('kek_vault', settings => 'bulla.kek_timeout = 30s');
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION bulla');

set_settings($node, 'bulla.kek' => $by_token);
$node->safe_psql('postgres', "SELECT bulla.create_key('card')");
my $sealed = $node->safe_psql('postgres', "SELECT bulla.encrypt('in the vault', 'card')");
my $open = "SELECT bulla.decrypt('$sealed')";
is($node->safe_psql('postgres', $open), 'in the vault', 'by a token: a new session unwraps the key');
set_settings($node, 'bulla.kek' => $by_role);
is($node->safe_psql('postgres', $open), 'in the vault', 'by AppRole');
like($node->safe_psql('postgres', q{SELECT v.kek_id || ' ' || convert_from(substr(wrapped, 19), 'UTF8') FROM bulla.key_versions AS v}),
	qr{^vault:[0-9a-f]{32} vault:v1:[A-Za-z0-9+/=]+$}, 'what is stored is what transit made of it');

# Bound by associated data.
$node->safe_psql('postgres', q{
	SELECT bulla.create_key('other');
	CREATE TABLE kept AS SELECT version_id, wrapped FROM bulla.key_versions;
	UPDATE bulla.key_versions AS v SET wrapped = o.wrapped FROM bulla.key_versions AS o WHERE o.version_id <> v.version_id});
like(errors_of($node, $open), qr/ERROR:.*"card": wrapped key was altered, or belongs to another key version/, 'a wrapped key of another key is refused');
$node->safe_psql('postgres', 'UPDATE bulla.key_versions AS v SET wrapped = k.wrapped FROM kept AS k WHERE k.version_id = v.version_id');
is($node->safe_psql('postgres', $open), 'in the vault', 'the right one is taken');

# The transit key's own versions, and moving to another key.
ask('POST', 'v1/transit/keys/bulla/rotate');
$node->safe_psql('postgres', "SELECT bulla.create_key('after')");
like($node->safe_psql('postgres', q{SELECT convert_from(substr(wrapped, 19), 'UTF8') FROM bulla.keys JOIN bulla.key_versions USING (version_id) WHERE name = 'after'}),
	qr/^vault:v2:/, 'a transit key that was rotated wraps by its new version');
is($node->safe_psql('postgres', $open), 'in the vault', 'and opens what its old one wrapped');
(my $other = $by_role) =~ s/key=bulla/key=bulla2/;
set_settings($node, 'bulla.kek' => "$other, $by_role");
$node->safe_psql('postgres', 'CALL bulla.rewrap_keys()');
is($node->safe_psql('postgres', 'SELECT count(DISTINCT kek_id), count(*) FROM bulla.keys'), '1|3', 'all keys are under another transit key');
set_settings($node, 'bulla.kek' => $other);
is($node->safe_psql('postgres', $open), 'in the vault', 'and open without the first');
set_settings($node, 'bulla.kek' => "$other&name=renamed");
like(errors_of($node, $open), qr/which setting bulla\.kek does not name/, 'a KEK of another name is another KEK');
set_settings($node, 'bulla.kek' => $other);

# Credentials.
(my $wrong = $by_token) =~ s/key=bulla/key=bulla2/;
my $wrong_token = write_file("$base/wrong", "hvs.not-a-token\n");
set_settings($node, 'bulla.kek' => $wrong =~ s/token_file=[^&]+/token_file=$wrong_token/r);
like(errors_of($node, $open), qr/ERROR:.*KEK vault:transit\/bulla2: answered with status 403: permission denied/, 'a wrong token');
unlike(errors_of($node, $open), qr/hvs\./, 'is not told');
my $wrong_secret = write_file("$base/wrong_secret", "not-a-secret\n");
set_settings($node, 'bulla.kek' => $other =~ s/secret_id_file=[^&]+/secret_id_file=$wrong_secret/r);
like(errors_of($node, $open), qr/refused the role id and secret id/, 'a wrong secret id');
chmod 0644, $wrong_token or die $!;
set_settings($node, 'bulla.kek' => $wrong =~ s/token_file=[^&]+/token_file=$wrong_token/r);
like(errors_of($node, $open), qr/token file ".*wrong" of setting bulla\.kek has mode 0644/, 'a token that others can read');
write_file("$base/wrong", "two\nlines\n");
like(errors_of($node, $open), qr/does not hold one line/, 'a token of two lines');
set_settings($node, 'bulla.kek' => $other =~ s/key=bulla2/key=absent&name=transit\/bulla2/r);
like(errors_of($node, $open), qr/ERROR:.*answered with status 40[04]/, 'a transit key that is not there');
set_settings($node, 'bulla.kek' => $other =~ s/&ca_file=[^&]+//r);
like(errors_of($node, $open), qr/ERROR:.*cannot be reached: SSL peer certificate/, 'a certificate that nobody vouches for') if !$real;

if (!$real)
{
	set_settings($node, 'bulla.kek' => $other =~ s/mock\.pem/other.pem/r);
	like(errors_of($node, $open), qr/ERROR:.*cannot be reached: SSL peer certificate/, 'a certificate of another authority');
	set_settings($node, 'bulla.kek' => $other =~ s/127\.0\.0\.1/localhost/r);
	like(errors_of($node, $open), qr/ERROR:.*cannot be reached: SSL/, 'a certificate of another name');
	set_settings($node, 'bulla.kek' => $other);

	my $fault = sub { my ($name, $times) = @_; ask('POST', 'mock', qq({"fault": "$name", "times": $times})); return; };
	my $asked = sub { my ($path) = @_; my ($count) = ask('GET', 'mock') =~ m{"\Q$path\E": (\d+)}; return $count // 0; };

	# Once is worth another try. A log-in is the first request.
	for my $name ('sealed', 'limited', 'error', 'half', 'garbage', 'slow')
	{
		$fault->($name, 1);
		is($node->safe_psql('postgres', $open), 'in the vault', "$name once: tried again");
		$fault->($name, 0);
	}
	# For ever is an error, soon.
	for my $case ([ 'sealed', qr/answered with status 503: sealed, or not the active node/ ],
		[ 'limited', qr/answered with status 429: too many requests/ ], [ 'error', qr/answered with status 500/ ],
		[ 'half', qr/cannot be reached: / ], [ 'garbage', qr/cannot be reached: / ],
		[ 'other_json', qr/answered something that is not of its API/ ], [ 'short', qr/answered something that is not of its API/ ],
		[ 'redirect', qr/answered with status 307: a redirect/ ])
	{
		my ($name, $reason) = @$case;
		$fault->($name, 1000);
		my $errors = errors_of($node, $open);
		like($errors, qr/ERROR:.*"card": KEK vault:transit\/bulla2: /, "$name: the key and its KEK are named");
		like($errors, $reason, "$name: and what is wrong");
		unlike($errors, qr/Vault is sealed|quota|internal error/, "$name: what the server said is not repeated");
		$fault->($name, 0);
	}
	like(slurp_file($node->logfile), qr/LOG:  provider of a KEK: KEK vault:transit\/bulla2: Vault is sealed/, 'that is in the log');

	# One that hangs: the limit holds, and the wait is cancelled.
	set_settings($node, 'bulla.kek_timeout' => '1s');
	$fault->('hang', 1);
	like(errors_of($node, $open), qr/ERROR:.*(no answer within 1000 ms|cannot be reached: Timeout was reached)/, 'a server that hangs');
	set_settings($node, 'bulla.kek_timeout' => '10min');
	$fault->('hang', 1);
	like(errors_of($node, "SET statement_timeout = 1000; $open"), qr/canceling statement due to statement timeout/, 'is given up by a cancel');
	$fault->('none', 0);
	set_settings($node, 'bulla.kek_timeout' => '30s');

	# Outage, and cached keys.
	my $session = $node->background_psql('postgres', on_error_stop => 0);
	is($session->query_safe($open), 'in the vault', 'a session opens a value');
	$fault->('sealed', 1000);
	is($session->query_safe("SELECT bulla.decrypt(bulla.encrypt('still', 'card'))"), 'still', 'sealed: it goes on with what it has');
	$fault->('none', 0);

	# What has expired comes back by one request, with the other versions of its keys.
	$node->safe_psql('postgres', "SELECT bulla.rotate_key('card') FROM generate_series(1, 4)");
	my $newest = $node->safe_psql('postgres', "SELECT bulla.encrypt('newest', 'card')");
	my $before = $asked->('transit/decrypt/bulla2');
	is($node->safe_psql('postgres', "SELECT bulla.decrypt('$newest') || ' ' || bulla.decrypt('$sealed')"), 'newest in the vault',
		'a new session opens values of two versions');
	is($asked->('transit/decrypt/bulla2') - $before, 1, 'by one request');

	# Tokens of AppRole are used again, and replaced when they are not known any more.
	my $logins = $asked->('auth/approle/login');
	is($session->query_safe("SELECT bulla.decrypt('$newest')"), 'newest', 'the session needs another key');
	is($asked->('auth/approle/login'), $logins, 'and has a token for it');
	ask('POST', 'mock', '{"expire": true}');
	$session->query_safe("SELECT bulla.create_key('made late')");
	is($session->query_safe("SELECT bulla.decrypt(bulla.encrypt('x', 'made late'))"), 'x', 'a token that has expired is replaced');
	is($asked->('auth/approle/login'), $logins + 1, 'by one log-in');
	ask('POST', 'mock', '{"secret_id": "changed"}');
	ask('POST', 'mock', '{"expire": true}');
	$session->query("SELECT bulla.create_key('never')");
	like($session->{stderr}, qr/ERROR:.*refused the role id and secret id/, 'unless it is refused one');
	$session->quit;

	# A token in a file is renewed by who uses it, when half of its time is over.
	my ($short) = ask('POST', 'v1/auth/token/create', '{"ttl": "4s"}') =~ /"client_token": "([^"]+)"/;
	write_file("$base/token", "$short\n");
	set_settings($node, 'bulla.kek' => $wrong);
	poll(sub { my ($ttl) = ask_as($short) =~ /"ttl": (\d+)/; return $ttl <= 1 }) or die;
	is($node->safe_psql('postgres', $open), 'in the vault', 'a token that is about to expire serves');
	is($asked->('auth/token/renew-self'), 2, 'and is renewed (hvac did so once)');
}

sub ask_as
{
	my ($as) = @_;
	my ($output) = run_command([ 'curl', '--silent', '--cacert', $ENV{VAULT_CACERT}, '--header', "X-Vault-Token: $as",
		"$ENV{VAULT_ADDR}/v1/auth/token/lookup-self" ]);
	return $output;
}

$node->stop;
my $log = slurp_file($node->logfile);
$log =~ s/.*parameter "bulla\.kek".*//g;
unlike($log, qr/\Q$ENV{VAULT_TOKEN}\E|\Q$ENV{SECRET_ID}\E|hvs\./, 'no token and no secret id is in the log');
if ($mock)
{
	$mock->kill_kill;
	unlike(slurp_file("$base/mock.err"), qr/Traceback/, 'the mock has not failed itself') or diag(slurp_file("$base/mock.err"));
}
done_testing();
