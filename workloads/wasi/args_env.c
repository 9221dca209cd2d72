/* Arguments and environment. */
#include "wasi.h"

extern char **environ;

int main(int argc, char **argv) {
    uint32_t count, size;
    RAW(args_sizes_get(&count, &size));
    printf("%u arguments in %u bytes\n", count, size);
    for (int i = 0; i <= argc; i++)
        printf("argv[%d] = %s\n", i, argv[i] == NULL ? "(end)" : argv[i]);
    for (char **entry = environ; *entry != NULL; entry++)
        printf("%s\n", *entry);
    printf("%s\n", getenv("GREETING"));
    SHOW(strlen(getenv("EMPTY")));
    SHOW(getenv("MISSING") == NULL);
    return 0;
}
