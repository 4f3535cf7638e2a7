# No key, KEK or wrapped key shows in a server log, in pg_stat_activity or in pg_stat_statements, whatever is
# logged; and no error of Bulla's own repeats a value or a context that it was given.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/..";
use BullaTest;
use MIME::Base64 qw(encode_base64);
use PostgreSQL::Test::Utils;
use Test::More;

# A KEK that can be looked for.
my $kek = join '', map { chr } 0x91 .. 0xB0;
write_kek(kek_file(), $kek);
my $other_kek = "$PostgreSQL::Test::Utils::tmp_check/other_kek";
my $other = join '', map { chr } 0x31 .. 0x50;
write_kek($other_kek, $other);
my $bad_kek = "$PostgreSQL::Test::Utils::tmp_check/bad_kek";
write_kek($bad_kek, 'Fifteen bytes!!');

my ($share) = run_command([ 'pg_config', '--sharedir' ]);
my $has_statements = -e "$share/extension/pg_stat_statements.control";
my ($library) = run_command([ 'pg_config', '--pkglibdir' ]);
my @preloaded = ('bulla', $has_statements ? 'pg_stat_statements' : (),
	-e "$library/auto_explain.so" ? 'auto_explain' : ());
my $node = new_node('secrets', settings => join("\n",
	"shared_preload_libraries = '" . join(', ', @preloaded) . "'",
	'pg_stat_statements.track = all', 'auto_explain.log_min_duration = 0', 'auto_explain.log_verbose = on',
	'auto_explain.log_nested_statements = on', 'auto_explain.log_analyze = on',
	'log_statement = all', 'log_min_duration_statement = 0', 'log_min_messages = debug5',
	'log_error_verbosity = verbose', 'log_parameter_max_length = -1',
	'log_parameter_max_length_on_error = -1', 'debug_print_parse = on', 'debug_print_plan = on',
	'log_executor_stats = on', 'track_activity_query_size = 100kB', 'compute_query_id = on'));
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION bulla');
$node->safe_psql('postgres', 'CREATE EXTENSION pg_stat_statements') if $has_statements;

# Values that only a caller knows.
my $plain = 'plaintext-7f3a';
my $context = 'context-2b9c';

# What a client is told that runs a statement with these parameters.
sub bound
{
	my ($statement, @values) = @_;
	my $list = join ', ', map { "'$_'" } @values;
	my $types = join ', ', map { 'text' } @values;
	my ($code, $output, $errors) =
	  $node->psql('postgres', "PREPARE one ($types) AS $statement; EXECUTE one($list)");
	return $errors;
}

# Making keys, sealing and opening, as every application does.
$node->safe_psql('postgres', "SELECT bulla.create_key('card')");
$node->safe_psql('postgres', "SELECT bulla.create_key('gone')");
my $sealed = $node->safe_psql('postgres', "SELECT bulla.encrypt('$plain', 'card', '$context')");
my $gone = $node->safe_psql('postgres', "SELECT bulla.encrypt('$plain', 'gone', '$context')");
is($node->safe_psql('postgres', "SELECT bulla.decrypt('$sealed', '$context')"), $plain, 'sealed and opened');
$node->safe_psql('postgres', "UPDATE bulla.key_versions SET state = 'disabled'
	WHERE key_id = (SELECT key_id FROM bulla.key_names WHERE name = 'gone')");

# Bound parameters stay out of the log when log_parameter_max_length is 0, as the documentation advises, and
# no plan is printed, of which they can be constants.
my $script = PostgreSQL::Test::Utils::tempdir() . '/bound.sql';
append_to_file($script, "SELECT bulla.decrypt(bulla.encrypt(:value, 'card', :place), :place);\n");
for my $length (-1, 0)
{
	local $ENV{PGOPTIONS} = "-c log_parameter_max_length=$length -c log_parameter_max_length_on_error=$length"
	  . ' -c debug_print_parse=off -c debug_print_plan=off -c auto_explain.log_min_duration=-1';
	$node->command_ok([ 'pgbench', '-n', '-t', '1', '-M', 'extended', '-D', "value=bound-$length-d41d",
		'-D', 'place=here', '-f', $script, '-d', $node->connstr('postgres') ],
		"bound parameters, log_parameter_max_length = $length");
}

# Every error that there is, with the plaintext or the context in an argument.
my $damaged = $sealed;
substr($damaged, 70, 1) = substr($damaged, 70, 1) eq 'A' ? 'B' : 'A';
my @failing = (
	[ 'SELECT bulla.decrypt($1, $2)', $sealed, "$context-wrong" ],
	[ 'SELECT bulla.decrypt($1, $2)', $damaged, $context ],
	[ 'SELECT bulla.decrypt($1, $2)', substr($sealed, 0, 40), $context ],
	[ 'SELECT bulla.decrypt($1, $2)', $plain, $context ],
	[ 'SELECT bulla.decrypt($1, $2)', "bulla1:$plain", $context ],
	[ 'SELECT bulla.decrypt($1, $2)', $gone, $context ],
	[ 'SELECT bulla.decrypt(convert_to($1, $$UTF8$$), $2)', $plain, $context ],
	[ 'SELECT bulla.decrypt_if_encrypted($1, $2)', "bulla1:$plain", $context ],
	[ 'SELECT bulla.encrypt($1, $$no such key$$, $2)', $plain, $context ],
	[ 'SELECT bulla.encrypt($1, $$gone$$, $2)', $plain, $context ],
	[ 'SELECT bulla.encrypt($1, NULL, $2)', $plain, $context ],
	[ 'SELECT bulla.encrypt($1 || $2, $$card$$, NULL)', $plain, $context ],
	[ 'SELECT bulla.encrypt(convert_to($1, $$UTF8$$), $$no such key$$, $2)', $plain, $context ],
	[ 'SELECT bulla.create_key($$new$$, $1, $2)', $plain, $context ],
	[ 'SELECT bulla.create_key($$new$$, $$encrypt$$, $1 || $2)', $plain, $context ]);

sub error_lines
{
	my ($text) = @_;
	# What Bulla itself says: message, detail, hint. STATEMENT and CONTEXT lines repeat the caller's words.
	return join "\n", grep { /(ERROR|DETAIL|HINT|FATAL|PANIC|WARNING):/ } split /\n/, $text;
}

my $told = '';
for my $case (@failing)
{
	my ($statement, @values) = @$case;
	my $errors = error_lines(bound($statement, @values));
	like($errors, qr/ERROR:/, "fails: $statement");
	$told .= "$errors\n";
}
# With wrong KEKs.
for my $path ($other_kek, $bad_kek, '/nonexistent')
{
	set_settings($node, 'bulla.kek' => "file:$path");
	for my $case ([ 'SELECT bulla.decrypt($1, $2)', $sealed, $context ],
		[ 'SELECT bulla.encrypt($1, $$card$$, $2)', $plain, $context ])
	{
		my ($statement, @values) = @$case;
		my $errors = error_lines(bound($statement, @values));
		like($errors, qr/ERROR:.*(KEK|kek)/, "fails with the KEK at $path: $statement");
		$told .= "$errors\n";
	}
}
unlike($told, qr/7f3a/, 'no error tells a plaintext');
unlike($told, qr/2b9c/, 'nor a context');
unlike($told, qr/bulla1:/, 'nor a sealed value');

# A ledger's errors do not tell what is in a row either.
$node->safe_psql('postgres', q{
	CREATE TABLE ledger (id int PRIMARY KEY, note text);
	SELECT bulla.create_ledger('ledger');});
my $rows = '';
for my $statement (
	"INSERT INTO ledger (id, note, seq) VALUES (1, '$plain', 9)",
	"SET bulla.restore = on; INSERT INTO ledger VALUES (1, '$plain', 0, '\\x00', '\\x00')")
{
	my ($code, $output, $errors) = $node->psql('postgres', $statement);
	like($errors, qr/ERROR:/, 'fails: a ledger row');
	$rows .= error_lines($errors);
}
unlike($rows, qr/7f3a/, 'no error tells what is in a row');

# What sessions and statistics show: nothing that is secret.
my $keys = $node->safe_psql('postgres', q{
	SELECT string_agg(encode(wrapped, 'hex'), ' ') || ' ' || string_agg(encode(substr(wrapped, 43, 67), 'hex'), ' ')
	FROM bulla.key_versions});
my $statistics = $node->safe_psql('postgres', 'SELECT string_agg(query, chr(10)) FROM pg_stat_activity');
$statistics .= $node->safe_psql('postgres', 'SELECT string_agg(query, chr(10)) FROM pg_stat_statements') if $has_statements;
like($statistics, qr/INSERT INTO bulla\.events/, 'statistics show the statements of Bulla itself')
  if $has_statements;

# Clients, the log and the statistics, looked through for every spelling of the secrets.
$node->stop;
my $log = slurp_file($node->logfile);
cmp_ok(length($log), '>', 100_000, 'the log is full of detail');
like($log, qr/\Q$plain\E/, 'it holds what the caller wrote as a literal, as the documentation says');
like($log, qr/bound--1-d41d/, 'and bound parameters where it is told to log them');
unlike($log, qr/bound-0-d41d/, 'and none where it is not');
my $everything = "$log\n$statistics\n$told";
my %secrets = (
	'the KEK' => $kek,
	'another KEK' => $other,
	'a KEK of wrong length' => 'Fifteen bytes!!');
for my $what (sort keys %secrets)
{
	my $bytes = $secrets{$what};
	my $found = grep { index($everything, $_) >= 0 } ($bytes, unpack('H*', $bytes), uc unpack('H*', $bytes),
		encode_base64($bytes, ''), substr(encode_base64($bytes, ''), 0, 20), substr(unpack('H*', $bytes), 0, 16));
	is($found, 0, "$what is nowhere");
}
(my $flat = $everything) =~ s/\s+/ /g;
my @wrapped = split / /, $keys;
is(scalar(@wrapped), 4, 'two wrapped keys to look for');
for my $wrapped (@wrapped)
{
	my $bytes = pack 'H*', $wrapped;
	is(index($everything, $wrapped), -1, 'a wrapped key is nowhere as hex');
	is(index($everything, substr($wrapped, 60, 40)), -1, 'nor in part');
	is(index($everything, encode_base64($bytes, '')), -1, 'nor as base64');
	is(index($everything, substr($bytes, 30, 16)), -1, 'nor raw');
	# As debug_print_plan prints a constant.
	is(index($flat, join(' ', unpack('c16', substr($bytes, 30, 16)))), -1, 'nor as a list of numbers');
}
done_testing();
