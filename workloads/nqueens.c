/* How many ways n queens stand on an n x n board without attacking each other,
 * counted twice: with bit masks (registers and calls) and with arrays of taken
 * columns and diagonals (byte loads and stores).
 * Size: n. */
#define NAME "nqueens"
#define TEST_SIZE 6
#define DEFAULT_SIZE 12
#define MAX_SIZE 16
#include "workload.h"

static uint32_t by_masks, by_arrays, first_board;

static uint32_t place_masks(uint32_t free_columns, uint32_t left, uint32_t right, uint32_t all) {
    if (free_columns == 0) return 1;
    uint32_t count = 0;
    uint32_t choices = free_columns & ~(left | right);
    while (choices != 0) {
        uint32_t queen = choices & -choices;
        choices ^= queen;
        count += place_masks(free_columns ^ queen, ((left | queen) << 1) & all, (right | queen) >> 1, all);
    }
    return count;
}

struct board {
    uint32_t n, solutions, sum;
    uint8_t column_of[MAX_SIZE];
    uint8_t column[MAX_SIZE], rising[2 * MAX_SIZE], falling[2 * MAX_SIZE];
};

static void place_arrays(struct board *b, uint32_t row) {
    if (row == b->n) {
        if (b->solutions++ == 0) first_board = mix_bytes(0, b->column_of, b->n);
        b->sum = mix(b->sum, b->column_of[0] * 256u + b->column_of[b->n - 1]);
        return;
    }
    for (uint32_t c = 0; c < b->n; c++) {
        uint8_t *rising = &b->rising[row + c], *falling = &b->falling[row + b->n - c];
        if (b->column[c] | *rising | *falling) continue;
        b->column[c] = *rising = *falling = 1;
        b->column_of[row] = (uint8_t)c;
        place_arrays(b, row + 1);
        b->column[c] = *rising = *falling = 0;
    }
}

static uint32_t work(uint32_t size) {
    static struct board board;
    uint32_t all = (1u << size) - 1;
    memset(&board, 0, sizeof board);
    board.n = size;
    first_board = 0;
    by_masks = place_masks(all, 0, 0, all);
    place_arrays(&board, 0);
    by_arrays = board.solutions;
    return mix(mix(mix(board.sum, by_masks), by_arrays), first_board);
}

static void report(void) {
    line_dec("by masks", by_masks);
    line_dec("by arrays", by_arrays);
}
