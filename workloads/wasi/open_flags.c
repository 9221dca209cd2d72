/* path_open with every combination of flags on everything that can be there. */
#include "wasi.h"

static const char *const PATHS[] = {
    "file", "sub", "link", "sublink", "dangling", "loop", "up", ".", "sub/..", "file/", "sub/",
    "sublink/", "file/x", "missing", "missing/x", "", "sub/./new", "sub//other",
};

static void reset(void) {
    static const char *const MADE[] = {"missing", "target", "sub/new", "sub/other"};
    for (size_t i = 0; i < sizeof MADE / sizeof *MADE; i++)
        wasi_path_unlink_file(BOX, PATH(MADE[i]));
    raw_put("file", "12345");
}

int main(void) {
    reset();
    NEED(mkdir("/box/sub", 0755) == 0);
    NEED(symlink("file", "/box/link") == 0);
    NEED(symlink("sub", "/box/sublink") == 0);
    NEED(symlink("target", "/box/dangling") == 0);
    NEED(symlink("loop", "/box/loop") == 0);
    NEED(symlink("..", "/box/up") == 0);
    static const uint64_t RIGHTS[] = {RIGHT_READ, RIGHT_WRITE, RIGHT_READ | RIGHT_WRITE};
    static const char *const NAMES[] = {"r", "w", "rw"};
    for (size_t p = 0; p < sizeof PATHS / sizeof *PATHS; p++) {
        for (uint32_t lookup = 0; lookup < 2; lookup++) {
            printf("\"%s\"%s\n", PATHS[p], lookup ? ", following" : "");
            for (int r = 0; r < 3; r++) {
                printf("  %s:", NAMES[r]);
                for (uint32_t flags = 0; flags < 16; flags++) {
                    uint32_t fd;
                    uint32_t error = wasi_path_open(BOX, lookup, PATH(PATHS[p]), flags, RIGHTS[r],
                                                    RIGHTS[r], 0, &fd);
                    printf(" %s", errno_name(error));
                    if (error != 0)
                        continue;
                    unsigned char bytes[24];
                    NEED(wasi_fd_fdstat_get(fd, bytes) == 0);
                    printf("/%d", bytes[0]);
                    NEED(wasi_fd_close(fd) == 0);
                    uint64_t after[8];
                    NEED(wasi_path_filestat_get(BOX, 0, PATH("file"), after) == 0);
                    if (after[4] != 5)
                        printf("(%d)", (int)after[4]);
                    reset();
                }
                printf("\n");
            }
        }
    }
    puts("flags of the descriptor");
    for (uint32_t fd_flags = 0; fd_flags < 2; fd_flags++) {
        int fd = raw_open(BOX, "file", 0, RIGHT_READ | RIGHT_WRITE, fd_flags * NONBLOCK | APPEND);
        unsigned char bytes[24];
        NEED(fd > 0 && wasi_fd_fdstat_get((uint32_t)fd, bytes) == 0);
        SHOW(bytes[2] | bytes[3] << 8);
    }
    puts("on what is no directory");
    uint32_t fd = (uint32_t)raw_open(BOX, "file", 0, RIGHT_READ, 0), opened;
    RAW(path_open(fd, 0, PATH("x"), 0, RIGHT_READ, 0, 0, &opened));
    RAW(path_open(1, 0, PATH("x"), 0, RIGHT_READ, 0, 0, &opened));
    RAW(path_open(99, 0, PATH("x"), 0, RIGHT_READ, 0, 0, &opened));
    return 0;
}
