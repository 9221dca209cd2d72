/* Directories: making, reading, removing; reading by cookie with any buffer. */
#include "wasi.h"
#include <dirent.h>

static int by_name(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void list(const char *path) {
    DIR *dir = opendir(path);
    if (dir == NULL) {
        printf("%s: %s\n", path, errno_name((uint32_t)errno));
        return;
    }
    char *names[256];
    size_t count = 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL; count++) {
        NEED(count < 256);
        NEED(asprintf(&names[count], "%s:%d", entry->d_name, entry->d_type) > 0);
    }
    closedir(dir);
    qsort(names, count, sizeof *names, by_name);
    printf("%s has %zu:", path, count);
    for (size_t i = 0; i < count; i++)
        printf(" %s", names[i]);
    printf("\n");
}

/* Reads all of a directory with a buffer of this size and adds up what it finds. */
static void pieces(uint32_t room) {
    static unsigned char buffer[8192];
    uint64_t cookie = 0;
    uint32_t used, count = 0, calls = 0, letters = 0;
    do {
        NEED(wasi_fd_readdir(BOX, buffer, room, cookie, &used) == 0);
        NEED(used <= room);
        calls++;
        for (uint32_t at = 0; at + 24 <= used;) {
            uint64_t next;
            uint32_t length;
            memcpy(&next, buffer + at, 8);
            memcpy(&length, buffer + at + 16, 4);
            if (at + 24 + length > used)
                break;
            for (uint32_t i = 0; i < length; i++)
                letters += buffer[at + 24 + i];
            cookie = next;
            count++;
            at += 24 + length;
        }
    } while (used == room);
    printf("%u bytes at a time: %u entries, letters %u\n", room, count, letters);
}

int main(void) {
    LIBC(mkdir("/box/a", 0755));
    LIBC(mkdir("/box/a", 0755));
    LIBC(mkdir("/box/a/b", 0755));
    LIBC(mkdir("/box/missing/b", 0755));
    LIBC(mkdir("/box/slash/", 0755));
    put("/box/a/file", "text");
    LIBC(mkdir("/box/a/file/x", 0755));
    LIBC(symlink("file", "/box/a/link"));
    LIBC(mkdir("/box/a/link", 0755));
    list("/box");
    list("/box/a");
    list("/box/a/b");
    list("/box/a/file");
    list("/box/missing");
    list("/fixed");
    LIBC(rmdir("/box/a"));
    LIBC(rmdir("/box/a/file"));
    LIBC(rmdir("/box/a/link"));
    LIBC(rmdir("/box/missing"));
    LIBC(rmdir("/box/slash/"));
    RAW(path_remove_directory(BOX, PATH(".")));
    RAW(path_remove_directory(BOX, PATH("a/..")));
    LIBC(unlink("/box/a/b"));
    LIBC(unlink("/box/a/file/"));
    LIBC(unlink("/box/a/link"));
    LIBC(unlink("/box/missing"));
    LIBC(rmdir("/box/a/b"));
    list("/box/a");

    for (int i = 0; i < 100; i++) {
        char name[64];
        snprintf(name, sizeof name, "/box/%.*s%d", i % 29 + 1, "abcdefghijklmnopqrstuvwxyzabcd", i);
        put(name, "");
    }
    static const uint32_t ROOMS[] = {57, 58, 64, 100, 333, 1000, 4096, 8192};
    for (size_t i = 0; i < sizeof ROOMS / sizeof *ROOMS; i++)
        pieces(ROOMS[i]);

    /* A buffer too small for an entry gets its beginning, each time again. */
    unsigned char buffer[64];
    uint32_t used;
    for (uint32_t room = 0; room < 27; room++) {
        memset(buffer, 0, sizeof buffer);
        NEED(wasi_fd_readdir(BOX, buffer, room, 1, &used) == 0);
        printf("%u:%u,%d,%d,%d ", room, used, buffer[0], buffer[16], buffer[20]);
    }
    printf("\n");
    NEED(wasi_fd_readdir(BOX, buffer, 51, 0, &used) == 0);
    printf("%.1s %.2s\n", buffer + 24, buffer + 25 + 24);
    NEED(wasi_fd_readdir(BOX, buffer, 64, 1000, &used) == 0);
    SHOW(used);

    /* The cookie of an entry comes back to the same entry. */
    DIR *dir = opendir("/box");
    for (int i = 0; i < 40; i++)
        NEED(readdir(dir) != NULL);
    long middle = telldir(dir);
    char *name = strdup(readdir(dir)->d_name);
    while (readdir(dir) != NULL) {
    }
    seekdir(dir, middle);
    SHOW(strcmp(name, readdir(dir)->d_name));
    rewinddir(dir);
    printf("%s\n", readdir(dir)->d_name);

    /* Removing what was read misses nothing. */
    rewinddir(dir);
    int removed = 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char path[300];
        snprintf(path, sizeof path, "/box/%s", entry->d_name);
        removed += entry->d_type == DT_REG && unlink(path) == 0;
    }
    closedir(dir);
    SHOW(removed);
    list("/box");
    return 0;
}
