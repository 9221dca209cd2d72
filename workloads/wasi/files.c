/* Reading, writing and positioning of files. */
#include "wasi.h"

/* Writes and reads a file by calls that name four vectors, one of them empty; a call may use
 * as few of them as it likes, so they are repeated with what is left. */
static void show_vectors(void) {
    static char text[] = "one, two and three", back[sizeof text];
    char *const ends[] = {text + 3, text + 3, text + 8, text + sizeof text - 1};
    uint32_t fd = (uint32_t)raw_open(BOX, "vectors", CREATE | TRUNCATE, RIGHT_READ | RIGHT_WRITE, 0);
    for (int round = 0; round < 4; round++) {
        char *base = round % 2 == 0 ? text : back;
        uint32_t all = 0, done = 1;
        while (all < sizeof text - 1 && done > 0) {
            vector vectors[4];
            for (int i = 0; i < 4; i++) {
                uint32_t from = i == 0 ? 0 : (uint32_t)(ends[i - 1] - text);
                uint32_t to = (uint32_t)(ends[i] - text);
                from = from < all ? all : from;
                vectors[i] = (vector){base + from, to < from ? 0 : to - from};
            }
            uint32_t error = round == 0   ? wasi_fd_write(fd, vectors, 4, &done)
                             : round == 1 ? wasi_fd_pread(fd, vectors, 4, all, &done)
                             : round == 2 ? wasi_fd_pwrite(fd, vectors, 4, all + 2, &done)
                                          : wasi_fd_read(fd, vectors, 4, &done);
            NEED(error == 0);
            all += done;
        }
        printf("%u bytes, %s\n", all, round == 1 ? back : "");
        if (round == 2) {
            memset(back, 0, sizeof back);
            NEED(lseek((int)fd, 2, SEEK_SET) == 2);
        }
    }
    printf("%s\n", back);
    vector none = {text, 0};
    uint32_t done = 9;
    RAW(fd_write(fd, &none, 0, &done));
    SHOW(done);
    RAW(fd_write(fd, &none, 1, &done));
    RAW(fd_read(fd, &none, 1, &done));
    RAW(fd_read(fd, &none, 0, &done));
    SHOW(done);
}

int main(void) {
    char buffer[64];
    uint32_t done;
    uint64_t position;
    int fd = open("/box/file", O_RDWR | O_CREAT | O_EXCL, 0644);
    NEED(fd >= 0);
    LIBC(open("/box/file", O_RDWR | O_CREAT | O_EXCL, 0644));
    LIBC(write(fd, "hello, world", 12));
    LIBC(lseek(fd, 0, SEEK_CUR));
    LIBC(lseek(fd, -5, SEEK_END));
    LIBC(read(fd, buffer, sizeof buffer));
    printf("%.5s\n", buffer);
    LIBC(read(fd, buffer, sizeof buffer));
    LIBC(lseek(fd, -1, SEEK_SET));
    LIBC(lseek(fd, -13, SEEK_CUR));
    LIBC(lseek(fd, 5, SEEK_SET));
    LIBC(write(fd, ";", 1));
    LIBC(pwrite(fd, "HELL", 4, 0));
    LIBC(pread(fd, buffer, 6, 0));
    printf("%.6s\n", buffer);
    LIBC(pread(fd, buffer, 6, 100));
    LIBC(pwrite(fd, "!", 1, 14));
    LIBC(lseek(fd, 0, SEEK_CUR));
    show_file("/box/file");

    puts("sizes");
    LIBC(ftruncate(fd, 4));
    LIBC(lseek(fd, 0, SEEK_END));
    LIBC(ftruncate(fd, 6));
    LIBC(ftruncate(fd, -1));
    struct stat stat;
    NEED(fstat(fd, &stat) == 0);
    SHOW(stat.st_size);
    SHOW(stat.st_nlink);
    SHOW(S_ISREG(stat.st_mode));
    show_file("/box/file");
    LIBC(fsync(fd));
    LIBC(fdatasync(fd));
    LIBC(posix_fadvise(fd, 0, 4, POSIX_FADV_SEQUENTIAL));
    RAW(fd_advise((uint32_t)fd, 0, 0, 5));

    puts("as it was opened");
    int reading = open("/box/file", O_RDONLY);
    LIBC(write(reading, "x", 1));
    LIBC(pwrite(reading, "x", 1, 0));
    LIBC(ftruncate(reading, 0));
    int writing = open("/box/file", O_WRONLY);
    LIBC(read(writing, buffer, 1));
    LIBC(pread(writing, buffer, 1, 0));
    LIBC(write(writing, "x", 1));
    show_file("/box/file");

    puts("appending");
    int appending = open("/box/log", O_WRONLY | O_CREAT | O_APPEND, 0644);
    LIBC(write(appending, "one", 3));
    LIBC(lseek(appending, 0, SEEK_SET));
    LIBC(write(appending, "two", 3));
    LIBC(lseek(appending, 0, SEEK_CUR));
    SHOW(fcntl(appending, F_GETFL) & O_APPEND ? 1 : 0);
    LIBC(fcntl(appending, F_SETFL, 0));
    LIBC(lseek(appending, 0, SEEK_SET));
    LIBC(write(appending, "X", 1));
    LIBC(fcntl(appending, F_SETFL, O_APPEND | O_NONBLOCK));
    SHOW(fcntl(appending, F_GETFL) == (O_WRONLY | O_APPEND | O_NONBLOCK));
    LIBC(write(appending, "Y", 1));
    show_file("/box/log");
    RAW(fd_fdstat_set_flags((uint32_t)appending, DSYNC));
    RAW(fd_fdstat_set_flags((uint32_t)appending, SYNC));

    puts("with the C library's streams");
    FILE *file = fopen("/box/stream", "w+");
    NEED(file != NULL);
    for (int i = 0; i < 2000; i++)
        fprintf(file, "line %d\n", i);
    SHOW(ftell(file));
    NEED(fseek(file, -10, SEEK_END) == 0);
    NEED(fgets(buffer, sizeof buffer, file) != NULL);
    printf("%s", buffer);
    rewind(file);
    NEED(fgets(buffer, sizeof buffer, file) != NULL);
    printf("%s", buffer);
    fclose(file);
    LIBC(truncate("/box/stream", 7));

    puts("several vectors");
    show_vectors();

    puts("numbers");
    vector vectors[] = {{buffer, 4}};
    RAW(fd_renumber((uint32_t)appending, (uint32_t)reading));
    RAW(fd_tell((uint32_t)appending, &position));
    RAW(fd_read((uint32_t)reading, vectors, 1, &done));
    RAW(fd_renumber(99, (uint32_t)reading));
    RAW(fd_renumber((uint32_t)reading, 99));
    RAW(fd_renumber((uint32_t)reading, (uint32_t)reading));
    LIBC(close(fd));
    LIBC(close(fd));
    SHOW(open("/box/file", O_RDONLY) > FIXED);
    return 0;
}
