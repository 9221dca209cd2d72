/* Words of a generated text counted in a hash map: string hashing and comparing,
 * chained buckets that grow, and many small allocations.
 * Size: the text in words. */
#define NAME "wordcount"
#define TEST_SIZE 300
#define DEFAULT_SIZE 400000
#define MAX_SIZE 20000000
#include "workload.h"

enum { SHOWN = 5, LONGEST = 12 };

struct entry {
    struct entry *next;
    uint32_t hash, count, len;
    char word[];
};

struct map {
    struct entry **buckets;
    uint32_t mask, entries;
};

struct text {
    char *bytes;
    size_t len;
};

static struct {
    char word[LONGEST + 1];
    uint32_t count;
} top[SHOWN];
static uint32_t shown, distinct, total;

/* The words of a rank: syllables by the digits of the rank, so rare words are long. */
static size_t spell(uint32_t rank, char *to) {
    static const char syllables[32][3] = {
        "da", "mo", "sen", "ki", "ru", "ta", "lo", "pe", "vi", "nu", "har", "bo", "che", "fi", "gu", "wa",
        "zel", "or", "in", "ap", "ju", "ly", "qu", "xo", "re", "sti", "tho", "ma", "ce", "ba", "el", "us",
    };
    size_t len = 0;
    do {
        const char *s = syllables[rank & 31];
        for (int i = 0; i < 3 && s[i] != 0; i++) to[len++] = s[i];
        rank >>= 5;
    } while (rank != 0);
    return len;
}

/* Small ranks are far more frequent, as in a language. */
static struct text generate(uint32_t words) {
    struct text text = {need((size_t)words, LONGEST + 3), 0};
    uint32_t seed = 88675123u;
    int capital = 1;
    for (uint32_t i = 0; i < words; i++) {
        uint32_t r = next_random(&seed);
        uint32_t rank = (r & 0x7FFF) >> (r >> 15 & 15);
        char *word = text.bytes + text.len;
        text.len += spell(rank, word);
        if (capital) word[0] = (char)(word[0] - 32);
        capital = (r >> 20 & 15) == 0;
        if (capital) text.bytes[text.len++] = '.';
        text.bytes[text.len++] = capital ? '\n' : ' ';
    }
    return text;
}

static void grow(struct map *map) {
    uint32_t mask = map->mask * 2 + 1;
    struct entry **buckets = need((size_t)mask + 1, sizeof *buckets);
    for (uint32_t i = 0; i <= map->mask; i++) {
        struct entry *e = map->buckets[i];
        while (e != NULL) {
            struct entry *next = e->next;
            e->next = buckets[e->hash & mask];
            buckets[e->hash & mask] = e;
            e = next;
        }
    }
    free(map->buckets);
    map->buckets = buckets;
    map->mask = mask;
}

static void count_word(struct map *map, const char *word, uint32_t len) {
    uint32_t hash = 2166136261u;
    for (uint32_t i = 0; i < len; i++) hash = (hash ^ (uint8_t)word[i]) * 16777619u;
    for (struct entry *e = map->buckets[hash & map->mask]; e != NULL; e = e->next) {
        if (e->hash == hash && e->len == len && memcmp(e->word, word, len) == 0) {
            e->count++;
            return;
        }
    }
    if (map->entries++ > map->mask) grow(map);
    struct entry *e = need(1, sizeof *e + len + 1);
    e->hash = hash;
    e->count = 1;
    e->len = len;
    memcpy(e->word, word, len);
    e->next = map->buckets[hash & map->mask];
    map->buckets[hash & map->mask] = e;
}

static void count_text(struct map *map, const struct text *text) {
    char word[LONGEST];
    uint32_t len = 0;
    for (size_t i = 0; i < text->len; i++) {
        char c = text->bytes[i];
        if (c >= 'A' && c <= 'Z') c = (char)(c + 32);
        if (c >= 'a' && c <= 'z') {
            if (len == LONGEST) __builtin_trap();
            word[len++] = c;
        } else if (len > 0) {
            count_word(map, word, len);
            total++;
            len = 0;
        }
    }
}

/* Frequent words first, equally frequent ones by the alphabet. */
static int by_count(const void *a, const void *b) {
    const struct entry *x = *(struct entry *const *)a, *y = *(struct entry *const *)b;
    if (x->count != y->count) return x->count < y->count ? 1 : -1;
    return strcmp(x->word, y->word);
}

static uint32_t work(uint32_t size) {
    struct map map = {need(16, sizeof *map.buckets), 15, 0};
    uint32_t sum = size;
    struct text text = generate(size);
    total = 0;
    count_text(&map, &text);
    free(text.bytes);

    struct entry **list = need(map.entries, sizeof *list);
    uint32_t n = 0;
    for (uint32_t i = 0; i <= map.mask; i++) {
        for (struct entry *e = map.buckets[i]; e != NULL; e = e->next) list[n++] = e;
    }
    qsort(list, n, sizeof *list, by_count);
    shown = 0;
    for (uint32_t i = 0; i < n; i++) {
        sum = mix_bytes(mix(sum, list[i]->count), list[i]->word, list[i]->len);
        if (shown < SHOWN) {
            memcpy(top[shown].word, list[i]->word, list[i]->len + 1);
            top[shown++].count = list[i]->count;
        }
    }
    distinct = n;
    for (uint32_t i = 0; i < n; i++) free(list[i]);
    free(list);
    free(map.buckets);
    return mix(mix(sum, distinct), total);
}

static void report(void) {
    line_dec("words", total);
    line_dec("distinct", distinct);
    for (uint32_t i = 0; i < shown; i++) line_dec(top[i].word, top[i].count);
}
