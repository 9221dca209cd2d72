/*
 * What the programs here share: the functions of WASI as imports, for what the C
 * library does not reach, and printing of results by name.
 *
 * A program prints everything it finds out on standard output. Whatever is not the
 * same in every run (times, inode numbers, the order of directories, how a stream
 * is connected) is compared or sorted instead of printed.
 */
#ifndef WASI_H
#define WASI_H

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef WASI_MODULE
#define WASI_MODULE "wasi_snapshot_preview1"
#endif

#define WASI(name) \
    __attribute__((import_module(WASI_MODULE), import_name(#name))) uint32_t wasi_##name

typedef struct { void *at; uint32_t length; } vector;

WASI(args_sizes_get)(uint32_t *count, uint32_t *size);
WASI(clock_res_get)(uint32_t id, uint64_t *resolution);
WASI(clock_time_get)(uint32_t id, uint64_t precision, uint64_t *time);
WASI(fd_advise)(uint32_t fd, uint64_t offset, uint64_t length, uint32_t advice);
WASI(fd_allocate)(uint32_t fd, uint64_t offset, uint64_t length);
WASI(fd_close)(uint32_t fd);
WASI(fd_datasync)(uint32_t fd);
WASI(fd_fdstat_get)(uint32_t fd, void *stat);
WASI(fd_fdstat_set_flags)(uint32_t fd, uint32_t flags);
WASI(fd_fdstat_set_rights)(uint32_t fd, uint64_t base, uint64_t inheriting);
WASI(fd_filestat_get)(uint32_t fd, void *stat);
WASI(fd_filestat_set_size)(uint32_t fd, uint64_t size);
WASI(fd_filestat_set_times)(uint32_t fd, uint64_t atim, uint64_t mtim, uint32_t flags);
WASI(fd_pread)(uint32_t fd, const vector *v, uint32_t count, uint64_t offset, uint32_t *read);
WASI(fd_prestat_get)(uint32_t fd, void *prestat);
WASI(fd_prestat_dir_name)(uint32_t fd, char *name, uint32_t length);
WASI(fd_pwrite)(uint32_t fd, const vector *v, uint32_t count, uint64_t offset, uint32_t *done);
WASI(fd_read)(uint32_t fd, const vector *v, uint32_t count, uint32_t *read);
WASI(fd_readdir)(uint32_t fd, void *buffer, uint32_t length, uint64_t cookie, uint32_t *used);
WASI(fd_renumber)(uint32_t from, uint32_t to);
WASI(fd_seek)(uint32_t fd, int64_t offset, uint32_t whence, uint64_t *position);
WASI(fd_sync)(uint32_t fd);
WASI(fd_tell)(uint32_t fd, uint64_t *position);
WASI(fd_write)(uint32_t fd, const vector *v, uint32_t count, uint32_t *done);
WASI(path_create_directory)(uint32_t fd, const char *path, uint32_t length);
WASI(path_filestat_get)(uint32_t fd, uint32_t flags, const char *path, uint32_t length,
                        void *stat);
WASI(path_filestat_set_times)(uint32_t fd, uint32_t flags, const char *path, uint32_t length,
                              uint64_t atim, uint64_t mtim, uint32_t fst_flags);
WASI(path_link)(uint32_t old_fd, uint32_t flags, const char *old, uint32_t old_length,
                uint32_t fd, const char *path, uint32_t length);
WASI(path_open)(uint32_t fd, uint32_t lookup, const char *path, uint32_t length, uint32_t flags,
                uint64_t rights, uint64_t inheriting, uint32_t fd_flags, uint32_t *opened);
WASI(path_readlink)(uint32_t fd, const char *path, uint32_t length, char *buffer,
                    uint32_t buffer_length, uint32_t *used);
WASI(path_remove_directory)(uint32_t fd, const char *path, uint32_t length);
WASI(path_rename)(uint32_t fd, const char *old, uint32_t old_length, uint32_t new_fd,
                  const char *path, uint32_t length);
WASI(path_symlink)(const char *contents, uint32_t contents_length, uint32_t fd,
                   const char *path, uint32_t length);
WASI(path_unlink_file)(uint32_t fd, const char *path, uint32_t length);
WASI(poll_oneoff)(const void *in, void *out, uint32_t count, uint32_t *occurred);
WASI(proc_raise)(uint32_t signal);
WASI(random_get)(void *buffer, uint32_t length);
WASI(sched_yield)(void);
WASI(sock_accept)(uint32_t fd, uint32_t flags, uint32_t *accepted);
WASI(sock_recv)(uint32_t fd, const vector *v, uint32_t count, uint32_t flags, uint32_t *read,
                uint32_t *out_flags);
WASI(sock_send)(uint32_t fd, const vector *v, uint32_t count, uint32_t flags, uint32_t *done);
WASI(sock_shutdown)(uint32_t fd, uint32_t how);

/* The descriptors of the two preopened directories. */
enum { BOX = 3, FIXED = 4 };

enum { CREATE = 1, DIRECTORY = 2, EXCLUSIVE = 4, TRUNCATE = 8 };
enum { APPEND = 1, DSYNC = 2, NONBLOCK = 4, RSYNC = 8, SYNC = 16 };
#define RIGHT_READ ((uint64_t)1 << 1)
#define RIGHT_WRITE ((uint64_t)1 << 6)
#define RIGHTS_ALL (((uint64_t)1 << 29) - 1)

/* A path and its length, as two arguments. */
#define PATH(path) (path), (uint32_t)strlen(path)

static inline const char *errno_name(uint32_t number) {
    static const char *const names[] = {
        "ok", "2big", "acces", "addrinuse", "addrnotavail", "afnosupport", "again", "already",
        "badf", "badmsg", "busy", "canceled", "child", "connaborted", "connrefused", "connreset",
        "deadlk", "destaddrreq", "dom", "dquot", "exist", "fault", "fbig", "hostunreach", "idrm",
        "ilseq", "inprogress", "intr", "inval", "io", "isconn", "isdir", "loop", "mfile", "mlink",
        "msgsize", "multihop", "nametoolong", "netdown", "netreset", "netunreach", "nfile",
        "nobufs", "nodev", "noent", "noexec", "nolck", "nolink", "nomem", "nomsg", "noprotoopt",
        "nospc", "nosys", "notconn", "notdir", "notempty", "notrecoverable", "notsock", "notsup",
        "notty", "nxio", "overflow", "ownerdead", "perm", "pipe", "proto", "protonosupport",
        "prototype", "range", "rofs", "spipe", "srch", "stale", "timedout", "txtbsy", "xdev",
        "notcapable",
    };
    return number < sizeof names / sizeof *names ? names[number] : "?";
}

/* Calls a function of WASI and prints the call and its errno. */
#define RAW(call) printf("%s: %s\n", #call, errno_name(wasi_##call))

/* Calls a function of the C library that gives -1 on failure, and prints the call, its
 * result and, on failure, errno. WASI's numbers are those of the C library. */
#define LIBC(call)                                                \
    do {                                                          \
        errno = 0;                                                \
        long result_ = (long)(call);                              \
        if (result_ == -1)                                        \
            printf("%s: %s\n", #call, errno_name((uint32_t)errno)); \
        else                                                      \
            printf("%s: %ld\n", #call, result_);                  \
    } while (0)

/* Prints a number by the expression that gave it. */
#define SHOW(expression) printf("%s = %lld\n", #expression, (long long)(expression))

/* Ends the program when something does not hold that the rest relies on. */
#define NEED(condition)                                              \
    do {                                                             \
        if (!(condition)) {                                          \
            printf("line %d: %s does not hold\n", __LINE__, #condition); \
            exit(99);                                                \
        }                                                            \
    } while (0)

/* Opens without printing; -errno on failure. */
static inline int raw_open(uint32_t dir, const char *path, uint32_t flags, uint64_t rights,
                           uint32_t fd_flags) {
    uint32_t fd = 0;
    uint32_t error =
        wasi_path_open(dir, 1, path, (uint32_t)strlen(path), flags, rights, rights, fd_flags, &fd);
    return error == 0 ? (int)fd : -(int)error;
}

/* A file of the work directory with this text, without the C library, which takes many
 * more instructions. */
static inline void raw_put(const char *path, const char *text) {
    int fd = raw_open(BOX, path, CREATE | TRUNCATE, RIGHT_WRITE, 0);
    NEED(fd > 0);
    uint32_t done;
    vector all = {(void *)text, (uint32_t)strlen(text)};
    NEED(wasi_fd_write((uint32_t)fd, &all, 1, &done) == 0);
    NEED(wasi_fd_close((uint32_t)fd) == 0);
}

/* A file with this text. */
static inline void put(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    NEED(file != NULL);
    fputs(text, file);
    fclose(file);
}

/* The text of a file. */
static inline void show_file(const char *path) {
    char text[256];
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        printf("%s cannot be opened: %s\n", path, errno_name((uint32_t)errno));
        return;
    }
    size_t length = fread(text, 1, sizeof text, file);
    fclose(file);
    printf("%s holds %zu bytes: \"", path, length);
    for (size_t i = 0; i < length; i++)
        if (text[i] >= ' ' && text[i] < 127)
            putchar(text[i]);
        else
            printf("\\%02x", (unsigned char)text[i]);
    printf("\"\n");
}

#endif
