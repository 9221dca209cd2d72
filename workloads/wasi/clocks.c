/* Clocks, and waiting for them. */
#include "wasi.h"
#include <sched.h>
#include <time.h>

/* A subscription and an event, as in memory. */
typedef struct {
    uint64_t user_data;
    uint8_t type;
    _Alignas(8) uint32_t clock_or_fd;
    uint64_t timeout, precision;
    uint16_t flags;
} subscription;
typedef struct {
    uint64_t user_data;
    uint16_t error;
    uint8_t type;
    uint64_t bytes;
    uint16_t flags;
} event;
_Static_assert(sizeof(subscription) == 48 && sizeof(event) == 32, "layout");

static uint64_t now(uint32_t clock) {
    uint64_t time;
    NEED(wasi_clock_time_get(clock, 1, &time) == 0);
    return time;
}

#define SECOND ((uint64_t)1000000000)

/* Waits, not shorter than for `least`; what is due at once does not wait for something
 * that comes much later, however busy the machine is. */
static void poll(const char *what, const subscription *in, uint32_t count, uint64_t least) {
    event out[8];
    uint32_t occurred = 0;
    uint64_t start = now(1);
    uint32_t error = wasi_poll_oneoff(in, out, count, &occurred);
    uint64_t waited = now(1) - start;
    const char *when = waited < least ? "too early" : waited < 50 * SECOND ? "in time" : "late";
    printf("%s: %s, %s", what, errno_name(error), when);
    for (uint32_t i = 0; error == 0 && i < occurred; i++) {
        printf(", %llu %s type %d", (unsigned long long)out[i].user_data, errno_name(out[i].error),
               out[i].type);
        if (out[i].type != 0)
            printf(" %s bytes, flags %d", out[i].bytes > 0 ? "some" : "no", out[i].flags);
    }
    printf("\n");
}

int main(void) {
    struct timespec time, resolution;
    for (int id = 0; id < 2; id++) {
        const clockid_t clock = id == 0 ? CLOCK_REALTIME : CLOCK_MONOTONIC;
        NEED(clock_getres(clock, &resolution) == 0 && clock_gettime(clock, &time) == 0);
        SHOW(resolution.tv_sec == 0 && resolution.tv_nsec > 0);
        SHOW(time.tv_nsec >= 0 && time.tv_nsec < 1000000000);
    }
    SHOW(now(0) > 1600000000000000000);
    uint64_t last = now(1);
    int backwards = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t next = now(1);
        backwards += next < last;
        last = next;
    }
    SHOW(backwards);
    struct timespec pause = {0, 20000000};
    uint64_t start = now(1);
    LIBC(nanosleep(&pause, NULL));
    SHOW(now(1) - start >= 20000000);
    LIBC(sched_yield());

    subscription in[4] = {
        {1, 0, 1, 100 * SECOND, 0, 0}, {2, 0, 1, 10000000, 0, 0}, {3, 0, 0, 100 * SECOND, 0, 0}, {4, 0, 1, 0, 0, 0}};
    poll("the earlier", in, 2, 10000000);
    poll("the other clock", in + 1, 2, 10000000);
    poll("a duration of nothing", in + 3, 1, 0);
    subscription over[3] = {in[0], in[2], in[3]};
    poll("one is over", over, 3, 0);
    subscription past = {5, 0, 0, 10000000, 0, 1};
    poll("a moment in the past", &past, 1, 0);
    subscription future = {6, 0, 1, now(1) + 20000000, 0, 1};
    poll("a moment to come", &future, 1, 0);
    SHOW(now(1) >= future.timeout);
    poll("nothing", in, 0, 0);
    int fd = open("/fixed/hello.txt", O_RDONLY);
    subscription readable = {7, 1, (uint32_t)fd, 0, 0, 0};
    poll("a file to read", &readable, 1, 0);
    NEED(lseek(fd, 3, SEEK_SET) == 3);
    poll("a file from its middle", &readable, 1, 0);
    NEED(lseek(fd, 0, SEEK_END) > 0);
    poll("a file at its end", &readable, 1, 0);
    NEED(lseek(fd, 100, SEEK_END) > 0);
    poll("a file beyond its end", &readable, 1, 0);
    int out = open("/box/file", O_WRONLY | O_CREAT, 0644);
    subscription both[2] = {{8, 2, (uint32_t)out, 0, 0, 0}, {9, 0, 1, 100 * SECOND, 0, 0}};
    poll("a file to write, or later", both, 2, 0);
    subscription output = {10, 2, 1, 0, 0, 0};
    poll("standard output", &output, 1, 0);
    subscription input[2] = {{11, 1, 0, 0, 0, 0}, in[0]};
    poll("standard input, or later", input, 2, 0);
    return 0;
}
