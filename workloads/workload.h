/* What every workload shares: the command line, the `run` export, the output
 * and the checksum helpers.
 *
 * A program defines NAME, TEST_SIZE, DEFAULT_SIZE and MAX_SIZE, includes this
 * file and then defines two functions:
 *
 *   work(size)  does everything and returns the checksum. It must not make a
 *               system call: `run` is also called on instances that have no
 *               WASI behind them.
 *   report()    prints what the last call of work() left behind.
 *
 * The output is the same on every machine: integers are of fixed width, floats
 * use only + - * / and sqrt (correctly rounded everywhere), and nothing depends
 * on the size of a pointer, on time or on the environment. */

#ifndef WORKLOAD_H
#define WORKLOAD_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __wasm__
#define EXPORT(name) __attribute__((export_name(name)))
#else
#define EXPORT(name)
#endif

static uint32_t work(uint32_t size);
static void report(void);

/* ---- Helpers for the programs ------------------------------------------- */

/* Folds `value` into the checksum `sum`; the order of the calls matters. */
static inline uint32_t mix(uint32_t sum, uint32_t value) {
    sum = (sum ^ value) * 0x9E3779B1u;
    return sum ^ (sum >> 15);
}

/* Folds all 64 bits of `value`, so that a wrong high half shows. */
static inline uint32_t mix64(uint32_t sum, uint64_t value) {
    return mix(mix(sum, (uint32_t)value), (uint32_t)(value >> 32));
}

/* Folds the bits of a float: the last bit of the mantissa counts. */
static inline uint32_t mix_f64(uint32_t sum, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return mix64(sum, bits);
}

static inline uint32_t mix_bytes(uint32_t sum, const void *data, size_t len) {
    const unsigned char *bytes = data;
    for (size_t i = 0; i < len; i++) sum = (sum ^ bytes[i]) * 0x01000193u;
    return mix(sum, (uint32_t)len);
}

/* A xorshift generator; `*state` must not be 0. */
static inline uint32_t next_random(uint32_t *state) {
    uint32_t x = *state;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}

/* Memory or a trap: a workload that got none has no result worth comparing. */
static inline void *need(size_t count, size_t size) {
    void *memory = calloc(count, size);
    if (memory == NULL) __builtin_trap();
    return memory;
}

static inline void out(const char *text) { fputs(text, stdout); }

static inline void out_dec(uint64_t value) {
    char digits[21];
    int at = 20;
    digits[at] = 0;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    out(digits + at);
}

static inline void out_hex(uint32_t value) {
    char digits[9];
    for (int i = 0; i < 8; i++) digits[i] = "0123456789abcdef"[value >> (28 - 4 * i) & 15];
    digits[8] = 0;
    out(digits);
}

/* One line `label value`. */
static inline void line_dec(const char *label, uint64_t value) {
    out(label);
    out(" ");
    out_dec(value);
    out("\n");
}

static inline void line_hex(const char *label, uint32_t value) {
    out(label);
    out(" ");
    out_hex(value);
    out("\n");
}

/* ---- Entry points ------------------------------------------------------- */

/* The benchmark's entry: no WASI call, traps on a size outside 1..=MAX_SIZE. */
EXPORT("run") __attribute__((noinline)) int32_t run(int32_t size) {
    if (size < 1 || size > MAX_SIZE) __builtin_trap();
    return (int32_t)work((uint32_t)size);
}

static int parse_size(const char *text, int32_t *size) {
    if (strcmp(text, "test") == 0) {
        *size = TEST_SIZE;
        return 1;
    }
    int64_t value = 0;
    if (*text == 0) return 0;
    for (; *text != 0; text++) {
        if (*text < '0' || *text > '9') return 0;
        value = value * 10 + (*text - '0');
        if (value > MAX_SIZE) return 0;
    }
    *size = (int32_t)value;
    return value > 0;
}

int main(int argc, char **argv) {
    int32_t size = DEFAULT_SIZE;
    if (argc > 2 || (argc == 2 && !parse_size(argv[1], &size))) {
        fputs("usage: " NAME " [size | test]\n", stderr);
        return 2;
    }
    uint32_t sum = (uint32_t)run(size);
    line_dec(NAME, (uint64_t)size);
    report();
    line_hex("checksum", sum);
    return fflush(stdout) == 0 ? 0 : 1;
}

#endif
