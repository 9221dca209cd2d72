/* Recursive Fibonacci: nothing but calls, compares and additions.
 * Size: the index; the work grows by 1.6 with each step. */
#define NAME "fib"
#define TEST_SIZE 15
#define DEFAULT_SIZE 35
#define MAX_SIZE 47
#include "workload.h"

static uint64_t result, again;

/* Clang would turn one of the two calls into a loop, and the call is what this
 * program is about. */
#if defined(__has_attribute)
#if __has_attribute(disable_tail_calls)
#define BOTH_CALLS __attribute__((noinline, disable_tail_calls))
#endif
#endif
#ifndef BOTH_CALLS
#define BOTH_CALLS __attribute__((noinline))
#endif

BOTH_CALLS static uint32_t fib(uint32_t n) {
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static uint32_t work(uint32_t size) {
    result = fib(size);
    uint64_t a = 0, b = 1;
    for (uint32_t i = 0; i < size; i++) {
        uint64_t sum = a + b;
        a = b;
        b = sum;
    }
    again = a;
    return mix64(mix64(size, result), again);
}

static void report(void) {
    line_dec("recursive", result);
    line_dec("iterative", again);
}
