/* _Exit: nothing that is buffered is written, no handler runs. */
#include "wasi.h"

static void last(void) {
    puts("the handler ran");
}

int main(void) {
    atexit(last);
    put("/box/done", "yes");
    write(1, "written at once\n", 16);
    printf("never written");
    _Exit(3);
}
