/* The older version of the interface, `wasi_unstable`: where it differs.
 *
 * The C library speaks the newer version only, so this program does without it. */
#include <stddef.h>
#include <stdint.h>

#define WASI(name) \
    __attribute__((import_module("wasi_unstable"), import_name(#name))) uint32_t wasi_##name

typedef struct { const void *at; uint32_t length; } vector;

WASI(args_sizes_get)(uint32_t *count, uint32_t *size);
WASI(clock_time_get)(uint32_t id, uint64_t precision, uint64_t *time);
WASI(fd_filestat_get)(uint32_t fd, void *stat);
WASI(fd_read)(uint32_t fd, const vector *v, uint32_t count, uint32_t *read);
WASI(fd_seek)(uint32_t fd, int64_t offset, uint32_t whence, uint64_t *position);
WASI(fd_write)(uint32_t fd, const vector *v, uint32_t count, uint32_t *done);
WASI(path_filestat_get)(uint32_t fd, uint32_t flags, const char *path, uint32_t length,
                        void *stat);
WASI(path_link)(uint32_t old_fd, uint32_t flags, const char *old, uint32_t old_length,
                uint32_t fd, const char *path, uint32_t length);
WASI(path_open)(uint32_t fd, uint32_t lookup, const char *path, uint32_t length, uint32_t flags,
                uint64_t rights, uint64_t inheriting, uint32_t fd_flags, uint32_t *opened);
WASI(poll_oneoff)(const void *in, void *out, uint32_t count, uint32_t *occurred);
__attribute__((import_module("wasi_unstable"), import_name("proc_exit"), noreturn)) void
wasi_proc_exit(uint32_t code);

static size_t length_of(const char *text) {
    size_t length = 0;
    while (text[length] != 0)
        length++;
    return length;
}

static void print(const char *text) {
    uint32_t done;
    vector v = {text, length_of(text)};
    wasi_fd_write(1, &v, 1, &done);
}

static void show(const char *what, uint64_t value) {
    char digits[24], *at = digits + sizeof digits;
    *--at = 0;
    *--at = '\n';
    do
        *--at = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    print(what);
    print(": ");
    print(at);
}

/* Attributes with a count of links of 32 bits. */
typedef struct {
    uint64_t device, inode;
    uint8_t type;
    uint32_t links;
    uint64_t size, accessed, modified, changed;
    uint64_t behind;
} attributes;
_Static_assert(offsetof(attributes, links) == 20 && offsetof(attributes, behind) == 56, "layout");

/* A subscription with an identifier before the clock. */
typedef struct {
    uint64_t user_data;
    uint8_t type;
    uint64_t identifier;
    uint32_t clock;
    uint64_t timeout, precision;
    uint16_t flags;
} subscription;
_Static_assert(sizeof(subscription) == 56 && offsetof(subscription, clock) == 24, "layout");

enum { CURRENT, END, SET };

static void show_attributes(const attributes *stat) {
    show("  type", stat->type);
    show("  links", stat->links);
    show("  size", stat->size);
    show("  times", stat->modified > 1600000000000000000 && stat->accessed > 1600000000000000000);
    show("  untouched behind", stat->behind);
}

void _start(void) {
    uint32_t count, size, fd = 0, done, occurred;
    uint64_t position, before, after;
    show("args_sizes_get", wasi_args_sizes_get(&count, &size));
    show("arguments", count);

    /* The rights to read, write, seek, tell and get attributes. */
    const uint64_t rights = 1 << 1 | 1 << 2 | 1 << 5 | 1 << 6 | 1 << 21;
    show("path_open", wasi_path_open(3, 0, "file", 4, 1, rights, 0, 0, &fd));
    vector v = {"0123456789", 10};
    show("fd_write", wasi_fd_write(fd, &v, 1, &done));
    show("fd_seek, set", wasi_fd_seek(fd, 4, SET, &position));
    show("position", position);
    show("fd_seek, current", wasi_fd_seek(fd, 3, CURRENT, &position));
    show("position", position);
    show("fd_seek, end", wasi_fd_seek(fd, -1, END, &position));
    show("position", position);
    char last[2] = "";
    v = (vector){last, 1};
    show("fd_read", wasi_fd_read(fd, &v, 1, &done));
    print(last);
    print("\n");

    show("path_link", wasi_path_link(3, 0, "file", 4, 3, "second", 6));
    attributes stat = {.behind = 77};
    show("fd_filestat_get", wasi_fd_filestat_get(fd, &stat));
    show_attributes(&stat);
    stat.behind = 78;
    show("path_filestat_get", wasi_path_filestat_get(3, 0, "second", 6, &stat));
    show_attributes(&stat);

    static const subscription in[2] = {{1, 0, 99, 1, 2000000000, 0, 0}, {2, 0, 98, 1, 20000000, 0, 0}};
    struct { uint64_t user_data; uint16_t error; uint8_t type; uint64_t rest[2]; } out[2];
    wasi_clock_time_get(1, 0, &before);
    show("poll_oneoff", wasi_poll_oneoff(in, out, 2, &occurred));
    wasi_clock_time_get(1, 0, &after);
    show("waited for the earlier", after - before >= 20000000 && after - before < 1000000000);
    show("events", occurred);
    show("user data", out[0].user_data);
    wasi_proc_exit(5);
}
