# Ways to dump and restore that dump_restore.pl does not go: section by section, one table alone, data alone by
# parallel jobs, with triggers disabled, through the partition root, over rows that are there. However the rows
# come in, the ledger verifies and the next row follows the last one.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/..";
use BullaTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $directory = PostgreSQL::Test::Utils::tempdir();
my @ledgers = ('plain', 'lanes', 'parts', 'people');

my $node = new_node('origin');
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION bulla;
	CREATE TABLE plain (id int PRIMARY KEY, note text);
	SELECT bulla.create_ledger('plain');
	CREATE TABLE lanes (lane text NOT NULL, id int);
	SELECT bulla.create_ledger('lanes', '{lane}');
	CREATE TABLE parts (id int NOT NULL, note text) PARTITION BY RANGE (id);
	CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (50);
	CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (50) TO (100);
	SELECT bulla.create_ledger('parts');
	CREATE TABLE people (id int PRIMARY KEY, ip text);
	SELECT bulla.create_ledger('people', erasable => '{ip}');
	INSERT INTO plain SELECT g, 'note ' || g FROM generate_series(0, 99) AS g;
	INSERT INTO lanes SELECT 'lane ' || g % 3, g FROM generate_series(0, 98) AS g;
	INSERT INTO parts SELECT g, 'p' FROM generate_series(0, 99) AS g;
	INSERT INTO people SELECT g, 'address ' || g FROM generate_series(0, 99) AS g;
	SELECT bulla.erase('people', '', 42, '{ip}', 'asked for');
	CREATE INDEX note_order ON plain (note);
	CLUSTER plain USING note_order;
});

sub contents
{
	my ($database, @tables) = @_;
	return join "\n", map { $node->safe_psql($database, "SELECT '$_', count(*), md5(string_agg(t::text, ' '
		ORDER BY t::text COLLATE \"C\")) FROM $_ AS t") } @tables;
}
my %before = map { $_ => contents('postgres', $_) } @ledgers;

sub database
{
	my ($name) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $name TEMPLATE template0");
	return $node->connstr($name);
}

sub runs
{
	my ($name, @command) = @_;
	local $ENV{PGOPTIONS} = '-c bulla.restore=on' if $name =~ /^restored: /;
	return $node->command_ok(\@command, $name);
}

# Each ledger is what it was, verifies, and goes on.
sub check
{
	my ($database, $name, @tables) = @_;
	for my $table (@tables)
	{
		is(contents($database, $table), $before{$table}, "$name: $table is what it was");
		is($node->safe_psql($database, "SELECT * FROM bulla.verify('$table')"), '', "$name: $table verifies");
		my %new = (plain => "(1000, 'new')", lanes => "('lane 1', 1000)", parts => "(7, 'new')", people => "(1000, 'new')");
		is($node->safe_psql($database, "INSERT INTO $table VALUES $new{$table} RETURNING seq"),
			$table eq 'lanes' ? 33 : 100, "$name: the next row of $table follows");
		is($node->safe_psql($database, "SELECT * FROM bulla.verify('$table')"), '', "$name: $table verifies with it");
	}
	return;
}

my $origin = $node->connstr('postgres');
$node->command_ok([ 'pg_dump', '-Fc', '-f', "$directory/custom", '-d', $origin ], 'one file: dumped');
$node->command_ok([ 'pg_dump', '-Fd', '-j2', '-f', "$directory/folder", '-d', $origin ], 'a folder: dumped');
$node->command_ok([ 'pg_dump', '-Ft', '-f', "$directory/tar", '-d', $origin ], 'tar: dumped');

# Section by section, of which the second meets no trigger.
my $to = database('sections');
runs("sections: $_", 'pg_restore', '--exit-on-error', "--section=$_", '-d', $to, "$directory/custom")
	for 'pre-data', 'data', 'post-data';
check('sections', 'sections', @ledgers);

$to = database('tar');
runs('tar: restored', 'pg_restore', '--exit-on-error', '-d', $to, "$directory/tar");
check('tar', 'tar', @ledgers);

# One table alone: of a plain dump its triggers come along, of pg_restore -t they do not, which shows.
$to = database('one_table');
$node->safe_psql('one_table', 'CREATE EXTENSION bulla');
$node->command_ok([ 'pg_dump', '-t', 'plain', '-t', 'parts*', '-f', "$directory/tables.sql", '-d', $origin ],
	'one table: dumped');
runs('one table: restored', 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $to, '-f', "$directory/tables.sql");
check('one_table', 'one table', 'plain', 'parts');
runs('one table: without its triggers', 'pg_restore', '--exit-on-error', '-t', 'lanes', '-d', $to, "$directory/custom");
is($node->safe_psql('one_table', "SELECT count(*) FROM bulla.ledgers WHERE ledger = 'lanes'::regclass"), '0',
	'one table: what comes without its triggers is no ledger');
runs('one table: they come afterwards', 'pg_restore', '--exit-on-error', '--section=post-data',
	'-L', list_of('lanes'), '-d', $to, "$directory/custom");
check('one_table', 'one table', 'lanes');

# The entries of a dump's table of contents that are about a table.
sub list_of
{
	my ($table) = @_;
	my ($entries) = run_command([ 'pg_restore', '-l', "$directory/custom" ]);
	my $file = "$directory/$table.list";
	append_to_file($file, join("\n", grep { /\b$table/ } split /\n/, $entries) . "\n");
	return $file;
}

# Data alone, into ledgers that stand there empty. bulla.events keeps its own rows, so only these tables.
$node->command_ok([ 'pg_dump', '--schema-only', '-f', "$directory/schema.sql", '-d', $origin ], 'data: the schema');
my @tables = map { ('-t', $_) } 'plain', 'lanes', 'parts', 'parts_1', 'parts_2', 'people', 'events';
for my $way (
	[ 'jobs', 'pg_restore', '--exit-on-error', '--data-only', '-j3', @tables, "$directory/folder" ],
	[ 'by_root', [ '--load-via-partition-root' ] ],
	[ 'inserts', [ '--rows-per-insert=7' ] ],
	[ 'no_conflict', [ '--inserts', '--on-conflict-do-nothing' ] ],
	[ 'column_inserts', [ '--column-inserts' ] ])
{
	my ($name, @command) = @$way;
	$to = database($name);
	runs("$name: the empty ledgers", 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $to, '-f', "$directory/schema.sql");
	if (ref $command[0])
	{
		$node->command_ok([ 'pg_dump', '--data-only', @{ $command[0] }, '-f', "$directory/$name.sql", '-d', $origin ],
			"$name: dumped");
		@command = ('psql', '-Xq', '-1', '-v', 'ON_ERROR_STOP=1', '-f', "$directory/$name.sql");
	}
	runs("restored: $name", @command, '-d', $to);
	check($name, $name, @ledgers);
	# Rows that are there already are what ON CONFLICT DO NOTHING is for.
	next if $name ne 'no_conflict';
	runs("restored: $name, again", @command, '-d', $to);
	is($node->safe_psql($name, "SELECT * FROM bulla.verify('plain')"), '', "$name: a second time changes nothing");
}

# pg_restore --disable-triggers puts them on again without ALWAYS; the event triggers see to that.
$to = database('disabled');
runs('disabled: the empty ledgers', 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $to, '-f', "$directory/schema.sql");
runs('restored: disabled', 'pg_restore', '--exit-on-error', '--data-only', '--disable-triggers', @tables, '-d', $to,
	"$directory/custom");
check('disabled', 'disabled', @ledgers);

# Rows restored behind those that are there, in a server that knows the head.
$to = database('behind');
runs('behind: the empty ledgers', 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $to, '-f', "$directory/schema.sql");
my $data = slurp_file("$directory/column_inserts.sql");
my ($first, $rest) = ('', '');
for my $line (grep { /^INSERT INTO public\.plain/ } split /^/, $data)
{
	my ($seq) = $line =~ /, (\d+), '\\\\?\\?x/ or die "no seq in $line";
	if ($seq < 60) { $first .= $line } else { $rest .= $line }
}
$node->safe_psql('behind', "SET bulla.restore = on; $first");
my ($code, $output, $errors) = $node->psql('behind', "BEGIN; INSERT INTO plain VALUES (5000, 'taken back'); ROLLBACK;
	SET bulla.restore = on; $rest; RESET bulla.restore; INSERT INTO plain VALUES (1000, 'new') RETURNING seq");
is($output, '100', 'behind: the next row follows what was restored, in one session');
is($node->safe_psql('behind', "SELECT * FROM bulla.verify('plain')"), '', 'behind: verifies');
# Rows of one's own and restored ones in one transaction.
$node->safe_psql('behind', q{
	BEGIN;
	INSERT INTO lanes VALUES ('own', 1);
	COMMIT;
});
is($node->safe_psql('behind', "INSERT INTO lanes VALUES ('own', 2) RETURNING seq"), '1', 'behind: others go on too');
$node->stop;
done_testing();
