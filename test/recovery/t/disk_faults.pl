# Disks that fail while many clients append: a flush that is refused, of the log and of the data, and a disk that
# is full, that of the log and that of the data. What PostgreSQL does about it differs, and is said here. In every
# case what was acknowledged is there afterwards, the chains verify and go on, and nobody waits for ever.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/..";
use BullaTest;
use LedgerLoad;
use PostgreSQL::Test::Utils;
use Test::More;

my $directory = PostgreSQL::Test::Utils::tempdir();
my $library = "$directory/disk_faults.so";
system_or_bail('cc', '-O2', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC', '-o', $library,
	"$FindBin::RealBin/../disk_faults.c", '-ldl');
$ENV{BULLA_DISK_FAULTS} = $directory;

sub start
{
	my ($node) = @_;
	local $ENV{LD_PRELOAD} = $library;
	$node->start;
	return;
}

# From now on, until it is mended, the fault is there for files with this in their path.
sub break_disk
{
	my ($fault, $path) = @_;
	append_to_file("$directory/new", $path);
	rename "$directory/new", "$directory/$fault" or die $!;
	return;
}
sub mend_disk { unlink "$directory/full", "$directory/sync"; return; }

# Small segments of the log, so that it soon needs another.
my $node = PostgreSQL::Test::Cluster->new('disk');
$node->init(extra => [ '--encoding=UTF8', '--locale=C.UTF-8', '--wal-segsize=1' ]);
write_kek(kek_file());
$node->append_conf('postgresql.conf', join("\n",
	"bulla.kek = 'file:" . kek_file() . "'",
	'max_prepared_transactions = 20',
	"shared_preload_libraries = 'bulla'",
	'min_wal_size = 2MB',
	'fsync = on',
	$LedgerLoad::settings) . "\n");
start($node);
mkdir "$directory/space" or die $!;
$node->safe_psql('postgres', "CREATE TABLESPACE space LOCATION '$directory/space'");
$node->safe_psql('postgres', 'ALTER DATABASE postgres SET default_tablespace = space');
make_ledgers($node);
my @loads;

# Clients append, then something happens that takes the server down.
sub take_down
{
	my ($name, $fault, $path, $message, $strike) = @_;
	my $log = -s $node->logfile;
	my $rows = $node->safe_psql('postgres', 'SELECT count(*) + 300 FROM ledger');
	push @loads, start_load($node);
	ok($node->poll_query_until('postgres', "SELECT count(*) >= $rows FROM ledger"), "$name: clients append");
	break_disk($fault, $path) if $fault;
	$strike->() if $strike;
	stop_load($loads[-1], $name, 0);
	ok(poll(sub { slurp_file($node->logfile, $log) =~ $message }), "$name: PostgreSQL says so and stops everything");
	cmp_ok(scalar(told($loads[-1], 'ack')), '>', 100, "$name: clients had been told of commits");
	mend_disk();
	# It has given up, or comes back by itself.
	my $back = poll(sub {
		return 1 if answers($node);
		return 0 if kill 0, $node->{_pid};
		$node->{_pid} = undef;
		start($node);
		return 1;
	});
	ok($back, "$name: once the disk is mended the server is back");
	keeps_its_word($node, \@loads, $name);
	return;
}

take_down('flush of the log', 'sync', '/pg_wal/', qr/PANIC:  could not fdatasync file "[0-9A-F]{24}": Input\/output error/);
take_down('flush of the data', 'sync', "$directory/space/", qr/PANIC:  could not fsync file "pg_tblspc\/.*": Input\/output error/,
	sub { $node->psql('postgres', 'CHECKPOINT') });
take_down('full disk of the log', 'full', '/pg_wal/', qr/PANIC:  could not write to file "pg_wal\/xlogtemp\.\d+": No space left on device/);

# A full disk of the data is an error to who appends, and to nobody else.
push @loads, start_load($node, options => ['--persist']);
appends_on($loads[-1], 'full disk of the data: before');
break_disk('full', "$directory/space/");
ok(poll(sub {
	my %refused = map { ($_->[1] => 1) } grep { $_->[0] eq '53100' } told($loads[-1], 'error');
	return keys %refused == $loads[-1]{clients};
}), 'full disk of the data: every client is refused with disk_full');
my ($code, $output, $errors) = $node->psql('postgres', q{
	INSERT INTO ledger SELECT -1, 0, repeat('x', 200) FROM generate_series(1, 1000)}, timeout => 60);
like($errors, qr/ERROR:  could not extend file "pg_tblspc.*": No space left on device.*\nHINT:  Check free disk space\./,
	'full disk of the data: the error names the disk');
is_sound($node, 'ledger', 'full disk of the data: the ledger verifies meanwhile');
mend_disk();
appends_on($loads[-1], 'full disk of the data: when there is room again');
stop_load($loads[-1], 'full disk of the data');
my %other = map { ($_->[0] => 1) } told($loads[-1], 'error');
delete $other{'53100'};
is(join(' ', keys %other), '', 'full disk of the data: no client met another error, nor lost its connection');
keeps_its_word($node, \@loads, 'full disk of the data');

# A full disk of temporary files: what does not fit into memory cannot be queued, the transaction is refused as a
# whole, and others append on.
push @loads, start_load($node, clients => 4);
break_disk('full', '/pgsql_tmp/');
my $long = q{
	SET work_mem = '64kB';
	BEGIN;
	SELECT bulla.append('ledger', jsonb_build_object('number', -1));
	SELECT count(bulla.append('ledger', jsonb_build_object('number', -g, 'note', repeat('x', 100)))) FROM generate_series(1, 20000) AS g;
	COMMIT};
($code, $output, $errors) = $node->psql('postgres', $long);
like($errors, qr/ERROR:  could not write to file "base\/pgsql_tmp\/[^"]+": No space left on device/,
	'full disk of temporary files: who queues too much is refused');
appends_on($loads[-1], 'full disk of temporary files');
mend_disk();
stop_load($loads[-1], 'full disk of temporary files');
is(scalar(told($loads[-1], 'error')), 0, 'full disk of temporary files: nobody else met an error');
keeps_its_word($node, \@loads, 'full disk of temporary files');
$node->safe_psql('postgres', $long =~ s/-(\w)/1000 + $1/gr);
is($node->safe_psql('postgres', 'SELECT count(*) FROM ledger WHERE number > 1000 AND client IS NULL'), '20001',
	'full disk of temporary files: when there is room again, it takes them all');

# One process alone whose flush is refused, where the kernel lets it be traced: the others live on with a healthy
# disk until PostgreSQL stops all of them, and the server comes back by itself.
SKIP:
{
	my $own = IPC::Run::start([ 'sleep', '60' ]);
	my ($output, $errors) = ('', '');
	my $traced = IPC::Run::run([ 'timeout', '-s', 'INT', '2', 'strace', '-p', $own->{KIDS}[0]{PID} ], '<', '/dev/null', '>', \$output, '2>', \$errors);
	$own->kill_kill;
	skip "strace cannot attach to a process here: $errors", 1 if $errors !~ /attached/;
	for my $victim ('load_2', 'walwriter', 'checkpointer')
	{
		my $column = $victim =~ /load/ ? 'application_name' : 'backend_type';
		my $strace;
		my $strike = sub {
			my $pid = $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE $column = '$victim'");
			$strace = IPC::Run::start(
				[ 'strace', '-qq', '-o', '/dev/null', '-p', $pid, '-e', 'trace=fsync,fdatasync',
					'-e', 'inject=fsync,fdatasync:error=EIO' ], '<', '/dev/null', '>', '/dev/null', '2>', '/dev/null');
			$node->psql('postgres', 'CHECKPOINT') if $victim eq 'checkpointer';
		};
		take_down("fsync of $victim", undef, undef, qr/PANIC:  could not f(?:data)?sync file "[^"]+": Input\/output error/, $strike);
		$strace->finish;
	}
}

$node->stop;
done_testing();
