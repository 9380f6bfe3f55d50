/* Preloaded before the C library: counts the calls that force data to the disk, and makes them. */
#define _GNU_SOURCE
#include <dlfcn.h>

static int calls;

int forced_writes(void) { return calls; }

int fsync(int file)
{
    __sync_fetch_and_add(&calls, 1);
    return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(file);
}

int fdatasync(int file)
{
    __sync_fetch_and_add(&calls, 1);
    return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(file);
}
