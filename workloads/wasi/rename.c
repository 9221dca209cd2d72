/* Renaming: what replaces what, and where it cannot go. */
#include "wasi.h"

static void reset(void) {
    wasi_path_create_directory(BOX, PATH("empty"));
    wasi_path_create_directory(BOX, PATH("full"));
    wasi_path_create_directory(BOX, PATH("full/inner"));
    wasi_path_symlink(PATH("file"), BOX, PATH("link"));
    raw_put("file", "file");
    raw_put("other", "other");
    raw_put("full/file", "inner");
}

int main(void) {
    static const char *const PATHS[] = {
        "file", "other", "empty", "full", "full/file", "full/inner", "link", "missing", "new",
        "new/", "file/", "empty/", "full/inner/new", ".", "full/..", "..", "../x", "/x", "",
    };
    size_t count = sizeof PATHS / sizeof *PATHS;
    reset();
    for (size_t from = 0; from < count; from++) {
        printf("%s to", PATHS[from]);
        for (size_t to = 0; to < count; to++) {
            uint32_t error = wasi_path_rename(BOX, PATH(PATHS[from]), BOX, PATH(PATHS[to]));
            printf(" %s", errno_name(error));
            if (error == 0 && from != to) {
                /* Back, then whatever it replaced. */
                wasi_path_rename(BOX, PATH(PATHS[to]), BOX, PATH(PATHS[from]));
                wasi_path_unlink_file(BOX, PATH("new"));
                wasi_path_remove_directory(BOX, PATH("new"));
                reset();
            }
        }
        printf("\n");
    }
    puts("between directories");
    reset();
    int full = raw_open(BOX, "full", DIRECTORY, RIGHT_READ, 0);
    NEED(full > 0);
    RAW(path_rename(BOX, PATH("file"), (uint32_t)full, PATH("moved")));
    RAW(path_rename((uint32_t)full, PATH("../other"), BOX, PATH("moved")));
    RAW(path_rename(BOX, PATH("other"), FIXED, PATH("moved")));
    RAW(path_rename(FIXED, PATH("hello.txt"), BOX, PATH("moved")));
    RAW(path_rename(BOX, PATH("other"), 1, PATH("moved")));
    RAW(path_rename(99, PATH("other"), BOX, PATH("moved")));
    LIBC(rename("/box/full/moved", "/box/back"));
    show_file("/box/back");
    return 0;
}
