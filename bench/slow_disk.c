/*
 * A slow disk, for a server that is started with this library in LD_PRELOAD: what makes writes durable takes
 * BULLA_SLOW_DISK_MS milliseconds longer (a number, with a fraction if need be). The data go to the real disk
 * all the same. slow_disk() in measuring.py builds and uses it.
 *
 * Calls wait side by side, as on a disk with a deep queue: it is the time of a flush that is made longer.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

typedef int (*sync_call)(int);
typedef ssize_t (*write_call)(int, const void *, size_t, off64_t);

static struct timespec delay;
static sync_call next_fsync, next_fdatasync;
static write_call next_pwrite;

__attribute__((constructor)) static void look_up(void)
{
	const char *const text = getenv("BULLA_SLOW_DISK_MS");
	const double seconds = text != NULL ? strtod(text, NULL) / 1000 : 0;

	delay.tv_sec = (time_t) seconds;
	delay.tv_nsec = (long) ((seconds - (double) delay.tv_sec) * 1e9);
	next_fsync = (sync_call) dlsym(RTLD_NEXT, "fsync");
	next_fdatasync = (sync_call) dlsym(RTLD_NEXT, "fdatasync");
	next_pwrite = (write_call) dlsym(RTLD_NEXT, "pwrite64");
}

/* A signal wakes nobody early. errno is the call's that was made. */
static void wait_for_disk(void)
{
	const int result = errno;
	struct timespec left = delay;

	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
		;
	errno = result;
}

int fsync(int fd)
{
	const int result = next_fsync(fd);

	wait_for_disk();
	return result;
}

int fdatasync(int fd)
{
	const int result = next_fdatasync(fd);

	wait_for_disk();
	return result;
}

/* With wal_sync_method = open_datasync or open_sync it is the write that waits. */
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t place)
{
	const ssize_t result = next_pwrite(fd, data, size, place);

	if (fcntl(fd, F_GETFL) & O_DSYNC)
		wait_for_disk();
	return result;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t place)
{
	return pwrite64(fd, data, size, place);
}
