/* abort: the program ends with a trap, and what it did before stays. */
#include "wasi.h"

int main(void) {
    puts("before");
    fflush(stdout);
    put("/box/done", "yes");
    printf("never written");
    abort();
}
