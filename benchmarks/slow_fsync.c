/* Preloaded: every fsync and fdatasync takes SLOW_FSYNC_MS longer, as on a worn memory card. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

static void wait_a_while(void)
{
    const char *milliseconds = getenv("SLOW_FSYNC_MS");
    usleep(1000u * (milliseconds ? (unsigned)atoi(milliseconds) : 500u));
}

int fsync(int file)
{
    static int (*real)(int);
    if (!real)
        real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    wait_a_while();
    return real(file);
}

int fdatasync(int file)
{
    static int (*real)(int);
    if (!real)
        real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    wait_a_while();
    return real(file);
}
