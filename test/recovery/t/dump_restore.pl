# What pg_dump takes out of one cluster and puts into another verifies there, opens there with the same KEK,
# and goes on. Rows that were tampered with on the way do not get in, or are found.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/..";
use BullaTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $directory = PostgreSQL::Test::Utils::tempdir();
my @ledgers = ('plain', 'lanes', 'parts', 'early', '"Odd ""name"', 'bulla.events');

my $old = new_node('old');
$old->start;
$old->safe_psql('postgres', q{
	CREATE EXTENSION bulla;
	CREATE TABLE plain (id int PRIMARY KEY, note text, at timestamptz DEFAULT now());
	SELECT bulla.create_ledger('plain');
	CREATE TABLE lanes (lane text NOT NULL, id int, sealed text, raw bytea);
	SELECT bulla.create_ledger('lanes', '{lane}');
	CREATE TABLE parts (id int, note text) PARTITION BY RANGE (id);
	CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (50);
	CREATE TABLE parts_2 (note text, id int, seq bigint NOT NULL, prev_hash bytea NOT NULL, hash bytea NOT NULL);
	SELECT bulla.create_ledger('parts', blind => true);
	CREATE TABLE early (id int PRIMARY KEY);
	INSERT INTO early VALUES (2), (1);
	SELECT bulla.create_ledger('early');
	CREATE TABLE "Odd ""name" ("lane\'s" text NOT NULL, v jsonb);
	SELECT bulla.create_ledger('"Odd ""name"', ARRAY['lane\'s']);
	SELECT bulla.create_key('card');
	SELECT bulla.create_key('other');
	SELECT bulla.rotate_key('other');
	SELECT bulla.disable_key_version('other', 1);
	SELECT bulla.create_key('gone');
	SELECT bulla.destroy_key('gone', 'a test');
} =~ s/\\'/''/gr =~ s/"lane''s"/"lane's"/gr);
$old->safe_psql('postgres', q{
	DROP TABLE parts_2;
	CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (50) TO (100);
	INSERT INTO plain SELECT g, 'note ' || g FROM generate_series(1, 200) AS g;
	INSERT INTO lanes SELECT 'lane ' || g % 3, g, bulla.encrypt('secret ' || g, 'card', 'lanes:' || g),
		bulla.encrypt(int4send(g), 'other') FROM generate_series(1, 60) AS g;
	INSERT INTO parts SELECT g % 100, 'p' FROM generate_series(1, 200) AS g;
	INSERT INTO early VALUES (3);
	INSERT INTO "Odd ""name" VALUES ('', '{"b": 1, "a": null}'), ('x,"y', NULL), ('', 'true');
});
# Stored in another order than that of seq, as after concurrent appends or CLUSTER.
$old->safe_psql('postgres', 'CREATE INDEX note_order ON plain (note); CLUSTER plain USING note_order');
is_sound($old, $_, "before: $_ verifies") for @ledgers;

# What has to be the same afterwards: a digest of each.
sub contents
{
	my ($node) = @_;
	my @tables = (@ledgers, 'bulla.ledgers', 'bulla.key_names', 'bulla.key_versions', 'bulla.keks', 'bulla.keys');
	return join "\n", map { "$_ " . $node->safe_psql('postgres',
		"SELECT count(*), md5(string_agg(t::text, ' ' ORDER BY t::text COLLATE \"C\")) FROM $_ AS t") } @tables;
}
my $before = contents($old);
my $heads = $old->safe_psql('postgres', 'SELECT count(*) FROM plain');

sub check_restored
{
	my ($node, $name) = @_;
	is(contents($node), $before, "$name: all is there, byte for byte");
	is_sound($node, $_, "$name: $_ verifies") for @ledgers;
	is($node->safe_psql('postgres', q{
		SELECT count(*) FROM lanes WHERE bulla.decrypt(sealed, 'lanes:' || id) = 'secret ' || id
			AND bulla.decrypt(raw) = int4send(id)}), '60', "$name: values open with the same KEK");
	like($node->safe_psql('postgres', "SELECT notes FROM bulla.verify_summary('early')"),
		qr/retroactive: 2 rows/, "$name: rows chained retroactively are still told of");
	# Life goes on.
	is($node->safe_psql('postgres', "INSERT INTO plain VALUES (1000, 'new') RETURNING seq"), $heads,
		"$name: the next row follows");
	$node->safe_psql('postgres', q{
		INSERT INTO lanes SELECT 'lane 1', 1000, bulla.encrypt('new', 'card'), NULL;
		INSERT INTO lanes VALUES ('lane new', 1001);
		INSERT INTO parts VALUES (1, 'new'), (99, 'new');
		SELECT bulla.create_key('made after the restore');
		CREATE TABLE made_later (a int);
		SELECT bulla.create_ledger('made_later');
	});
	is_sound($node, $_, "$name: $_ verifies after more rows") for @ledgers;
	my ($code, $output, $errors) = $node->psql('postgres', 'DELETE FROM plain');
	like($errors, qr/only grows/, "$name: and is protected");
	($code, $output, $errors) = $node->psql('postgres', 'TRUNCATE parts_2');
	like($errors, qr/only grows/, "$name: each partition too");
	return;
}

# Whole dumps: plain text, one file, a directory by two jobs at once.
my @dumps = (
	[ 'plain', [ 'pg_dump', '-Fp', '-f', "$directory/dump.sql" ] ],
	[ 'custom', [ 'pg_dump', '-Fc', '-f', "$directory/dump.custom" ] ],
	[ 'directory', [ 'pg_dump', '-Fd', '-j2', '-f', "$directory/dump.directory" ] ],
	[ 'inserts', [ 'pg_dump', '-Fp', '--inserts', '-f', "$directory/dump.inserts" ] ]);
$old->command_ok([ @{ $_->[1] }, '-d', $old->connstr('postgres') ], "$_->[0]: dump") for @dumps;
my %restore = (
	plain => [ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', "$directory/dump.sql" ],
	custom => [ 'pg_restore', '--exit-on-error', "$directory/dump.custom" ],
	directory => [ 'pg_restore', '-j2', '--exit-on-error', "$directory/dump.directory" ],
	inserts => [ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', "$directory/dump.inserts" ]);
for my $format ('plain', 'custom', 'directory', 'inserts')
{
	# Half of them on a server that does not preload the library.
	my $node = new_node("new_$format", preload => $format =~ /^[pd]/ ? 1 : 0);
	$node->start;
	$node->command_ok([ @{ $restore{$format} }, '-d', $node->connstr('postgres') ], "$format: restore");
	check_restored($node, $format);
	# A restored database can be dumped and restored again.
	if ($format eq 'custom')
	{
		$node->command_ok([ 'pg_dump', '-Fc', '-f', "$directory/again", '-d', $node->connstr('postgres') ],
			'again: dump');
		$node->safe_psql('postgres', 'CREATE DATABASE second TEMPLATE template0');
		$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('second'), "$directory/again" ],
			'again: restore, beside the first');
		is($node->safe_psql('second', 'SELECT count(*) FROM bulla.verify($$plain$$)'), '0', 'again: verifies');
		# Both have the same ledger ids; their chains are not the same.
		$node->safe_psql('second', "INSERT INTO plain VALUES (2000, 'second'), (2001, 'second')");
		$node->safe_psql('postgres', "INSERT INTO plain VALUES (2000, 'first')");
		$node->safe_psql('second', "INSERT INTO plain VALUES (2002, 'second')");
		is_sound($node, 'plain', 'again: the first goes on by itself');
		is($node->safe_psql('second', 'SELECT count(*) FROM bulla.verify($$plain$$)'), '0',
			'again: and the second');
		# Likewise a copy of the database's files.
		$node->safe_psql('postgres', 'CREATE DATABASE third TEMPLATE second');
		$node->safe_psql('third', "INSERT INTO plain VALUES (3000, 'third')");
		is($node->safe_psql('third', 'SELECT count(*) FROM bulla.verify($$plain$$)'), '0',
			'again: and a copy of the second');
		# One table alone, into a database with the extension.
		$node->safe_psql('postgres', 'CREATE DATABASE fourth TEMPLATE template0');
		$node->safe_psql('fourth', 'CREATE EXTENSION bulla');
		$node->command_ok([ 'pg_restore', '--exit-on-error', '-t', 'lanes', '-d', $node->connstr('fourth'),
			"$directory/dump.custom" ], 'one table: restore');
		# Over what is there: the ledgers that go first are let go for a superuser who says that it is a restore.
		$node->command_fails_like([ 'pg_restore', '--clean', '--if-exists', '--exit-on-error', '-d',
			$node->connstr('second'), "$directory/again" ], qr/bulla\.restore = on/, 'clean: refused without bulla.restore');
		local $ENV{PGOPTIONS} = '-c bulla.restore=on';
		$node->command_ok([ 'pg_restore', '--clean', '--if-exists', '-d', $node->connstr('second'),
			"$directory/again" ], 'clean: restore over what is there');
		is($node->safe_psql('second', 'SELECT count(*) FROM bulla.verify($$plain$$)'), '0', 'clean: verifies');
		is($node->safe_psql('second', "INSERT INTO plain VALUES (4000, 'x') RETURNING seq"), $heads + 1,
			'clean: the next row follows what was restored');
	}
	$node->stop;
}

# Data alone, into ledgers that stand already: refused as ordinary rows, taken with bulla.restore.
my $data = new_node('data_only');
$data->start;
$old->command_ok([ 'pg_dump', '--section=pre-data', '--section=post-data', '-f', "$directory/schema.sql",
	'-d', $old->connstr('postgres') ], 'data only: dump the schema');
$old->command_ok([ 'pg_dump', '--data-only', '-f', "$directory/data.sql", '-d', $old->connstr('postgres') ],
	'data only: dump the data');
$data->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $data->connstr('postgres'), '-f',
	"$directory/schema.sql" ], 'data only: the empty ledgers');
my ($output, $errors) = run_command([ 'psql', '-Xq', '-1', '-v', 'ON_ERROR_STOP=1', '-d', $data->connstr('postgres'),
	'-f', "$directory/data.sql" ]);
like($errors, qr/cannot be chosen/, 'data only: refused without bulla.restore');
like($errors, qr/HINT:.*bulla\.restore/, 'data only: and the hint says how');
is($data->safe_psql('postgres', 'SELECT count(*) FROM lanes WHERE id IS NOT NULL'), '0', 'data only: nothing came in');

# Rows changed on the way in.
my $dump = slurp_file("$directory/data.sql");
(my $tampered = $dump) =~ s/\bnote 17\b/note 71/ or die 'no such row in the dump';
append_to_file("$directory/tampered.sql", "SET bulla.restore = on;\n$tampered");
($output, $errors) = run_command([ 'psql', '-Xq', '-1', '-v', 'ON_ERROR_STOP=1', '-d', $data->connstr('postgres'),
	'-f', "$directory/tampered.sql" ]);
like($errors, qr/does not match its hash/, 'tampered: a changed row is refused');
unlike($errors, qr/ERROR:[^\n]*note 71/, 'tampered: without telling what is in it');
is($data->safe_psql('postgres', 'SELECT count(*) FROM plain'), '0', 'tampered: nothing came in');

append_to_file("$directory/restore.sql", "SET bulla.restore = on;\n$dump");
$data->command_ok([ 'psql', '-Xq', '-1', '-v', 'ON_ERROR_STOP=1', '-d', $data->connstr('postgres'), '-f',
	"$directory/restore.sql" ], 'data only: restore');
check_restored($data, 'data only');
$data->stop;

# A row that is left out of a dump does not show when it is restored, but when it is verified; so does one
# that is changed where no trigger looks, as in a whole dump.
my $whole = slurp_file("$directory/dump.sql");
(my $forged = $whole) =~ s/\bnote 17\b/note 71/ or die 'no such row in the dump';
$forged =~ s/^43\tnote 43\t[^\n]*\n//m or die 'no such row in the dump';
append_to_file("$directory/forged.sql", $forged);
my $found = new_node('forged');
$found->start;
$found->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $found->connstr('postgres'), '-f',
	"$directory/forged.sql" ], 'forged: restore');
is($found->safe_psql('postgres', "SELECT seq, verdict FROM bulla.verify('plain') ORDER BY seq"),
	"16|altered\n42|missing", 'forged: verification names the rows');

# With another KEK nothing opens, but the ledgers verify all the same.
write_kek(kek_file());
my ($code, $out, $err) = $found->psql('postgres', "SELECT bulla.decrypt(sealed, 'lanes:' || id) FROM lanes LIMIT 1");
like($err, qr/bulla\.kek|KEK/, 'another KEK: values do not open, and the error says why');
is_sound($found, 'lanes', 'another KEK: ledgers of sealed values verify');
$found->stop;
$old->stop;
done_testing();
