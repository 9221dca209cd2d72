/* exit: what is buffered is written, handlers run, and the code arrives. */
#include "wasi.h"

static void last(void) {
    puts("the handler ran");
}

int main(void) {
    atexit(last);
    RAW(proc_raise(0));
    RAW(proc_raise(15));
    printf("not yet written, ");
    put("/box/done", "yes");
    FILE *unclosed = fopen("/box/unclosed", "w");
    fputs("flushed at the end", unclosed);
    exit(42);
}
