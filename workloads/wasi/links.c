/* Hard and symbolic links. */
#include "wasi.h"

static void show(const char *path) {
    struct stat found;
    if (lstat(path, &found) != 0)
        printf("%s: %s\n", path, errno_name((uint32_t)errno));
    else
        printf("%s: %s, %lld links, %lld bytes\n", path,
               S_ISLNK(found.st_mode) ? "link" : S_ISDIR(found.st_mode) ? "directory" : "file",
               S_ISDIR(found.st_mode) ? 0 : (long long)found.st_nlink,
               S_ISDIR(found.st_mode) ? 0 : (long long)found.st_size);
}

int main(void) {
    char text[64];
    uint32_t used;
    put("/box/file", "12345");
    NEED(mkdir("/box/sub", 0755) == 0);

    puts("hard links");
    LIBC(link("/box/file", "/box/second"));
    LIBC(link("/box/file", "/box/second"));
    LIBC(link("/box/file", "/box/sub/third"));
    LIBC(link("/box/missing", "/box/fourth"));
    LIBC(link("/box/file", "/box/missing/fourth"));
    show("/box/file");
    struct stat one, two;
    NEED(stat("/box/file", &one) == 0 && stat("/box/sub/third", &two) == 0);
    SHOW(one.st_ino == two.st_ino && one.st_dev == two.st_dev);
    put("/box/second", "changed");
    show_file("/box/sub/third");
    LIBC(unlink("/box/second"));
    show("/box/file");
    RAW(path_link(BOX, 1, PATH("file"), BOX, PATH("followed")));
    RAW(path_link(BOX, 0, PATH("../file"), BOX, PATH("x")));
    RAW(path_link(BOX, 0, PATH("file"), BOX, PATH("../x")));
    RAW(path_link(BOX, 0, PATH("file"), BOX, PATH("x/")));

    LIBC(mkdir("/box/folder", 0755));
    RAW(path_link(BOX, 0, PATH("file/"), BOX, PATH("y")));
    RAW(path_link(BOX, 0, PATH("folder"), BOX, PATH("y")));
    RAW(path_link(BOX, 0, PATH("folder/"), BOX, PATH("y")));
    RAW(path_link(BOX, 0, PATH("missing/"), BOX, PATH("y")));
    RAW(path_link(BOX, 0, PATH(""), BOX, PATH("y")));
    LIBC(unlink("/box/y"));

    puts("symbolic links");
    LIBC(symlink("file", "/box/link"));
    LIBC(symlink("other", "/box/link"));
    LIBC(symlink("../file", "/box/sub/link"));
    LIBC(symlink("sub", "/box/sublink"));
    LIBC(symlink("nowhere", "/box/dangling"));
    LIBC(symlink("b", "/box/a"));
    LIBC(symlink("a", "/box/b"));
    LIBC(symlink("file", "/box/missing/link"));
    LIBC(symlink("", "/box/empty"));
    RAW(path_symlink(PATH("/etc/passwd"), BOX, PATH("absolute")));
    RAW(path_symlink(PATH("../../.."), BOX, PATH("outside")));
    RAW(path_symlink(PATH("file"), BOX, PATH("trailing/")));
    show("/box/link");
    show("/box/sub/link");
    show("/box/dangling");
    show_file("/box/link");
    show_file("/box/sub/link");
    show_file("/box/sublink/link");
    show_file("/box/dangling");
    show_file("/box/a");
    LIBC(open("/box/link", O_RDONLY | O_NOFOLLOW));
    LIBC(open("/box/dangling", O_WRONLY | O_CREAT | O_EXCL, 0644));
    put("/box/dangling", "made");
    show_file("/box/nowhere");
    LIBC(link("/box/link", "/box/linked"));
    show("/box/linked");

    puts("reading them");
    memset(text, '.', sizeof text);
    RAW(path_readlink(BOX, PATH("sub/link"), text, sizeof text, &used));
    printf("%u %.10s\n", used, text);
    memset(text, '.', sizeof text);
    RAW(path_readlink(BOX, PATH("sub/link"), text, 3, &used));
    printf("%u %.5s\n", used, text);
    RAW(path_readlink(BOX, PATH("sub/link"), text, 0, &used));
    SHOW(used);
    RAW(path_readlink(BOX, PATH("file"), text, sizeof text, &used));
    RAW(path_readlink(BOX, PATH("sub"), text, sizeof text, &used));
    RAW(path_readlink(BOX, PATH("missing"), text, sizeof text, &used));
    RAW(path_readlink(BOX, PATH("outside"), text, sizeof text, &used));
    RAW(path_readlink(FIXED, PATH("out"), text, sizeof text, &used));
    printf("%u %.12s\n", used, text);
    return 0;
}
