/* Products of square f64 matrices with two loop orders. Both add the terms of
 * an element in the same order, so they must agree to the last bit.
 * Size: rows (and columns). */
#define NAME "matmul"
#define TEST_SIZE 8
#define DEFAULT_SIZE 288
#define MAX_SIZE 2048
#include "workload.h"

static uint32_t differences;
static double trace;

/* Row times column: the inner loop walks down a column. */
static void multiply_dot(uint32_t n, const double *a, const double *b, double *c) {
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t j = 0; j < n; j++) {
            double sum = 0;
            for (uint32_t k = 0; k < n; k++) sum += a[i * n + k] * b[k * n + j];
            c[i * n + j] = sum;
        }
    }
}

/* Row by row: the inner loop walks along rows and updates memory. `c` is 0. */
static void multiply_rows(uint32_t n, const double *a, const double *b, double *c) {
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t k = 0; k < n; k++) {
            double factor = a[i * n + k];
            for (uint32_t j = 0; j < n; j++) c[i * n + j] += factor * b[k * n + j];
        }
    }
}

static void fill(double *m, uint32_t count, uint32_t seed) {
    for (uint32_t i = 0; i < count; i++) m[i] = (int32_t)next_random(&seed) / 1000000007.0;
}

static uint32_t work(uint32_t size) {
    uint32_t count = size * size, sum = size;
    double *a = need(count, sizeof *a), *b = need(count, sizeof *b);
    double *c = need(count, sizeof *c), *d = need(count, sizeof *d);
    fill(a, count, 1);
    fill(b, count, 2);
    multiply_dot(size, a, b, c);
    multiply_rows(size, a, b, d);
    differences = 0;
    trace = 0;
    for (uint32_t i = 0; i < count; i++) {
        differences += c[i] != d[i];
        sum = mix_f64(sum, c[i]);
    }
    for (uint32_t i = 0; i < size; i++) trace += c[i * size + i];
    free(a);
    free(b);
    free(c);
    free(d);
    return mix_f64(mix(sum, differences), trace);
}

static void report(void) {
    line_dec("differences", differences);
    line_hex("trace bits", mix_f64(0, trace));
}
