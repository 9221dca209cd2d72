/* Paths of every kind, above all those that try to lead out of the directory. */
#include "wasi.h"

static const char *const PATHS[] = {
    "../secret", "..", "sub/../..", "sub/../../secret", "./../secret", "/", "/secret",
    "//etc/passwd", "up", "up/secret", "twice/secret", "sub/up2/secret", "sub/../up/secret", "sub/up3",
    "sub/.", "./sub", "sub//", "sub/../sub", "file/..", "file/.", "link/", "name\xcc\x81", "\xff", "a\xc3",
    "\xed\xa0\x80", " ", "~", "*", "a\\b", "C:\\x",
};

/* The links, and what they hold. */
static const char *const LINKS[][2] = {
    {"/box/link", "file"}, {"/box/up", ".."}, {"/box/twice", "up"},
    {"/box/sub/up2", "../.."}, {"/box/sub/up3", "../file"},
};

/* Makes files and links anew: what is done to a path can replace them. */
static void again(void) {
    mkdir("/box/sub", 0755);
    unlink("/box/file");
    put("/box/file", "12345");
    for (size_t i = 0; i < sizeof LINKS / sizeof *LINKS; i++) {
        char text[8];
        uint32_t used = 0;
        unlink(LINKS[i][0]);
        NEED(symlink(LINKS[i][1], LINKS[i][0]) == 0);
        NEED(wasi_path_readlink(BOX, PATH(LINKS[i][0] + 5), text, sizeof text, &used) == 0);
        NEED(used == strlen(LINKS[i][1]) && memcmp(text, LINKS[i][1], used) == 0);
    }
}

int main(void) {
    unsigned char stat[64];
    char text[64];
    uint32_t used;
    for (size_t i = 0; i < sizeof PATHS / sizeof *PATHS; i++) {
        const char *path = PATHS[i];
        again();
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
        again();
        printf(" link %s", errno_name(wasi_path_link(BOX, 0, PATH("file"), BOX, PATH(path))));
        again();
        printf(" linked %s", errno_name(wasi_path_link(BOX, 0, PATH(path), BOX, PATH("linked"))));
        wasi_path_unlink_file(BOX, PATH("linked"));
        again();
        printf(" times %s", errno_name(wasi_path_filestat_set_times(BOX, 1, PATH(path), 1, 2, 5)));
        printf(" symlink %s", errno_name(wasi_path_symlink(PATH("file"), BOX, PATH(path))));
        again();
        printf(" unlink %s", errno_name(wasi_path_unlink_file(BOX, PATH(path))));
        again();
        printf(" rmdir %s\n", errno_name(wasi_path_remove_directory(BOX, PATH(path))));
    }
    again();
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
