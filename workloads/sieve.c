/* The sieve of Eratosthenes twice: a byte per number, and a bit per odd number.
 * Byte and word stores with growing strides, shifts and masks.
 * Size: the limit; primes below it are counted. */
#define NAME "sieve"
#define TEST_SIZE 1000
#define DEFAULT_SIZE 12000000
#define MAX_SIZE 100000000
#include "workload.h"

static uint32_t count_bytes, count_bits, last_prime;

static uint32_t sieve_bytes(uint32_t limit, uint32_t *sum) {
    uint8_t *composite = need(limit, 1);
    uint32_t count = 0;
    for (uint32_t n = 2; n < limit; n++) {
        if (composite[n]) continue;
        count++;
        last_prime = n;
        if ((count & 1023) == 0) *sum = mix(*sum, n);
        if (n > 65535) continue;
        for (uint32_t multiple = n * n; multiple < limit; multiple += n) composite[multiple] = 1;
    }
    free(composite);
    return count;
}

/* Bit i stands for the odd number 2i + 1; bit 0 (the number 1) stands in for 2. */
static uint32_t sieve_bits(uint32_t limit, uint32_t *sum) {
    if (limit <= 2) return 0;
    uint32_t bits = limit / 2;
    uint32_t *composite = need(bits / 32 + 1, sizeof *composite);
    for (uint32_t i = 1; i < bits; i++) {
        uint32_t n = 2 * i + 1;
        if (n > 65535 || (uint64_t)n * n >= limit) break;
        if (composite[i >> 5] >> (i & 31) & 1) continue;
        for (uint32_t j = (n * n) >> 1; j < bits; j += n) composite[j >> 5] |= 1u << (j & 31);
    }
    uint32_t count = 0;
    for (uint32_t word = 0; word <= bits / 32; word++) {
        uint32_t primes = ~composite[word];
        if (word == bits / 32) primes &= (1u << (bits & 31)) - 1;
        *sum = mix(*sum, primes);
        count += (uint32_t)__builtin_popcount(primes);
    }
    free(composite);
    return count;
}

static uint32_t work(uint32_t size) {
    uint32_t sum = size;
    last_prime = 0;
    count_bytes = sieve_bytes(size, &sum);
    count_bits = sieve_bits(size, &sum);
    return mix(mix(mix(sum, count_bytes), count_bits), last_prime);
}

static void report(void) {
    line_dec("primes", count_bytes);
    line_dec("primes by bits", count_bits);
    line_dec("last prime", last_prime);
}
