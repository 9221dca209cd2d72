/* What preopened directories, other directories and files say of themselves, and what
 * functions for one give on another. */
#include "wasi.h"

static void kind(uint32_t fd) {
    unsigned char stat[24];
    NEED(wasi_fd_fdstat_get(fd, stat) == 0);
    uint64_t rights;
    memcpy(&rights, stat + 8, 8);
    printf("type %d, flags %d, may%s%s%s\n", stat[0], stat[2], rights & RIGHT_READ && stat[0] == 4 ? " read" : "",
           rights & RIGHT_WRITE ? " write" : "", rights & (uint64_t)1 << 14 && stat[0] == 3 ? " list" : "");
}

int main(void) {
    char text[64];
    uint32_t prestat[2];
    uint64_t position;
    uint32_t done;
    for (uint32_t fd = 3; fd < 6; fd++) {
        RAW(fd_prestat_get(fd, prestat));
        if (wasi_fd_prestat_get(fd, prestat) != 0)
            continue;
        printf("kind %u, %u bytes\n", prestat[0], prestat[1]);
        RAW(fd_prestat_dir_name(fd, text, prestat[1] - 1));
        memset(text, 0, sizeof text);
        RAW(fd_prestat_dir_name(fd, text, prestat[1]));
        printf("%s\n", text);
        RAW(fd_prestat_dir_name(fd, text, sizeof text));
        kind(fd);
    }
    put("/box/file", "12345");
    NEED(mkdir("/box/sub", 0755) == 0);
    uint32_t file = (uint32_t)raw_open(BOX, "file", 0, RIGHT_READ | RIGHT_WRITE, APPEND);
    uint32_t reading = (uint32_t)raw_open(BOX, "file", 0, RIGHT_READ, 0);
    uint32_t writing = (uint32_t)raw_open(BOX, "file", 0, RIGHT_WRITE, NONBLOCK);
    uint32_t sub = (uint32_t)raw_open(BOX, "sub", DIRECTORY, RIGHT_READ, 0);
    RAW(fd_fdstat_set_rights(1000, 0, 0));
    RAW(fd_allocate(1000, 0, 1));
    kind(file);
    kind(reading);
    kind(writing);
    kind(sub);
    uint32_t fds[] = {file, sub, 77};
    vector vectors[] = {{text, 4}};
    for (int i = 0; i < 3; i++) {
        uint32_t fd = fds[i];
        puts(i == 0 ? "a file" : i == 1 ? "a directory" : "nothing");
        RAW(fd_prestat_get(fd, prestat));
        RAW(fd_prestat_dir_name(fd, text, 4));
        RAW(fd_read(fd, vectors, 1, &done));
        RAW(fd_pread(fd, vectors, 1, 0, &done));
        RAW(fd_write(fd, vectors, 0, &done));
        RAW(fd_pwrite(fd, vectors, 0, 0, &done));
        RAW(fd_seek(fd, 0, 0, &position));
        RAW(fd_tell(fd, &position));
        RAW(fd_advise(fd, 0, 0, 0));
        RAW(fd_sync(fd));
        RAW(fd_datasync(fd));
        RAW(fd_filestat_set_size(fd, 3));
        RAW(fd_fdstat_set_flags(fd, 0));
        RAW(fd_readdir(fd, text, 0, 0, &done));
        RAW(path_create_directory(fd, PATH("made")));
        RAW(path_filestat_get(fd, 0, PATH("made"), text));
        RAW(sock_accept(fd, 0, &done));
        RAW(sock_recv(fd, vectors, 1, 0, &done, &done));
        RAW(sock_send(fd, vectors, 1, 0, &done));
        RAW(sock_shutdown(fd, 1));
    }
    puts("a preopened directory can be moved and closed");
    RAW(fd_renumber(FIXED, sub));
    RAW(fd_prestat_get(FIXED, prestat));
    SHOW(raw_open(sub, "hello.txt", 0, RIGHT_READ, 0) > 0);
    RAW(fd_close(BOX));
    RAW(path_create_directory(BOX, PATH("x")));
    return 0;
}
