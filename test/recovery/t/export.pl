# bulla.export gives what somebody without PostgreSQL needs: a program that was written from the specification
# alone computes every hash again, and sees what was done to the file. tools/import brings it into another server.
# What an export shows is durable, and can be had of a million rows.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/..";
use BullaTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $directory = PostgreSQL::Test::Utils::tempdir();
my $checker = "$FindBin::RealBin/../export_check.py";
my $import = "$FindBin::RealBin/../import";
$ENV{PGCLIENTENCODING} = 'UTF8';

my $node = new_node('origin', allows_streaming => 1);
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION bulla;
	CREATE TABLE plain (id int PRIMARY KEY, note text, at timestamptz DEFAULT now(),
		doubled int GENERATED ALWAYS AS (id * 2) STORED);
	SELECT bulla.create_ledger('plain');
	CREATE TABLE "Odd ""name" ("lane's" text NOT NULL, n int NOT NULL, v jsonb, b bytea, r numrange[], c char(7), x xml,
		i interval, f float8, g circle);
	SELECT bulla.create_ledger('"Odd ""name"', ARRAY['lane''s', 'n']);
	CREATE TABLE parts (lane int NOT NULL, id int NOT NULL, note text) PARTITION BY RANGE (id);
	CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (50);
	CREATE TABLE parts_2 (note text, id int NOT NULL, gone int, lane int NOT NULL);
	ALTER TABLE parts_2 DROP COLUMN gone;
	ALTER TABLE parts ATTACH PARTITION parts_2 FOR VALUES FROM (50) TO (100);
	SELECT bulla.create_ledger('parts', '{lane}', blind => true);
	CREATE TABLE empty (a int);
	SELECT bulla.create_ledger('empty');
	CREATE TABLE people (lane text NOT NULL, id int PRIMARY KEY, ip inet, name text);
	SELECT bulla.create_ledger('people', '{lane}', erasable => '{ip,name}');
	INSERT INTO people SELECT 'lane ' || g % 2, g, ('192.0.2.' || g)::inet, 'name ' || g FROM generate_series(0, 9) AS g;
	INSERT INTO people VALUES ('lane 0', 10, NULL, repeat('ü', 300)), ('lane 0', 11, NULL, NULL);
	SELECT bulla.erase('people', 'lane 1', 0, '{ip,name}', 'asked for'), bulla.erase('people', 'lane 0', 2, '{ip}', 'too');
	INSERT INTO plain SELECT g, 'note ' || g FROM generate_series(1, 200) AS g;
	INSERT INTO plain VALUES (1000, E'tab\t line\n return\r back\b\\\\ slash / quote " nul-like \x01\x1f\x7f ü € 😀 \u2028'),
		(1001, repeat('ü', 128)), (1002, repeat('ü', 129)), (1003, ''), (1004, NULL), (1005, '\N'), (1006, '\.');
	INSERT INTO "Odd ""name" VALUES ('', 1, '{"b": 1, "a": null}', '\x00ff', '{"[1,2)",empty}', 'ab', '<a>&amp;</a>',
		'1 mon -3 days 04:05:06.7', 'NaN', '<(1.5,2),0.1>'), ('x,"y', -2, NULL, NULL, NULL, NULL, NULL, '-1 day', 1e300, NULL),
		('', 1, 'true', '', '{}', '', NULL, NULL, '-Infinity', NULL);
	INSERT INTO parts SELECT g % 3, g % 100, 'p' FROM generate_series(1, 300) AS g;
	INSERT INTO parts VALUES (-7, 3, 'other order as text than as number'), (10, 3, 'likewise');
});
$node->command_ok([ 'pg_dump', '--schema-only', '-f', "$directory/schema.sql", '-d', $node->connstr('postgres') ],
	'the schema is dumped');

# Writes an export into a file, in parts of a few rows.
sub export
{
	my ($from, $file, $arguments, @settings) = @_;
	command_ok([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-v', 'FETCH_COUNT=100', '-d', $from->connstr('postgres'),
		(map { ('-c', $_) } @settings), '-c', "SELECT bulla.export($arguments)", '-o', "$directory/$file" ],
		"$file: exported");
	return "$directory/$file";
}

sub is_checked
{
	my ($file, $printed, $name) = @_;
	my ($output, $errors) = run_command([ 'python3', $checker, $file ]);
	is("$output$errors", $printed, "$name: the checker written from the specification agrees");
	($output, $errors) = run_command([ 'python3', $import, '--check', '--quiet', $file ]);
	my ($chains, $rows) = $printed =~ /^(\d+) chains, (\d+) rows/;
	is("$output$errors", "checked $rows rows in $chains chains", "$name: and tools/import");
	return;
}

my %files = (
	plain => [ "'plain'", '1 chains, 207 rows' ],
	odd => [ "'\"Odd \"\"name\"'", '2 chains, 3 rows' ],
	parts => [ "'parts'", '5 chains, 302 rows' ],
	events => [ "'bulla.events'", '1 chains, 7 rows' ],
	people => [ "'people'", '2 chains, 12 rows' ],
	empty => [ "'empty'", '0 chains, 0 rows' ],
	one_chain => [ "'parts', '2'", '1 chains, 100 rows' ],
	range => [ "'parts', NULL, 10, 19", '3 chains, 30 rows' ],
	later => [ "'plain', from_seq => 150", '1 chains, 57 rows' ]);
for my $name (sort keys %files)
{
	is_checked(export($node, "$name.jsonl", $files{$name}[0]), $files{$name}[1], $name);
}
# The same bytes from a session with other settings.
export($node, 'settings.jsonl', "'\"Odd \"\"name\"'", "SET DateStyle = 'German, DMY'", "SET TimeZone = 'Asia/Kathmandu'",
	"SET IntervalStyle = 'iso_8601'", "SET extra_float_digits = -3", "SET bytea_output = 'escape'");
is(slurp_file("$directory/settings.jsonl"), slurp_file("$directory/odd.jsonl"), 'settings change no byte');

# Whatever is done to the file is seen, and the line is named.
my $whole = slurp_file("$directory/plain.jsonl");
my @lines = split /^/, $whole;

sub is_refused
{
	my ($text, $line, $name) = @_;
	my $file = "$directory/tampered.jsonl";
	unlink $file;
	append_to_file($file, $text);
	for my $command ([ $checker, $file ], [ $import, '--check', '--quiet', $file ])
	{
		my ($output, $errors) = run_command([ 'python3', @$command ]);
		like($errors, qr/^(import: )?line $line: /, "$name: line $line is named");
	}
	return;
}
is_refused(join('', @lines[ 0 .. 99 ]), 101, 'cut off behind a line');
is_refused(join('', @lines[ 0 .. $#lines - 1 ]), scalar @lines, 'without its end');
is_refused(substr($whole, 0, length($whole) - 20), scalar @lines, 'cut off in its last line');
is_refused(join('', @lines[ 0 .. 41, 43 .. $#lines ]), 43, 'a row left out');
is_refused(join('', @lines[ 0 .. 42, 42 .. $#lines ]), 44, 'a row twice');
is_refused(join('', @lines[ 0 .. 41, 43, 42, 44 .. $#lines ]), 43, 'two rows changed places');
is_refused($whole =~ s/"note 17"/"note 71"/r, 18, 'a value changed');
is_refused($whole =~ s/,"note":"note 17"//r, 18, 'a value taken away');
is_refused($whole =~ s/("note":"note 17")/$1,"other":"x"/r, 18, 'a value put in');
is_refused($whole =~ s/("seq":17,"prevHash":")(..)/$1 . ($2 eq '00' ? '01' : '00')/er, 19, 'a link changed');
is_refused($whole =~ s/("rows":207,"lastSeq":)206/${1}207/r, $#lines, 'the end of a chain changed');
is_refused($whole =~ s/"ledgerId":"./"ledgerId":"@{[ $lines[0] =~ m{"ledgerId":"0} ? 1 : 0 ]}/r, 2, 'the id changed');
is_refused($whole =~ s/public\.plain/public.plane/r, scalar @lines, 'the header changed where no hash covers it');
is_refused($whole . "\n", scalar @lines, 'something behind the end');
is_refused($whole =~ s/bulla\.export\.v1/bulla.export.v2/r, 1, 'a format that is not known');
is_refused('', 1, 'an empty file');
my $people = slurp_file("$directory/people.jsonl");
is_refused($people =~ s/"192\.0\.2\.0"/"192.0.2.1"/r, 2, 'an erasable value changed');
is_refused($people =~ s/("salt":"..)(.)/$1 . ($2 eq '0' ? '1' : '0')/er, 2, 'a salt changed');
is_refused($people =~ s/("commitment":"..)(.)/$1 . ($2 eq '0' ? '1' : '0')/er, 2, 'a commitment changed');
is_refused($people =~ s/,"salt":"[^"]*"//r, 2, 'a salt taken away and the value left');
is_refused($people =~ s/"ip":"192\.0\.2\.0",//r, 2, 'a value taken away and the salt left');
is_refused($people =~ s/"ip":\{"commitment":"[^"]*","salt":"[^"]*"\},//r, 2, 'an opening taken away');

# Into another server.
my $archive = new_node('archive');
$archive->start;
$archive->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $archive->connstr('postgres'), '-f',
	"$directory/schema.sql" ], 'archive: the empty ledgers');

sub run_import
{
	my (@arguments) = @_;
	my $errors;
	IPC::Run::run([ 'python3', $import, '--quiet', '--database', $archive->connstr . ' dbname=postgres', @arguments ],
		'>', \my $output, '2>', \$errors);
	return ($? >> 8, "$output$errors");
}

sub contents
{
	my ($from, $ledger) = @_;
	return $from->safe_psql('postgres', "SELECT count(*), md5(string_agg(t::text, ' '
		ORDER BY t::text COLLATE \"C\")) FROM $ledger AS t");
}
my %ledgers = (plain => 'plain', people => 'people', odd => '"Odd ""name"', parts => 'parts', empty => 'empty');
for my $name (sort keys %ledgers)
{
	my ($status, $printed) = run_import("$directory/$name.jsonl");
	is($status, 0, "$name: imported") or diag($printed);
	is(contents($archive, $ledgers{$name}), contents($node, $ledgers{$name}), "$name: every value is the same");
	is_sound($archive, $ledgers{$name}, "$name: verifies");
	export($archive, "$name.again", "'$ledgers{$name}'");
	is(slurp_file("$directory/$name.again"), slurp_file("$directory/$name.jsonl"), "$name: the same export again");
}
like($archive->safe_psql('postgres', "SELECT notes FROM bulla.verify_summary('people')"), qr/erased: 3/,
	'people: what was erased is told of there too');
# What came later follows.
$node->safe_psql('postgres', "INSERT INTO plain SELECT g, 'later' FROM generate_series(2000, 2009) AS g");
my ($status, $printed) = run_import(export($node, 'rest.jsonl', "'plain', from_seq => 207"), '--ledger', 'public.plain');
is($printed, "imported 10 rows in 1 chains\n", 'rest: what was appended since is imported');
is($status, 0, 'rest: with status 0');
is(contents($archive, 'plain'), contents($node, 'plain'), 'rest: every value is the same');
is_sound($archive, 'plain', 'rest: verifies');

# What does not fit stays out, with its status.
for (
	[ 4, qr/goes on with seq 217 here.*from_seq => 217/, 'the same rows again', "$directory/rest.jsonl" ],
	[ 4, qr/goes on with seq 217 here, the file begins with seq 150/, 'rows that overlap', "$directory/later.jsonl" ],
	[ 4, qr/is not the ledger of the file/, 'another ledger', "$directory/rest.jsonl", '--ledger', 'parts' ],
	[ 4, qr/is not a ledger/, 'no ledger', "$directory/rest.jsonl", '--ledger', 'pg_class' ],
	[ 3, qr/does not exist/, 'a table that is not there', "$directory/rest.jsonl", '--ledger', 'nowhere' ],
	[ 1, qr/line \d+: /, 'a file that does not check', "$directory/tampered.jsonl" ],
	[ 1, qr/No such file/, 'a file that is not there', "$directory/nothing" ],
	[ 2, qr/name a file/, 'no file' ],
	[ 3, qr/could not connect|connection to server/, 'a server that is not there', "$directory/rest.jsonl",
		'--database', 'host=/nowhere' ])
{
	my ($want, $pattern, $name, @arguments) = @$_;
	($status, $printed) = run_import(@arguments);
	is($status, $want, "$name: status $want");
	like($printed, $pattern, "$name: and it says why");
}
is(contents($archive, 'plain'), contents($node, 'plain'), 'nothing of that came in');
# A chain that went on by itself on the other server is not continued.
$node->safe_psql('postgres', "INSERT INTO plain VALUES (3000, 'here'), (3001, 'here')");
$archive->safe_psql('postgres', "INSERT INTO plain VALUES (3000, 'there')");
($status, $printed) = run_import(export($node, 'fork.jsonl', "'plain', from_seq => 218"));
is($status, 4, 'forked: status 4');
like($printed, qr/has another row with seq 217 here/, 'forked: and it says why');
# A role that is no superuser may check, not import.
$archive->safe_psql('postgres', 'CREATE ROLE ordinary LOGIN; GRANT ALL ON empty TO ordinary');
($status, $printed) = run_import("$directory/empty.jsonl", '--database', $archive->connstr . ' dbname=postgres user=ordinary');
is($status, 3, 'no superuser: status 3');
like($printed, qr/permission denied/, 'no superuser: and it says why');
$archive->stop;

# A million rows need no memory: what does not fit into work_mem goes to disk.
$node->safe_psql('postgres', q{
	CREATE TABLE large (a int, b text);
	SELECT bulla.create_ledger('large');
	INSERT INTO large SELECT g, 'some text of a row' FROM generate_series(1, 1000000) AS g;
});
my $count = $node->safe_psql('postgres', q{
	SET work_mem = '4MB';
	SET log_temp_files = 0;
	SELECT count(*) FROM bulla.export('large');
	SELECT max(total_bytes) < 64 * 1024 * 1024 FROM pg_backend_memory_contexts;
});
is($count, "1000003\nt", 'large: a million rows are exported, and memory stays small');
like(slurp_file($node->logfile), qr/temporary file: path/, 'large: they went through the disk');

# What an export shows is flushed: it stands in the log that a crash leaves behind.
$node->append_conf('postgresql.conf', "wal_writer_delay = 10s\nsynchronous_commit = off");
$node->restart;
$node->safe_psql('postgres', "INSERT INTO plain SELECT g, 'not flushed yet' FROM generate_series(4000, 4009) AS g");
export($node, 'crash.jsonl', "'plain'");
$node->stop('immediate');
$node->start;
export($node, 'after_crash.jsonl', "'plain'");
is(slurp_file("$directory/after_crash.jsonl"), slurp_file("$directory/crash.jsonl"),
	'crash: all that was exported is there');

# And where synchronous standbys are wanted, they have it: an export waits for them, and shows nothing else.
set_settings($node, synchronous_standby_names => 'nobody');
my $waits = start_psql($node, 'waits', "SET synchronous_commit = local; SELECT count(*) FROM bulla.export('plain')");
ok(is_waiting($node, 'waits', 'SyncRep'), 'standbys: an export waits for them, whatever the session says');
$node->safe_psql('postgres', "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'waits'");
like(finish_psql($waits), qr/ERROR:.*synchronous standbys have not confirmed/, 'standbys: canceled, it shows nothing');
set_settings($node, synchronous_standby_names => '');

# On a standby an export is the same.
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
export($standby, 'standby.jsonl', "'plain'");
is(slurp_file("$directory/standby.jsonl"), slurp_file("$directory/crash.jsonl"), 'a standby exports the same');
$standby->stop;
$node->stop;
done_testing();
