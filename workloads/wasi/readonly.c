/* A read-only directory: everything can be looked at, nothing changed. */
#include "wasi.h"

int main(void) {
    char text[64];
    uint32_t done, used;
    show_file("/fixed/hello.txt");
    show_file("/fixed/link");
    show_file("/fixed/out");
    show_file("/fixed/loop");
    show_file("/fixed/sub/deep.txt");
    for (uint32_t flags = 0; flags < 16; flags++) {
        printf("%u:", flags);
        for (uint64_t rights = 0; rights < 4; rights++) {
            int fd = raw_open(FIXED, "hello.txt", flags, (rights & 1) << 1 | rights >> 1 << 6, 0);
            printf(" %s", errno_name(fd < 0 ? (uint32_t)-fd : 0));
            fd = raw_open(FIXED, "new", flags, (rights & 1) << 1 | rights >> 1 << 6, 0);
            printf(" %s", errno_name(fd < 0 ? (uint32_t)-fd : 0));
        }
        printf("\n");
    }
    LIBC(open("/fixed/hello.txt", O_RDWR));
    LIBC(open("/fixed/new", O_WRONLY | O_CREAT, 0644));
    LIBC(mkdir("/fixed/new", 0755));
    LIBC(mkdir("/fixed/sub", 0755));
    LIBC(rmdir("/fixed/sub"));
    LIBC(unlink("/fixed/hello.txt"));
    LIBC(unlink("/fixed/missing"));
    LIBC(rename("/fixed/hello.txt", "/fixed/new"));
    LIBC(rename("/fixed/hello.txt", "/box/new"));
    LIBC(link("/fixed/hello.txt", "/fixed/new"));
    LIBC(link("/fixed/hello.txt", "/box/new"));
    LIBC(symlink("hello.txt", "/fixed/new"));
    RAW(fd_filestat_set_times(FIXED, 0, 0, 5));
    uint32_t fd = (uint32_t)raw_open(FIXED, "hello.txt", 0, RIGHT_READ, 0);
    vector vectors[] = {{text, 5}};
    RAW(fd_read(fd, vectors, 1, &done));
    RAW(fd_write(fd, vectors, 1, &done));
    RAW(fd_filestat_set_size(fd, 0));
    RAW(fd_filestat_set_times(fd, 0, 0, 5));
    RAW(fd_fdstat_set_flags(fd, APPEND));
    RAW(fd_sync(fd));
    RAW(path_readlink(FIXED, PATH("link"), text, sizeof text, &used));
    uint32_t sub = (uint32_t)raw_open(FIXED, "sub", DIRECTORY, RIGHT_READ, 0);
    RAW(path_create_directory(sub, PATH("x")));
    RAW(path_unlink_file(sub, PATH("deep.txt")));
    SHOW(raw_open(sub, "deep.txt", 0, RIGHT_WRITE, 0));
    SHOW(raw_open(sub, "deep.txt", 0, RIGHT_READ, 0) > 0);
    return 0;
}
