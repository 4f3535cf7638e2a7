# What is in the memory of a backend: its core dump holds a data key while the key is cached, which shows that
# this test would find it, and neither data key nor KEK afterwards.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/..";
use BullaTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $kek = join '', map { chr } 0x91 .. 0xB0;
write_kek(kek_file(), $kek);
my $base = $PostgreSQL::Test::Utils::tmp_check;
# The key bytes stand in the table with one bit of each byte turned, so that they can be known here and are in
# the backend only where it has unwrapped them.
my $program = "$base/turn";
my $turn = q{perl -e 'local $/; binmode STDIN; binmode STDOUT; my $x = <STDIN>; print $x ^ ("\x01" x length $x)'};
write_program($program, $turn);
my $node = new_node('key_memory');
$node->append_conf('postgresql.conf', "bulla.kek = 'command:turning:$program, file:" . kek_file() . "'\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION bulla');

# The data key of a key's first version.
sub data_key
{
	my ($name) = @_;
	my $sealed = pack 'H*', $node->safe_psql('postgres', "SELECT encode(substr(wrapped, 19), 'hex')
		FROM bulla.key_versions JOIN bulla.key_names USING (key_id) WHERE name = '$name'");
	my $structure = $sealed ^ ("\x01" x length $sealed);
	like($structure, qr/^bulla\.key\.v1\0/, "the structure of key $name is known");
	return substr($structure, 35);
}

# How often some bytes are in the memory of a process; with everything, also in what core dumps leave out.
my $dumps = 0;
sub found
{
	my ($pid, $bytes, $everything) = @_;
	my $core = "$base/core" . ++$dumps;
	my @all = $everything ? ('-ex', 'set dump-excluded-mappings on', '-ex', 'set use-coredump-filter off') : ();
	my ($output, $errors) =
	  run_command([ 'gdb', '--batch', '--nx', '-p', $pid, @all, '-ex', "generate-core-file $core" ]);
	die "no core dump: $output $errors" unless -s $core;
	my $memory = slurp_file($core);
	unlink $core;
	my ($count, $at) = (0, -1);
	++$count while ($at = index($memory, $bytes, $at + 1)) >= 0;
	# That it is a dump of this backend.
	die 'the dump lacks what is certainly there' if index($memory, 'bulla.key_versions') < 0 && index($memory, 'key_versions') < 0;
	return $count;
}

# Under the KEK in the file, too.
$node->safe_psql('postgres', "SELECT bulla.create_key('turned')");
my $sealed = $node->safe_psql('postgres', "SELECT bulla.encrypt('opened', 'turned')");
my $data_key = data_key('turned');
is(length $data_key, 32, 'a data key to look for');

my $session = $node->background_psql('postgres', on_error_stop => 0);
my $pid = $session->query_safe('SELECT pg_backend_pid()');
my $asked = sub { return $session->query_safe("SELECT bulla.decrypt('$sealed')"); };
is($asked->(), 'opened', 'a session opens a value');
cmp_ok(found($pid, $data_key), '>', 0, 'its data key is in a core dump, expanded in a cipher: the documentation says so');

# Its change evicts it, at the next call or the end of a transaction without one.
my $state = "UPDATE bulla.key_versions SET state = '%s' WHERE key_id = (SELECT key_id FROM bulla.key_names WHERE name = 'turned')";
$node->safe_psql('postgres', sprintf $state, 'disabled');
$session->query("SELECT bulla.decrypt('$sealed')");
like($session->{stderr}, qr/is disabled/, 'the key is disabled');
is(found($pid, $data_key, 1), 0, 'it is nowhere in the memory of the session');
$session->{stderr} = '';

$node->safe_psql('postgres', sprintf $state, 'enabled');
is($asked->(), 'opened', 'enabled again');
cmp_ok(found($pid, $data_key), '>', 0, 'it is there again');
$node->safe_psql('postgres', sprintf $state, 'disabled');
$session->query_safe('SELECT 1');
$session->query_safe('SELECT 1');
is(found($pid, $data_key, 1), 0, 'a transaction that uses no key wipes it as well');

# The time to live does.
$node->safe_psql('postgres', sprintf $state, 'enabled');
is($asked->(), 'opened', 'enabled once more');
cmp_ok(found($pid, $data_key), '>', 0, 'it is there once more');
write_program($program, 'exit 1');
set_settings($node, 'bulla.key_cache_ttl' => '1s');
ok(poll(sub { $session->query("SELECT bulla.decrypt('$sealed')"); return $session->{stderr} =~ /ended with status 1/; }), 'its time is over, and the program away');
is(found($pid, $data_key, 1), 0, 'it is nowhere');
$session->{stderr} = '';

# What the program answers is wiped even where it is not what was asked for.
write_program($program, $turn . '; printf x');
set_settings($node, 'bulla.key_cache_ttl' => '1h');
$session->query("SELECT bulla.decrypt('$sealed')");
like($session->{stderr}, qr/wrong size/, 'an answer that is too long is refused');
is(found($pid, $data_key, 1), 0, 'it is nowhere');
$session->{stderr} = '';

# Making a key leaves nothing of it behind.
write_program($program, $turn);
$session->query_safe("SELECT bulla.create_key('made here')");
is(found($pid, data_key('made here'), 1), 0, 'who makes a key does not keep it');

# A KEK in a file is read, used, and gone.
set_settings($node, 'bulla.kek' => 'file:' . kek_file());
$session->query_safe("SELECT bulla.create_key('under a file')");
is($session->query_safe("SELECT bulla.decrypt(bulla.encrypt('x', 'under a file'))"), 'x', 'a key under a KEK in a file');
is(found($pid, $kek, 1), 0, 'the KEK is nowhere in the memory of the session');
$session->quit;
$node->stop;
unlike(slurp_file($node->logfile), qr/\Q$kek\E|\Q$data_key\E/, 'neither is in the log');

# Nor is the data key in any file of the cluster, its write-ahead log included.
my $files = 0;
my @folders = ($node->data_dir);
my $in_files = 0;
while (my $folder = shift @folders)
{
	opendir(my $entries, $folder) or next;
	for my $entry (grep { !/^\.\.?$/ } readdir $entries)
	{
		my $path = "$folder/$entry";
		push @folders, $path if -d $path;
		next unless -f $path;
		++$files;
		++$in_files if index(slurp_file($path), $data_key) >= 0;
	}
}
cmp_ok($files, '>', 500, 'all files of the cluster were read');
is($in_files, 0, 'the data key is in none');
done_testing();
