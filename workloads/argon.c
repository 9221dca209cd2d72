/* A memory-hard function in the manner of Argon2: a matrix of 1 KiB blocks, each
 * made from its predecessor and another one that the data choose, by rounds of
 * multiplications, additions and rotations of 64-bit words. It is not Argon2:
 * there is neither its first hash nor its last one.
 * Size: blocks. */
#define NAME "argon"
#define TEST_SIZE 16
#define DEFAULT_SIZE 1024
#define MAX_SIZE 65536
#include "workload.h"

enum { WORDS = 128, PASSES = 2 };

typedef struct {
    uint64_t word[WORDS];
} block;

static uint64_t last_word;
static uint32_t far_references;

static inline uint64_t rotate_right(uint64_t x, int by) {
    return x >> by | x << (64 - by);
}

static inline uint64_t blend(uint64_t x, uint64_t y) {
    return x + y + 2 * (uint64_t)(uint32_t)x * (uint64_t)(uint32_t)y;
}

static inline void quarter(uint64_t *a, uint64_t *b, uint64_t *c, uint64_t *d) {
    *a = blend(*a, *b);
    *d = rotate_right(*d ^ *a, 32);
    *c = blend(*c, *d);
    *b = rotate_right(*b ^ *c, 24);
    *a = blend(*a, *b);
    *d = rotate_right(*d ^ *a, 16);
    *c = blend(*c, *d);
    *b = rotate_right(*b ^ *c, 63);
}

/* Sixteen words, `stride` apart in pairs: columns first, then diagonals. */
static void round_of(uint64_t *v, int stride) {
    uint64_t *w[16];
    for (int i = 0; i < 16; i++) w[i] = &v[i / 2 * stride + i % 2];
    for (int i = 0; i < 4; i++) quarter(w[i], w[4 + i], w[8 + i], w[12 + i]);
    for (int i = 0; i < 4; i++)
        quarter(w[i], w[4 + (i + 1) % 4], w[8 + (i + 2) % 4], w[12 + (i + 3) % 4]);
}

static void compress(block *to, const block *a, const block *b, int add) {
    block mixed, before;
    for (int i = 0; i < WORDS; i++) {
        mixed.word[i] = a->word[i] ^ b->word[i];
        before.word[i] = add ? mixed.word[i] ^ to->word[i] : mixed.word[i];
    }
    for (int i = 0; i < WORDS; i += 16) round_of(&mixed.word[i], 2);
    for (int i = 0; i < 16; i += 2) round_of(&mixed.word[i], 16);
    for (int i = 0; i < WORDS; i++) to->word[i] = mixed.word[i] ^ before.word[i];
}

static uint32_t work(uint32_t size) {
    uint32_t count = size < 4 ? 4 : size;
    block *memory = need(count, sizeof *memory);
    uint32_t random = 0x41726f6e;
    for (int i = 0; i < 2 * WORDS; i++)
        memory[i / WORDS].word[i % WORDS] = (uint64_t)next_random(&random) << 32 | next_random(&random);
    far_references = 0;
    for (int pass = 0; pass < PASSES; pass++) {
        for (uint32_t at = pass == 0 ? 2 : 0; at < count; at++) {
            const block *previous = &memory[(at + count - 1) % count];
            /* The nearer, the likelier, as in the model. */
            uint32_t choice = (uint32_t)previous->word[0];
            uint32_t area = pass == 0 ? at - 1 : count - 2;
            uint32_t square = (uint32_t)((uint64_t)choice * choice >> 32);
            uint32_t back = (uint32_t)((uint64_t)area * square >> 32) + 2;
            if (back > area / 2) far_references++;
            compress(&memory[at], previous, &memory[(at + 2 * count - back) % count], pass > 0);
        }
    }
    uint32_t sum = size;
    last_word = memory[count - 1].word[WORDS - 1];
    for (int i = 0; i < WORDS; i++) sum = mix64(sum, memory[count - 1].word[i]);
    free(memory);
    return sum;
}

static void report(void) {
    line_dec("far references", far_references);
    line_hex("last word", (uint32_t)(last_word >> 32));
}
