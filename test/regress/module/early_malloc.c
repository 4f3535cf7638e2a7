/*
 * PostgreSQL under the address sanitizer hangs at its start where the sanitizer's allocator is first called from
 * inside the loader. In LD_PRELOAD after the sanitizer, and linked with -z initfirst, this calls it before.
 */
#include <stdlib.h>

__attribute__((constructor)) static void allocate(void)
{
	free(malloc(1));
}
