/* Setting and reading the times of files. */
#include "wasi.h"
#include <time.h>

static void show(const char *path) {
    struct stat found;
    NEED(lstat(path, &found) == 0);
    printf("%s: %lld.%09ld %lld.%09ld\n", path, (long long)found.st_atim.tv_sec,
           found.st_atim.tv_nsec, (long long)found.st_mtim.tv_sec, found.st_mtim.tv_nsec);
}

int main(void) {
    put("/box/file", "text");
    NEED(mkdir("/box/sub", 0755) == 0);
    NEED(symlink("file", "/box/link") == 0);
    struct timespec times[2] = {{1000000000, 1}, {1100000000, 999999999}};
    LIBC(utimensat(AT_FDCWD, "/box/file", times, 0));
    show("/box/file");
    times[0].tv_nsec = UTIME_OMIT;
    times[1].tv_sec = 5;
    LIBC(utimensat(AT_FDCWD, "/box/link", times, 0));
    show("/box/file");
    times[0] = (struct timespec){7, 8};
    times[1] = (struct timespec){9, 10};
    LIBC(utimensat(AT_FDCWD, "/box/link", times, AT_SYMLINK_NOFOLLOW));
    show("/box/file");
    show("/box/link");
    LIBC(utimensat(AT_FDCWD, "/box/sub", times, 0));
    show("/box/sub");
    LIBC(utimensat(AT_FDCWD, "/box/missing", times, 0));
    int fd = open("/box/file", O_RDWR);
    times[0] = (struct timespec){20, 21};
    LIBC(futimens(fd, times));
    show("/box/file");
    RAW(fd_filestat_set_times(BOX, 3000000000, 4000000000, 5));
    show("/box/.");

    puts("now");
    struct timespec before, after;
    NEED(clock_gettime(CLOCK_REALTIME, &before) == 0);
    times[0].tv_nsec = UTIME_OMIT;
    times[1].tv_nsec = UTIME_NOW;
    LIBC(futimens(fd, times));
    struct stat found;
    NEED(fstat(fd, &found) == 0);
    NEED(clock_gettime(CLOCK_REALTIME, &after) == 0);
    SHOW(found.st_atim.tv_sec);
    /* The clock of a file system may be a tick behind. */
    SHOW(found.st_mtim.tv_sec >= before.tv_sec - 1 && found.st_mtim.tv_sec <= after.tv_sec);

    puts("flags");
    for (uint32_t flags = 0; flags < 16; flags++)
        printf("%s %s\n", errno_name(wasi_fd_filestat_set_times((uint32_t)fd, 1, 2, flags)),
               errno_name(wasi_path_filestat_set_times(BOX, 0, PATH("file"), 1, 2, flags)));
    RAW(path_filestat_set_times(BOX, 1, PATH("file"), 0, 1234567890123456789, 5));
    show("/box/file");
    RAW(path_filestat_set_times(FIXED, 1, PATH("hello.txt"), 0, 1, 5));
    RAW(path_filestat_set_times(BOX, 1, PATH("../x"), 0, 1, 5));

    puts("slashes");
    static const char *const SLASHES[] = {"file/", "sub/", "link/", "file/.", "sub/.", "", "missing/"};
    NEED(symlink("sub", "/box/sublink") == 0);
    for (size_t i = 0; i < sizeof SLASHES / sizeof *SLASHES; i++)
        printf("%s: %s %s\n", SLASHES[i],
               errno_name(wasi_path_filestat_set_times(BOX, 0, PATH(SLASHES[i]), 1, 2, 5)),
               errno_name(wasi_path_filestat_set_times(BOX, 1, PATH(SLASHES[i]), 3, 4, 5)));
    for (uint32_t lookup = 0; lookup < 2; lookup++)
        RAW(path_filestat_set_times(BOX, lookup, PATH("sublink/"), 5, 6, 5));
    show("/box/sub");
    return 0;
}
