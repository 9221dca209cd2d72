/* Escape times of the Mandelbrot set on a square grid: an f64 loop that leaves
 * after a different number of rounds for each point.
 * Size: points along one side. */
#define NAME "mandelbrot"
#define TEST_SIZE 16
#define DEFAULT_SIZE 1200
#define MAX_SIZE 8192
#include "workload.h"

enum { LIMIT = 100 };

static uint32_t inside;
static uint64_t rounds;

static uint32_t escape_time(double cx, double cy) {
    double x = 0, y = 0, xx = 0, yy = 0;
    uint32_t n = 0;
    while (n < LIMIT && xx + yy <= 4.0) {
        y = 2.0 * x * y + cy;
        x = xx - yy + cx;
        xx = x * x;
        yy = y * y;
        n++;
    }
    return n;
}

static uint32_t work(uint32_t size) {
    uint32_t sum = size;
    inside = 0;
    rounds = 0;
    for (uint32_t row = 0; row < size; row++) {
        double cy = 3.0 * row / size - 1.5;
        for (uint32_t column = 0; column < size; column++) {
            double cx = 3.0 * column / size - 2.25;
            uint32_t n = escape_time(cx, cy);
            inside += n == LIMIT;
            rounds += n;
            sum = mix(sum, n);
        }
    }
    return mix64(mix(sum, inside), rounds);
}

static void report(void) {
    line_dec("inside", inside);
    line_dec("rounds", rounds);
}
