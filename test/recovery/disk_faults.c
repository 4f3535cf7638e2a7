/*
 * A disk that fails, for a server that is started with this library in LD_PRELOAD. What fails, and since when, is
 * told by files in the folder that BULLA_DISK_FAULTS names; each holds a part of the paths it is about:
 *
 *     full   a write that would make such a file longer: ENOSPC
 *     sync   fsync and fdatasync of such a file: EIO
 *
 * Works where nothing may be mounted and nobody be traced, and fails at the call that PostgreSQL makes.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

typedef int (*sync_call)(int);
typedef int (*allocate_call)(int, off_t, off_t);
typedef ssize_t (*write_call)(int, const void *, size_t);
typedef ssize_t (*pwrite_call)(int, const void *, size_t, off_t);
typedef ssize_t (*pwritev_call)(int, const struct iovec *, int, off_t);

static char folder[PATH_MAX];
static sync_call next_fsync, next_fdatasync;
static allocate_call next_allocate;
static write_call next_write;
static pwrite_call next_pwrite;
static pwritev_call next_pwritev;

__attribute__((constructor)) static void look_up(void)
{
	const char *const name = getenv("BULLA_DISK_FAULTS");

	/* A copy: PostgreSQL writes its process titles over the environment. */
	snprintf(folder, sizeof folder, "%s", name != NULL ? name : "");
	next_fsync = (sync_call) dlsym(RTLD_NEXT, "fsync");
	next_fdatasync = (sync_call) dlsym(RTLD_NEXT, "fdatasync");
	next_allocate = (allocate_call) dlsym(RTLD_NEXT, "posix_fallocate");
	next_write = (write_call) dlsym(RTLD_NEXT, "write");
	next_pwrite = (pwrite_call) dlsym(RTLD_NEXT, "pwrite");
	next_pwritev = (pwritev_call) dlsym(RTLD_NEXT, "pwritev");
}

/* Whether the fault is there and about this file. */
static int fails(const char *fault, int fd)
{
	const int result = errno;
	char name[PATH_MAX + 8], part[PATH_MAX], path[PATH_MAX];
	int about = 0, file;

	snprintf(name, sizeof name, "%s/%s", folder, fault);
	if ((file = open(name, O_RDONLY | O_CLOEXEC)) >= 0)
	{
		const ssize_t size = read(file, part, sizeof part - 1);
		ssize_t length;

		close(file);
		snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
		length = readlink(name, path, sizeof path - 1);
		if (size > 0 && length > 0)
		{
			part[size] = path[length] = '\0';
			about = strstr(path, part) != NULL;
		}
	}
	errno = result;
	return about;
}

static int is_full(int fd, off_t end)
{
	struct stat status;

	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || end <= status.st_size || !fails("full", fd))
		return 0;
	errno = ENOSPC;
	return 1;
}

int fsync(int fd)
{
	if (!fails("sync", fd))
		return next_fsync(fd);
	errno = EIO;
	return -1;
}

int fdatasync(int fd)
{
	if (!fails("sync", fd))
		return next_fdatasync(fd);
	errno = EIO;
	return -1;
}

int posix_fallocate(int fd, off_t place, off_t size)
{
	return is_full(fd, place + size) ? ENOSPC : next_allocate(fd, place, size);
}

ssize_t write(int fd, const void *data, size_t size)
{
	const off_t place = lseek(fd, 0, SEEK_CUR);

	return place >= 0 && is_full(fd, place + (off_t) size) ? -1 : next_write(fd, data, size);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t place)
{
	return is_full(fd, place + (off_t) size) ? -1 : next_pwrite(fd, data, size, place);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t place)
{
	off_t end = place;

	for (int i = 0; i < count; ++i)
		end += (off_t) parts[i].iov_len;
	return is_full(fd, end) ? -1 : next_pwritev(fd, parts, count, place);
}
