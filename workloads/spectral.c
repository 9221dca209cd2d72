/* Spectral norm: the greatest eigenvalue of a matrix that is never stored, by
 * power iteration. One division for each element.
 * Size: rows of the matrix. */
#define NAME "spectral"
#define TEST_SIZE 16
#define DEFAULT_SIZE 200
#define MAX_SIZE 8000
#include "workload.h"

#include <math.h>

static double norm;

/* An element of the infinite matrix 1, 1/2, 1/3, ... by diagonals. */
static double element(uint32_t i, uint32_t j) {
    return 1.0 / (double)((i + j) * (i + j + 1) / 2 + i + 1);
}

static void times(const double *v, double *to, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        double sum = 0;
        for (uint32_t j = 0; j < n; j++) sum += element(i, j) * v[j];
        to[i] = sum;
    }
}

static void times_transposed(const double *v, double *to, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        double sum = 0;
        for (uint32_t j = 0; j < n; j++) sum += element(j, i) * v[j];
        to[i] = sum;
    }
}

static uint32_t work(uint32_t size) {
    double *u = need(size, sizeof *u);
    double *v = need(size, sizeof *v);
    double *between = need(size, sizeof *between);
    for (uint32_t i = 0; i < size; i++) u[i] = 1;
    for (int round = 0; round < 4; round++) {
        times(u, between, size);
        times_transposed(between, v, size);
        times(v, between, size);
        times_transposed(between, u, size);
    }
    double uv = 0, vv = 0;
    for (uint32_t i = 0; i < size; i++) {
        uv += u[i] * v[i];
        vv += v[i] * v[i];
    }
    norm = sqrt(uv / vv);
    uint32_t sum = mix_f64(size, norm);
    for (uint32_t i = 0; i < size; i++) sum = mix_f64(sum, u[i]);
    free(between);
    free(v);
    free(u);
    return sum;
}

static void report(void) {
    /* Nine digits, without printf. */
    line_dec("norm * 1e9", (uint64_t)(norm * 1e9));
}
