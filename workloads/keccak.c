/* SHA3-256 of "abc" and of a generated message: 64-bit rotations and xors over
 * a state of 25 words.
 * Size: KiB of the message. */
#define NAME "keccak"
#define TEST_SIZE 1
#define DEFAULT_SIZE 256
#define MAX_SIZE 262144
#include "workload.h"

enum { RATE = 136, DIGEST = 32, ROUNDS = 24 };

typedef struct {
    uint64_t state[25];
    uint32_t filled;
} sponge;

static uint8_t of_abc[DIGEST], of_message[DIGEST];
static uint64_t round_constant[ROUNDS];
static uint8_t rotation[25], place[25];

static inline uint64_t rotate(uint64_t x, uint32_t by) {
    return x << (by & 63) | x >> (-by & 63);
}

/* The constants follow from the definition: a shift register gives the bits of
 * the round constants, a walk over the lanes gives rotations and places. */
static void make_tables(void) {
    uint32_t bits = 1;
    for (int round = 0; round < ROUNDS; round++) {
        round_constant[round] = 0;
        for (int j = 0; j < 7; j++) {
            if (bits & 1) round_constant[round] |= 1ull << ((1 << j) - 1);
            bits = bits << 1 ^ (bits >> 7 & 1) * 0x171;
        }
    }
    uint32_t x = 1, y = 0;
    rotation[0] = place[0] = 0;
    for (uint32_t t = 0; t < 24; t++) {
        rotation[x + 5 * y] = (uint8_t)((t + 1) * (t + 2) / 2 % 64);
        uint32_t below = (2 * x + 3 * y) % 5;
        place[x + 5 * y] = (uint8_t)(y + 5 * below);
        x = y;
        y = below;
    }
}

static void permute(uint64_t a[25]) {
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t c[5], b[25];
        for (int x = 0; x < 5; x++) c[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
        for (int x = 0; x < 5; x++) {
            uint64_t d = c[(x + 4) % 5] ^ rotate(c[(x + 1) % 5], 1);
            for (int y = 0; y < 25; y += 5) a[x + y] ^= d;
        }
        for (int i = 0; i < 25; i++) b[place[i]] = rotate(a[i], rotation[i]);
        for (int y = 0; y < 25; y += 5)
            for (int x = 0; x < 5; x++) a[x + y] = b[x + y] ^ (~b[(x + 1) % 5 + y] & b[(x + 2) % 5 + y]);
        a[0] ^= round_constant[round];
    }
}

static void absorb_byte(sponge *s, uint8_t byte) {
    s->state[s->filled / 8] ^= (uint64_t)byte << (8 * (s->filled % 8));
    if (++s->filled == RATE) {
        permute(s->state);
        s->filled = 0;
    }
}

static void digest(sponge *s, uint8_t out[DIGEST]) {
    s->state[s->filled / 8] ^= 6ull << (8 * (s->filled % 8));
    s->state[RATE / 8 - 1] ^= 1ull << 63;
    permute(s->state);
    for (int i = 0; i < DIGEST; i++) out[i] = (uint8_t)(s->state[i / 8] >> (8 * (i % 8)));
}

static uint32_t work(uint32_t size) {
    make_tables();
    sponge abc = {0}, message = {0};
    for (const char *c = "abc"; *c != 0; c++) absorb_byte(&abc, (uint8_t)*c);
    digest(&abc, of_abc);
    uint32_t random = 1;
    for (uint32_t i = 0; i < size * 256; i++) {
        uint32_t word = next_random(&random);
        for (int shift = 0; shift < 32; shift += 8) absorb_byte(&message, (uint8_t)(word >> shift));
    }
    digest(&message, of_message);
    return mix_bytes(mix_bytes(size, of_abc, DIGEST), of_message, DIGEST);
}

static void line_digest(const char *label, const uint8_t *bytes) {
    out(label);
    out(" ");
    for (int i = 0; i < DIGEST; i += 4)
        out_hex((uint32_t)bytes[i] << 24 | bytes[i + 1] << 16 | bytes[i + 2] << 8 | bytes[i + 3]);
    out("\n");
}

static void report(void) {
    line_digest("abc", of_abc);
    line_digest("message", of_message);
}
