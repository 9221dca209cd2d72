/* The standard streams: reading to the end, errors of what streams cannot do, closing. */
#include "wasi.h"

int main(void) {
    char line[64];
    while (fgets(line, sizeof line, stdin) != NULL)
        printf("read %zu bytes: %s\n", strlen(line), line);
    SHOW(feof(stdin) != 0);
    SHOW(fgetc(stdin));
    fprintf(stderr, "a line for standard error\n");

    char bytes[] = "one, two\n";
    vector vectors[] = {{bytes, 5}};
    uint32_t done;
    uint64_t position;
    fflush(stdout);
    RAW(fd_write(1, vectors, 1, &done));
    SHOW(done);
    RAW(fd_write(1, vectors, 0, &done));
    SHOW(done);
    RAW(fd_write(0, vectors, 1, &done));
    RAW(fd_read(1, vectors, 1, &done));
    for (uint32_t fd = 0; fd < 3; fd++) {
        printf("descriptor %u\n", fd);
        struct stat stat;
        NEED(fstat((int)fd, &stat) == 0);
        SHOW(isatty((int)fd));
        RAW(fd_seek(fd, 0, 1, &position));
        RAW(fd_tell(fd, &position));
        RAW(fd_pread(fd, vectors, 1, 0, &done));
        RAW(fd_pwrite(fd, vectors, 1, 0, &done));
        RAW(fd_advise(fd, 0, 0, 0));
        RAW(fd_allocate(fd, 0, 1));
        RAW(fd_sync(fd));
        RAW(fd_datasync(fd));
        RAW(fd_fdstat_set_flags(fd, APPEND));
        RAW(fd_filestat_set_size(fd, 0));
        RAW(fd_filestat_set_times(fd, 0, 0, 5));
        RAW(fd_readdir(fd, line, sizeof line, 0, &done));
        RAW(fd_prestat_get(fd, line));
        RAW(path_create_directory(fd, PATH("x")));
    }
    RAW(fd_close(0));
    RAW(fd_close(0));
    RAW(fd_read(0, vectors, 1, &done));
    /* The lowest free number is taken. */
    SHOW(open("/fixed/hello.txt", O_RDONLY));
    fgets(line, sizeof line, fdopen(0, "r"));
    printf("%s", line);
    LIBC(close(2));
    LIBC(write(2, "x", 1));
    return 0;
}
