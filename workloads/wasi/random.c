/* Random numbers: there are some, and they fill what they should. */
#include "wasi.h"

int main(void) {
    static unsigned char one[70000], two[70000];
    LIBC(getentropy(one, 256));
    LIBC(getentropy(two, 256));
    SHOW(memcmp(one, two, 256) != 0);
    RAW(random_get(one, 0));
    memset(one, 0, sizeof one);
    RAW(random_get(one + 1, sizeof one - 2));
    SHOW(one[0]);
    SHOW(one[sizeof one - 1]);
    /* Every value occurs, and none too often: 273 times each is expected. */
    int counts[256] = {0}, least = 1 << 30, most = 0;
    for (size_t i = 1; i < sizeof one - 1; i++)
        counts[one[i]]++;
    for (int i = 0; i < 256; i++) {
        least = counts[i] < least ? counts[i] : least;
        most = counts[i] > most ? counts[i] : most;
    }
    SHOW(least > 150 && most < 420);
    return 0;
}
