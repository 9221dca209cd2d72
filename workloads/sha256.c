/* SHA-256 (FIPS 180-4): rotations, shifts and additions on i32, few branches.
 * Hashes "abc", whose digest the standard gives, and a generated message.
 * Size: the message in KiB. */
#define NAME "sha256"
#define TEST_SIZE 1
#define DEFAULT_SIZE 3072
#define MAX_SIZE 262144
#include "workload.h"

struct sha256 {
    uint32_t h[8];
    uint64_t length;
    uint32_t used;
    uint8_t block[64];
};

static uint32_t digest_abc[8], digest_message[8];

static const uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static inline uint32_t rotr(uint32_t x, int n) { return x >> n | x << (32 - n); }

static void compress(uint32_t h[8], const uint8_t block[64]) {
    uint32_t w[64], v[8];
    for (int t = 0; t < 16; t++) {
        w[t] = (uint32_t)block[4 * t] << 24 | (uint32_t)block[4 * t + 1] << 16 |
               (uint32_t)block[4 * t + 2] << 8 | block[4 * t + 3];
    }
    for (int t = 16; t < 64; t++) {
        uint32_t x = w[t - 15], y = w[t - 2];
        uint32_t s0 = rotr(x, 7) ^ rotr(x, 18) ^ x >> 3;
        uint32_t s1 = rotr(y, 17) ^ rotr(y, 19) ^ y >> 10;
        w[t] = s1 + w[t - 7] + s0 + w[t - 16];
    }
    memcpy(v, h, sizeof v);
    for (int t = 0; t < 64; t++) {
        uint32_t a = v[0], e = v[4];
        uint32_t choose = (e & v[5]) ^ (~e & v[6]);
        uint32_t majority = (a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]);
        uint32_t t1 = v[7] + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + choose + round_constants[t] + w[t];
        uint32_t t2 = (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + majority;
        for (int i = 7; i > 0; i--) v[i] = v[i - 1];
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++) h[i] += v[i];
}

static void sha256_start(struct sha256 *s) {
    static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    memcpy(s->h, start, sizeof s->h);
    s->length = 0;
    s->used = 0;
}

static void sha256_update(struct sha256 *s, const uint8_t *data, size_t len) {
    s->length += len;
    while (len > 0) {
        size_t take = 64 - s->used;
        if (take > len) take = len;
        memcpy(s->block + s->used, data, take);
        s->used += (uint32_t)take;
        data += take;
        len -= take;
        if (s->used == 64) {
            compress(s->h, s->block);
            s->used = 0;
        }
    }
}

static void sha256_finish(struct sha256 *s, uint32_t digest[8]) {
    uint64_t bits = s->length * 8;
    uint8_t tail[8], one = 0x80, zero = 0;
    sha256_update(s, &one, 1);
    while (s->used != 56) sha256_update(s, &zero, 1);
    for (int i = 0; i < 8; i++) tail[i] = (uint8_t)(bits >> (56 - 8 * i));
    sha256_update(s, tail, 8);
    memcpy(digest, s->h, sizeof s->h);
}

static uint32_t work(uint32_t size) {
    struct sha256 s;
    uint8_t chunk[1024];
    uint32_t seed = 305419896u, sum = size;
    sha256_start(&s);
    sha256_update(&s, (const uint8_t *)"abc", 3);
    sha256_finish(&s, digest_abc);
    sha256_start(&s);
    for (uint32_t i = 0; i < size; i++) {
        for (int j = 0; j < 1024; j++) chunk[j] = (uint8_t)(next_random(&seed) >> 11);
        sha256_update(&s, chunk, sizeof chunk);
    }
    sha256_finish(&s, digest_message);
    for (int i = 0; i < 8; i++) sum = mix(mix(sum, digest_abc[i]), digest_message[i]);
    return sum;
}

static void out_digest(const char *label, const uint32_t digest[8]) {
    out(label);
    out(" ");
    for (int i = 0; i < 8; i++) out_hex(digest[i]);
    out("\n");
}

static void report(void) {
    out_digest("abc", digest_abc);
    out_digest("message", digest_message);
}
