# Too little shared memory: a server that cannot start says why and ends, a transaction that fills the lock table
# is refused and leaves nothing half done, and the others go on.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/..";
use BullaTest;
use LedgerLoad;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('memory', settings => join("\n", $LedgerLoad::settings,
	'max_connections = 20', 'max_locks_per_transaction = 10', 'max_prepared_transactions = 5'));

# So little memory that the cache of heads makes the difference.
sub start_in
{
	my ($megabytes) = @_;
	my $limit = sub { system_or_bail('prlimit', '--pid', $$, "--as=$_[0]:") };
	$limit->($megabytes * 1024 * 1024);
	my $started = $node->start(fail_ok => 1);
	$limit->('unlimited');
	return $started;
}
$node->append_conf('postgresql.conf', "shared_buffers = '1MB'\nbulla.head_cache_size = 1048576\n");
is(start_in(170), 0, 'a cache of heads for which there is no memory: the server does not start');
like(slurp_file($node->logfile),
	qr/FATAL:  could not map anonymous shared memory: Cannot allocate memory\n.*HINT:  .*request size \(currently \d+ bytes\)/,
	'and says how much it asked for');
$node->append_conf('postgresql.conf', "bulla.head_cache_size = 64\n");
is(start_in(170), 1, 'with a smaller cache it does');
$node->stop;
# PostgreSQL's way with what a library's setting cannot be.
$node->append_conf('postgresql.conf', "bulla.head_cache_size = 2000000\n");
$node->start;
like(slurp_file($node->logfile),
	qr/WARNING:  2000000 is outside the valid range for parameter "bulla.head_cache_size" \(64 \.\. 1048576\)/,
	'a cache larger than may be: a warning');
is($node->safe_psql('postgres', "SELECT setting = boot_val FROM pg_settings WHERE name = 'bulla.head_cache_size'"), 't', 'and the default');
make_ledgers($node);

# The lock table is full of a session's advisory locks, but for a few places: every lock that an append asks for is
# the one too many in its turn.
my %told;
for my $free (0 .. 12)
{
	my ($code, $output, $errors) = $node->psql('postgres', qq{
		DO \$\$
		BEGIN
			FOR g IN 1 .. 1000000 LOOP
				PERFORM pg_advisory_lock(g);
			END LOOP;
		EXCEPTION WHEN out_of_memory THEN NULL;
		END \$\$;
		SELECT count(pg_advisory_unlock(g)) FROM generate_series(1, $free) AS g;
		BEGIN;
		INSERT INTO ledger VALUES (-1, -1, 'first');
		SAVEPOINT a;
		INSERT INTO lanes SELECT g, -1, -1 FROM generate_series(1, 200) AS g;
		ROLLBACK TO a;
		INSERT INTO ledger VALUES (-1, -1, 'second');
		ROLLBACK;
		SELECT pg_advisory_unlock_all();
		SELECT 'chains held: ' || count(*) FROM bulla.chain_locks;
		INSERT INTO ledger VALUES (-1, 0, 'after') RETURNING 'appended: ' || seq;},
		on_error_stop => 0, timeout => 60);
	$told{$_}++ for $errors =~ /((?:ERROR|HINT):  .*)/g;
	like($output, qr/chains held: 0\nappended: $free$/, "$free locks to be had: afterwards no chain is held and the next row follows");
}
is(join("\n", sort keys %told), join("\n", 'ERROR:  current transaction is aborted, commands ignored until end of transaction block',
		'ERROR:  out of shared memory', 'ERROR:  savepoint "a" does not exist', 'HINT:  You might need to increase max_locks_per_transaction.'),
	'the errors name the cause and the remedy');

# One transaction with more chains than the table has room for: it locks the ledger instead.
is($node->safe_psql('postgres', q{
	INSERT INTO lanes SELECT g, -1, g FROM generate_series(1, 20000) AS g;
	SELECT count(*) FROM lanes}), '20000', 'a transaction with very many chains needs few locks');

# Clients under a hog that comes and goes.
my $load = start_load($node, clients => 5, options => ['--persist']);
for my $round (1 .. rounds(3, 0.1))
{
	appends_on($load, "round $round");
	my ($code, $output, $errors) = $node->psql('postgres', q{
		SELECT count(pg_advisory_lock(g)) FROM generate_series(1, 1000000) AS g});
	like($errors, qr/out of shared memory/, "round $round: somebody fills the lock table");
}
appends_on($load, 'afterwards');
stop_load($load, 'afterwards');
my %errors = map { ($_->[0] => 1) } told($load, 'error');
delete @errors{ '53200', 'none' };    # none: a new connection
is(join(' ', keys %errors), '', 'no client met another error');
keeps_its_word($node, [$load], 'afterwards');
$node->stop;
done_testing();
