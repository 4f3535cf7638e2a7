# Destroying a key looks through all ledgers for what is sealed under it. That can take long, and can be cancelled
# like any other statement: nothing is half done then.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/..";
use BullaTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('destroy_key', settings => "statement_timeout = 0\n");
write_kek(kek_file());
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION bulla;
	SELECT bulla.create_key('card');
	CREATE TABLE ledger (id int PRIMARY KEY, note text);
	INSERT INTO ledger SELECT g, 'not sealed' FROM generate_series(1, 1500) AS g;
	SELECT bulla.create_ledger('ledger')});
my $sealed = $node->safe_psql('postgres', q{SELECT bulla.encrypt('secret', 'card')});

# However fast the look is, it waits where somebody has locked the ledger.
my $holder = start_psql($node, 'holder', 'BEGIN; LOCK TABLE ledger; SELECT pg_sleep(600);');
$node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM pg_locks
	WHERE relation = 'ledger'::regclass AND mode = 'AccessExclusiveLock' AND granted}) or die 'the ledger is not locked';

my %ends = (
	'pg_cancel_backend' => [ '', 'pg_cancel_backend', qr/ERROR:  canceling statement due to user request/ ],
	'pg_terminate_backend' => [ '', 'pg_terminate_backend', qr/FATAL:  terminating connection due to administrator command/ ],
	'statement_timeout' => [ "SET statement_timeout = '200ms';", undef, qr/ERROR:  canceling statement due to statement timeout/ ]);
for my $call (q{bulla.destroy_key('card', 'a test')}, q{bulla.destroy_key_version('card', 1, 'a test')})
{
	my ($name) = $call =~ /(\w+)\(/;
	for my $how (sort keys %ends)
	{
		my ($setting, $function, $message) = @{ $ends{$how} };
		my $session = start_psql($node, 'destroying', "$setting SELECT $call;");
		if ($function)
		{
			ok($node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM pg_locks JOIN pg_stat_activity USING (pid)
				WHERE application_name = 'destroying' AND relation = 'ledger'::regclass AND NOT granted}), "$name, $how: it wants to look through the ledger");
			$node->safe_psql('postgres', "SELECT $function(pid) FROM pg_stat_activity WHERE application_name = 'destroying'");
		}
		like(finish_psql($session), $message, "$name, $how: it ends");
		is($node->safe_psql('postgres', q{SELECT state FROM bulla.keys WHERE name = 'card'}), 'enabled', "$name, $how: the key is as it was");
	}
}
$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holder'});
finish_psql($holder);
is($node->safe_psql('postgres', "SELECT bulla.decrypt('$sealed')"), 'secret', 'what it sealed opens');
is($node->safe_psql('postgres', q{SELECT count(*) FROM bulla.events WHERE action ~ 'destroyed'}), 0, 'no event says otherwise');

# Let alone, it comes to the end.
is($node->safe_psql('postgres', q{SELECT bulla.destroy_key('card', 'a test') > 0}), 't', 'nothing in the ledger is sealed under it: it is destroyed');
is($node->safe_psql('postgres', q{SELECT state FROM bulla.keys WHERE name = 'card'}), 'destroyed', 'and gone');
is_sound($node, 'bulla.events', 'the events verify');
$node->stop;
done_testing();
