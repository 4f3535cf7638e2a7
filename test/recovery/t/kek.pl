# The file that bulla.kek names: what is wrong with it is said clearly, naming the setting and never the key;
# what is changed by a reload counts at the next unwrap.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/..";
use BullaTest;
use MIME::Base64 qw(encode_base64);
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('kek');
my $data = $node->data_dir;
my $base = "$PostgreSQL::Test::Utils::tmp_check";
my $good = kek_file();
my $key = slurp_file($good);
chomp $key;
my $tablespace = "$base/tablespace";
mkdir $tablespace or die $!;
$node->start;
$node->safe_psql('postgres', "CREATE EXTENSION bulla; CREATE TABLESPACE elsewhere LOCATION '$tablespace';");
$node->safe_psql('postgres', "SELECT bulla.create_key('card')");
my $sealed = $node->safe_psql('postgres', "SELECT bulla.encrypt('secret', 'card')");

# Both ways to need the KEK fail, with the setting named and the key unsaid.
sub refused
{
	my ($value, $reason, $name) = @_;
	set_settings($node, 'bulla.kek' => $value);
	for my $statement ("SELECT bulla.decrypt('$sealed')", "SELECT bulla.create_key('never')")
	{
		my $errors = errors_of($node, $statement);
		my ($function) = $statement =~ /bulla\.(\w+)/;
		like($errors, qr/ERROR:.*bulla\.kek/, "$name: $function names the setting");
		like($errors, $reason, "$name: $function says why");
		unlike($errors, qr/\Q$key\E/, "$name: $function does not tell the key");
	}
	return;
}

refused('', qr/is not set/, 'not set');
refused('file:', qr/not absolute/, 'no path');
refused('file:kek', qr/not absolute/, 'a relative path');
refused($good, qr/unknown kind/, 'a path alone');
refused("other:$good", qr/unknown kind/, 'another kind');
refused("vault:$good", qr/names no https/, 'Vault without an address');
refused("FILE:$good", qr/unknown kind/, 'in capitals');
refused('file:/nonexistent/kek', qr/No such file/, 'absent');
refused("file:$good/kek", qr/Not a directory/, 'under a file');
refused("file:$base", qr/not a regular file/, 'a directory');
refused('file:/dev/null', qr/not a regular file/, 'a device');
for my $mode (0640, 0604, 0660, 0644, 0601, 0610)
{
	my $name = sprintf 'mode %04o', $mode;
	refused('file:' . write_file("$base/open", "$key\n", $mode), qr/has $name/, $name);
}
my $raw = MIME::Base64::decode_base64($key);
refused('file:' . write_file("$base/content", ''), qr/does not hold a KEK/, 'empty');
refused('file:' . write_file("$base/content", "\n"), qr/does not hold a KEK/, 'an empty line');
refused('file:' . write_file("$base/content", encode_base64(substr($raw, 1), '')), qr/does not hold a KEK/, '31 bytes');
refused('file:' . write_file("$base/content", encode_base64("x$raw", '')), qr/does not hold a KEK/, '33 bytes');
refused('file:' . write_file("$base/content", $raw), qr/does not hold a KEK/, 'raw bytes');
refused('file:' . write_file("$base/content", unpack('H*', $raw)), qr/does not hold a KEK/, 'hexadecimal');
refused('file:' . write_file("$base/content", "$key\n\n"), qr/does not hold a KEK/, 'two line ends');
refused('file:' . write_file("$base/content", "$key\r\n"), qr/does not hold a KEK/, 'a line end of another system');
refused('file:' . write_file("$base/content", " $key"), qr/does not hold a KEK/, 'a space before');
refused('file:' . write_file("$base/content", substr($key, 0, -1)), qr/does not hold a KEK/, 'without padding');
refused('file:' . write_file("$base/content", "$key\n$key\n"), qr/does not hold a KEK/, 'two keys');

# Where a base backup would take it along, links resolved.
refused('file:' . write_file("$data/kek", "$key\n"), qr/lies under the data directory/, 'in the data directory');
refused('file:' . write_file("$data/base/kek", "$key\n"), qr/lies under the data directory/, 'deep in it');
symlink "$data/kek", "$base/link" or die $!;
refused("file:$base/link", qr/lies under the data directory/, 'a link into it');
symlink $data, "$base/directory" or die $!;
refused("file:$base/directory/kek", qr/lies under the data directory/, 'through a linked directory');
refused("file:$data/../" . ($data =~ m{([^/]+)$})[0] . '/kek', qr/lies under the data directory/, 'by way of ..');
refused('file:' . write_file("$data/pg_wal/kek", "$key\n"), qr/lies under the (data|WAL) directory/, 'in the WAL directory');
refused('file:' . write_file("$tablespace/kek", "$key\n"), qr/lies under a tablespace/, 'in a tablespace');
refused("file:$data/pg_tblspc", qr/./, 'the directory of tablespaces');
link "$data/kek", "$base/hard" or die $!;
refused("file:$base/hard", qr/hard link/, 'a second name of a file in it');
unlink "$data/kek", "$data/base/kek", "$data/pg_wal/kek", "$tablespace/kek", "$base/hard";

# The WAL directory may lie elsewhere.
$node->stop;
rename "$data/pg_wal", "$base/wal" or die $!;
symlink "$base/wal", "$data/pg_wal" or die $!;
$node->start;
refused('file:' . write_file("$base/wal/kek", "$key\n"), qr/lies under the WAL directory/, 'in a WAL directory elsewhere');
unlink "$base/wal/kek";

# Another KEK opens nothing that is there, and says so; new keys are made under it.
write_kek("$base/other");
set_settings($node, 'bulla.kek' => "file:$base/other");
my $errors = errors_of($node, "SELECT bulla.decrypt('$sealed')");
like($errors, qr/ERROR:.*"card"/, 'another KEK: the error names the key');
like($errors, qr/bulla\.kek/, 'another KEK: and the setting');
unlike($errors, qr/\Q$key\E/, 'another KEK: and tells none');
is($node->safe_psql('postgres', "SELECT bulla.create_key('under another') IS NOT NULL"), 't',
	'another KEK: a new key is made');
is($node->safe_psql('postgres', "SELECT bulla.decrypt(bulla.encrypt('x', 'under another'))"), 'x',
	'another KEK: and used');

# What a session has unwrapped it goes on using; what it has not, it reads by the new setting.
set_settings($node, 'bulla.kek' => "file:$good");
is($node->safe_psql('postgres', "SELECT bulla.decrypt('$sealed')"), 'secret', 'set right again by a reload');
my $holder = start_psql($node, 'holder', 'SELECT pg_advisory_lock(1); SELECT pg_sleep(600);');
$node->poll_query_until('postgres', "SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory'") or die;
my $session = start_psql($node, 'open', qq{
	SELECT bulla.decrypt('$sealed');
	SELECT pg_advisory_lock(1);
	SELECT bulla.decrypt('$sealed');
	SELECT current_setting('bulla.kek');
	SELECT bulla.encrypt('x', 'under another');});
ok(is_waiting($node, 'open'), 'a session has opened a value');
set_settings($node, 'bulla.kek' => 'file:/nonexistent');
$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holder'");
finish_psql($holder);
like(finish_psql($session), qr{^secret\n\nsecret\nfile:/nonexistent\n.*ERROR:.*bulla\.kek.*No such file},
	'it opens it again, and meets the new setting where it needs the KEK');
set_settings($node, 'bulla.kek' => "file:$good");

# The server starts without a usable KEK, and says so when one is needed; a link is as good as the file.
$node->append_conf('postgresql.conf', "bulla.kek = 'file:/nonexistent'\n");
$node->restart;
like(errors_of($node, "SELECT bulla.decrypt('$sealed')"), qr/No such file/, 'after a restart without KEK');
is($node->safe_psql('postgres', "CREATE TABLE ledger (a int); SELECT bulla.create_ledger('ledger') IS NOT NULL"), 't',
	'ledgers need none');
unlink "$base/link";
symlink $good, "$base/link" or die $!;
set_settings($node, 'bulla.kek' => "file:$base/link");
is($node->safe_psql('postgres', "SELECT bulla.decrypt('$sealed')"), 'secret', 'a link to the file');
write_file("$base/strict", $key, 0400);
set_settings($node, 'bulla.kek' => "file:$base/strict");
is($node->safe_psql('postgres', "SELECT bulla.decrypt('$sealed')"), 'secret', 'mode 0400, no line end');
$node->stop;
unlike(slurp_file($node->logfile), qr/\Q$key\E/, 'the key is not in the log');
done_testing();
