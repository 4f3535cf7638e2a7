# A KEK in a PKCS#11 token (SoftHSM): made there, never out of it, used by several backends at once; what is
# wrong with module, token, key or PIN is said.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/..";
use BullaTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $base = $PostgreSQL::Test::Utils::tmp_check;
my ($module) = grep { -e } ('/usr/lib/softhsm/libsofthsm2.so', glob '/usr/lib/*/softhsm/libsofthsm2.so');
die 'SoftHSM is not installed' unless $module;
umask 077;
mkdir "$base/tokens" or die $!;
append_to_file("$base/softhsm2.conf", "directories.tokendir = $base/tokens\nobjectstore.backend = file\nlog.level = ERROR\n");
$ENV{SOFTHSM2_CONF} = "$base/softhsm2.conf";    # the server's environment too

my $pin = write_file("$base/pin", "4711-hunter2\n");

sub make_token
{
	my ($label) = @_;
	system_or_bail('softhsm2-util', '--init-token', '--free', '--label', $label, '--so-pin', '0000-officer', '--pin', '4711-hunter2');
	return;
}

sub make_key
{
	my ($token, $label, @options) = @_;
	system_or_bail('pkcs11-tool', '--module', $module, '--token-label', $token, '--login', '--pin', '4711-hunter2', '--keygen',
		'--key-type', 'AES:32', '--label', $label, '--usage-decrypt', @options);
	return;
}
make_token('bulla');
make_key('bulla', 'kek 1', '--id', '01', '--sensitive');
make_key('bulla', 'kek2', '--id', '02', '--sensitive');
make_key('bulla', 'twice', '--id', '03', '--sensitive');
make_key('bulla', 'twice', '--id', '04', '--sensitive');
make_key('bulla', 'loose', '--id', '05', '--extractable');
system_or_bail('pkcs11-tool', '--module', $module, '--token-label', 'bulla', '--login', '--pin', '4711-hunter2', '--keygen',
	'--key-type', 'AES:16', '--label', 'short', '--id', '06', '--sensitive');

my $node = new_node('kek_pkcs11', settings => 'bulla.kek_timeout = 60s');
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION bulla');

sub item { my ($path, $query) = @_; return "pkcs11:$path?module-path=$module&pin-source=file:" . ($query // $pin); }
my $first = item('token=bulla;object=kek%201');
my $second = item('token=bulla;object=kek2;id=%02;type=secret-key');

set_settings($node, 'bulla.kek' => $first);
$node->safe_psql('postgres', "SELECT bulla.create_key('card')");
my $sealed = $node->safe_psql('postgres', "SELECT bulla.encrypt('in the token', 'card')");
is($node->safe_psql('postgres', "SELECT bulla.decrypt('$sealed')"), 'in the token', 'a new session unwraps the key in the token');
like($node->safe_psql('postgres', 'SELECT kek_id FROM bulla.keys'), qr/^pkcs11:[0-9a-f]{32}$/, 'the KEK is named');
is($node->safe_psql('postgres', "SELECT position('bulla.key.v1'::bytea IN wrapped) FROM bulla.key_versions"), '0', 'what is stored is sealed');

# What is bound by the token: nothing can be moved or altered.
$node->safe_psql('postgres', "SELECT bulla.create_key('other')");
$node->safe_psql('postgres', q{
	CREATE TABLE kept AS SELECT version_id, wrapped FROM bulla.key_versions;
	UPDATE bulla.key_versions AS v SET wrapped = o.wrapped FROM bulla.key_versions AS o WHERE o.version_id <> v.version_id});
like(errors_of($node, "SELECT bulla.decrypt('$sealed')"), qr/ERROR:.*"card": wrapped key was altered, or belongs to another key version/, 'a wrapped key of another key is refused');
$node->safe_psql('postgres', 'UPDATE bulla.key_versions AS v SET wrapped = set_byte(k.wrapped, octet_length(k.wrapped) - 1, 255 - get_byte(k.wrapped, octet_length(k.wrapped) - 1)) FROM kept AS k WHERE k.version_id = v.version_id');
like(errors_of($node, "SELECT bulla.decrypt('$sealed')"), qr/ERROR:.*"card": wrapped key was altered/, 'an altered one too');
$node->safe_psql('postgres', 'UPDATE bulla.key_versions AS v SET wrapped = k.wrapped FROM kept AS k WHERE k.version_id = v.version_id; DROP TABLE kept');

# Several backends at once, each with processes and sessions of their own.
$node->safe_psql('postgres', "CREATE TABLE cards AS SELECT g AS id, bulla.encrypt('number ' || g, 'card') AS number FROM generate_series(1, 200) AS g");
my @sessions = map {
	start_psql($node, "parallel$_", "SELECT bool_and(bulla.decrypt(number) = 'number ' || id) FROM cards;
		SELECT bulla.create_key('of $_') IS NOT NULL;
		SELECT bulla.decrypt(bulla.encrypt('mine', 'of $_'));") } 1 .. 8;
is(join(' ', map { my $printed = finish_psql($_); $printed =~ s/\n/ /g; $printed } @sessions), join(' ', ('t t mine') x 8),
	'eight backends use the token at once');

# Old and new side by side, moved from one to the other.
set_settings($node, 'bulla.kek' => "$second, $first");
$node->safe_psql('postgres', 'CALL bulla.rewrap_keys()');
is($node->safe_psql('postgres', 'SELECT count(DISTINCT kek_id) FROM bulla.keys'), '1', 'all keys are under the second');
set_settings($node, 'bulla.kek' => $second);
is($node->safe_psql('postgres', "SELECT bulla.decrypt('$sealed')"), 'in the token', 'and open without the first');
is($node->safe_psql('postgres', 'SELECT bool_and(bulla.decrypt(number) = $$number $$ || id) FROM cards'), 't', 'with everything sealed before');

# What is wrong is said; no PIN is.
my $wrong = write_file("$base/wrong", "0815-swordfish\n");
my $open = write_file("$base/open", "4711-hunter2\n");
chmod 0644, $open or die $!;
my $inside = $node->data_dir . '/pin';
append_to_file($inside, "4711-hunter2\n");
for my $case (
	[ item('token=bulla;object=kek2', $wrong), qr/KEK pkcs11:bulla\/kek2: C_Login failed with CKR 0xa0/, 'a wrong PIN' ],
	[ item('token=bulla;object=kek2', $open), qr/PIN file ".*open" of setting bulla\.kek has mode 0644/, 'a PIN that others can read' ],
	[ item('token=bulla;object=kek2', $inside), qr/PIN file.*lies under the data directory/, 'a PIN that backups have' ],
	[ item('token=bulla;object=kek2', "$base/absent"), qr/PIN file.*No such file/, 'no PIN' ],
	[ item('token=bulla;object=kek2', write_file("$base/empty", "\n")), qr/does not hold a PIN/, 'an empty PIN' ],
	[ item('token=other;object=kek2'), qr/no token with this label is present/, 'no such token' ],
	[ item('token=bulla;object=absent'), qr/the token has no AES key with this label/, 'no such key' ],
	[ item('token=bulla;object=twice'), qr/several AES keys with this label/, 'two such keys' ],
	[ item('token=bulla;object=loose'), qr/can be taken out of the token/, 'a key that could leave the token' ],
	[ item('token=bulla;object=short'), qr/has not 256 bits/, 'a key of 128 bits' ],
	[ "pkcs11:token=bulla;object=kek2?module-path=/nonexistent.so&pin-source=$pin", qr/module cannot be loaded/, 'no such module' ],
	[ "pkcs11:token=bulla;object=kek2?module-path=/lib/x86_64-linux-gnu/libc.so.6&pin-source=$pin", qr/module cannot be loaded/, 'a library that is no module' ],
	[ "pkcs11:token=bulla;object=kek2?module-path=$module&pin-value=4711-hunter2", qr/holds a PIN/, 'a PIN in the setting' ])
{
	my ($item, $reason, $name) = @$case;
	set_settings($node, 'bulla.kek' => $item);
	my $errors = errors_of($node, "SELECT bulla.create_key('never')");
	like($errors, $reason, "$name: it is said");
	unlike($errors, qr/4711-hunter2|0815-swordfish/, "$name: the PIN is not");
}
set_settings($node, 'bulla.kek' => item('token=bulla;object=twice;id=%04'));
is($node->safe_psql('postgres', "SELECT bulla.create_key('by id') IS NOT NULL"), 't', 'one of two by its id');

# Two tokens of one label are told apart by their serials.
make_token('bulla');
my ($slots) = run_command([ 'softhsm2-util', '--show-slots' ]);
my @serials = $slots =~ /Serial number:\s+([0-9a-f]+)/g;
set_settings($node, 'bulla.kek' => $second);
like(errors_of($node, "SELECT bulla.decrypt('$sealed')"), qr/several tokens with this label/, 'two tokens with one label');
my @answers;
for my $serial (@serials)
{
	set_settings($node, 'bulla.kek' => item("token=bulla;serial=$serial;object=kek2"));
	my ($code, $output, $errors) = $node->psql('postgres', "SELECT bulla.decrypt('$sealed')");
	push @answers, $output if $output ne '';
}
is_deeply(\@answers, ['in the token'], 'one of them by its serial');
$node->stop;
unlike(slurp_file($node->logfile), qr/4711-hunter2.*ERROR|ERROR.*4711-hunter2|LOG:.*provider.*4711-hunter2/, 'no PIN is in the log');
done_testing();
