/* Paths of every kind, above all those that try to lead out of the directory. */
#include "wasi.h"

static const char *const PATHS[] = {
    "../secret", "..", "sub/../..", "sub/../../secret", "./../secret", "/", "/secret",
    "//etc/passwd", "up", "up/secret", "twice/secret", "sub/up2/secret", "sub/../up/secret", "sub/up3",
    "sub/.", "./sub", "sub//", "sub/../sub", "file/..", "file/.", "link/", "name\xcc\x81", "\xff", "a\xc3",
    "\xed\xa0\x80", " ", "~", "*", "a\\b", "C:\\x",
};

int main(void) {
    NEED(mkdir("/box/sub", 0755) == 0);
    put("/box/file", "12345");
    NEED(symlink("file", "/box/link") == 0);
    NEED(symlink("..", "/box/up") == 0);
    NEED(symlink("up", "/box/twice") == 0);
    NEED(symlink("../..", "/box/sub/up2") == 0);
    NEED(symlink("../file", "/box/sub/up3") == 0);
    unsigned char stat[64];
    char text[64];
    uint32_t used;
    for (size_t i = 0; i < sizeof PATHS / sizeof *PATHS; i++) {
        const char *path = PATHS[i];
        printf("%s:", path);
        for (uint32_t lookup = 0; lookup < 2; lookup++)
            printf(" %s", errno_name(wasi_path_filestat_get(BOX, lookup, PATH(path), stat)));
        int fd = raw_open(BOX, path, 0, RIGHT_READ, 0);
        printf(" open %s", errno_name(fd < 0 ? (uint32_t)-fd : 0));
        if (fd > 0)
            wasi_fd_close((uint32_t)fd);
        fd = raw_open(BOX, path, CREATE | EXCLUSIVE, RIGHT_WRITE, 0);
        printf(" create %s", errno_name(fd < 0 ? (uint32_t)-fd : 0));
        if (fd > 0) {
            wasi_fd_close((uint32_t)fd);
            printf(" %s", errno_name(wasi_path_unlink_file(BOX, PATH(path))));
        }
        printf(" mkdir %s", errno_name(wasi_path_create_directory(BOX, PATH(path))));
        printf(" readlink %s", errno_name(wasi_path_readlink(BOX, PATH(path), text, 64, &used)));
        printf(" rename %s", errno_name(wasi_path_rename(BOX, PATH("file"), BOX, PATH(path))));
        put("/box/file", "12345");
        printf(" link %s\n", errno_name(wasi_path_link(BOX, 0, PATH("file"), BOX, PATH(path))));
    }
    puts("lengths");
    static char name[5000];
    memset(name, 'x', sizeof name);
    static const uint32_t LENGTHS[] = {0, 1, 255, 256, 4095, 4096, 5000};
    for (size_t i = 0; i < sizeof LENGTHS / sizeof *LENGTHS; i++)
        printf("%u: %s %s\n", LENGTHS[i],
               errno_name(wasi_path_create_directory(BOX, name, LENGTHS[i])),
               errno_name(wasi_path_symlink(name, LENGTHS[i], BOX, PATH("made"))));
    RAW(path_filestat_get(BOX, 0, "a\0b", 3, stat));
    RAW(path_symlink("a\0b", 3, BOX, PATH("zero")));
    for (uint32_t i = 0; i + 4 <= sizeof name; i += 4)
        memcpy(name + i, "up/.", 4);
    RAW(path_filestat_get(BOX, 0, name, 4000, stat));
    for (uint32_t i = 0; i + 7 <= sizeof name; i += 7)
        memcpy(name + i, "sub/../", 7);
    RAW(path_filestat_get(BOX, 0, name, 4088, stat));

    puts("a link that is moved up, and a directory that is open");
    RAW(path_rename(BOX, PATH("sub/up3"), BOX, PATH("moved")));
    SHOW(raw_open(BOX, "moved", 0, RIGHT_READ, 0));
    NEED(mkdir("/box/sub/deep", 0755) == 0);
    int deep = raw_open(BOX, "sub/deep", DIRECTORY, RIGHT_READ, 0);
    NEED(deep > 0);
    RAW(path_rename(BOX, PATH("sub/deep"), BOX, PATH("deep")));
    SHOW(raw_open((uint32_t)deep, "..", 0, RIGHT_READ, 0));
    SHOW(raw_open((uint32_t)deep, "../file", 0, RIGHT_READ, 0));
    SHOW(raw_open((uint32_t)deep, "../../secret", 0, RIGHT_READ, 0));
    return 0;
}
