/* Compression in the manner of deflate: matches found through hash chains, then
 * Huffman codes for literals, lengths and distances, written bit by bit; then
 * decompression, which must give the text back.
 * Size: KiB of a generated text. */
#define NAME "deflate"
#define TEST_SIZE 2
#define DEFAULT_SIZE 128
#define MAX_SIZE 65536
#include "workload.h"

enum {
    WINDOW = 32768,
    MIN_MATCH = 4,
    MAX_MATCH = 130,
    CHAIN = 24,
    HASH_BITS = 14,
    /* 256 literals, the end, 16 classes of lengths; 16 classes of distances. */
    END = 256,
    FIRST_LENGTH = 257,
    SYMBOLS = 257 + 16,
    DISTANCES = 16,
    MAX_BITS = 15,
};

static uint32_t text_len, packed_len, matches;

/* ---- Text with repetitions -------------------------------------------------- */

static uint8_t *make_text(uint32_t len) {
    static const char *const words[] = {"the ",   "of ",     "interpreter ", "and ",  "a ",
                                        "value ", "stack, ", "loop ",        "is ",   "memory. ",
                                        "call ",  "branch ", "to ",          "in\n",  "instruction ",
                                        "table ", "local ",  "global ",      "trap ", "function "};
    uint8_t *text = need(len, 1);
    uint32_t random = 77, at = 0;
    while (at < len) {
        uint32_t r = next_random(&random);
        if (r % 13 == 0) {
            text[at++] = (uint8_t)('0' + r / 13 % 10);
            continue;
        }
        uint32_t pick = r >> 8;
        const char *word = words[pick % 20 < pick / 32 % 20 ? pick % 20 : pick / 32 % 20];
        while (*word != 0 && at < len) text[at++] = (uint8_t)*word++;
    }
    return text;
}

/* ---- Tokens: a literal, or length and distance ------------------------------ */

typedef struct {
    uint16_t symbol; /* a literal or a length */
    uint16_t distance;
} token;

static uint32_t hash(const uint8_t *at) {
    uint32_t word = at[0] | at[1] << 8 | at[2] << 16 | (uint32_t)at[3] << 24;
    return word * 0x9E3779B1u >> (32 - HASH_BITS);
}

static uint32_t match_len(const uint8_t *a, const uint8_t *b, uint32_t limit) {
    uint32_t len = 0;
    while (len < limit && a[len] == b[len]) len++;
    return len;
}

static uint32_t tokenize(const uint8_t *text, uint32_t len, token *tokens) {
    int32_t *head = need(1 << HASH_BITS, sizeof *head);
    int32_t *previous = need(WINDOW, sizeof *previous);
    for (int i = 0; i < 1 << HASH_BITS; i++) head[i] = -1;
    uint32_t count = 0, at = 0;
    matches = 0;
    while (at < len) {
        uint32_t best = 0, distance = 0;
        uint32_t limit = len - at < MAX_MATCH ? len - at : MAX_MATCH;
        if (limit >= MIN_MATCH) {
            int32_t candidate = head[hash(&text[at])];
            for (int tries = 0; tries < CHAIN && candidate >= 0; tries++) {
                uint32_t away = at - (uint32_t)candidate;
                if (away >= WINDOW) break;
                if (best == 0 || text[candidate + best] == text[at + best]) {
                    uint32_t found = match_len(&text[candidate], &text[at], limit);
                    if (found > best) {
                        best = found;
                        distance = away;
                        if (found == limit) break;
                    }
                }
                candidate = previous[candidate % WINDOW];
            }
        }
        uint32_t step = best >= MIN_MATCH ? best : 1;
        if (best >= MIN_MATCH) {
            tokens[count++] = (token){(uint16_t)best, (uint16_t)distance};
            matches++;
        } else {
            tokens[count++] = (token){text[at], 0};
        }
        for (; step > 0; step--, at++) {
            if (at + MIN_MATCH > len) continue;
            uint32_t slot = hash(&text[at]);
            previous[at % WINDOW] = head[slot];
            head[slot] = (int32_t)at;
        }
    }
    free(previous);
    free(head);
    return count;
}

/* ---- Classes: a number is its highest bit and the bits below it --------------- */

static uint32_t class_of(uint32_t number) {
    uint32_t bits = 0;
    while (number >> bits > 1) bits++;
    return bits;
}

/* ---- Huffman codes ------------------------------------------------------------ */

typedef struct {
    uint32_t symbols;
    uint8_t bits[SYMBOLS];
    uint16_t code[SYMBOLS];
    /* For reading: how many codes there are of each length, and their symbols. */
    uint16_t count[MAX_BITS + 1];
    uint16_t sorted[SYMBOLS];
} codes;

static void canonical(codes *c) {
    memset(c->count, 0, sizeof c->count);
    for (uint32_t i = 0; i < c->symbols; i++) c->count[c->bits[i]]++;
    c->count[0] = 0;
    uint16_t next[MAX_BITS + 1], offset[MAX_BITS + 1];
    uint16_t code = 0, place = 0;
    for (int bits = 1; bits <= MAX_BITS; bits++) {
        code = (uint16_t)((code + c->count[bits - 1]) << 1);
        next[bits] = code;
        offset[bits] = place;
        place = (uint16_t)(place + c->count[bits]);
    }
    for (uint32_t i = 0; i < c->symbols; i++) {
        if (c->bits[i] == 0) continue;
        c->code[i] = next[c->bits[i]]++;
        c->sorted[offset[c->bits[i]]++] = (uint16_t)i;
    }
}

/* Halves the weights until no code is too long. */
static void build(codes *c, const uint32_t *frequency, uint32_t symbols) {
    uint32_t weight[2 * SYMBOLS], parent[2 * SYMBOLS];
    uint32_t alive[SYMBOLS], shift = 0;
    c->symbols = symbols;
    for (;; shift++) {
        uint32_t nodes = symbols, live = 0;
        for (uint32_t i = 0; i < symbols; i++) {
            weight[i] = frequency[i] == 0 ? 0 : (frequency[i] >> shift) + 1;
            if (weight[i] != 0) alive[live++] = i;
        }
        while (live > 1) {
            /* The two lightest go to the end. */
            for (uint32_t end = live - 1; end + 2 >= live; end--) {
                uint32_t least = 0;
                for (uint32_t i = 1; i <= end; i++)
                    if (weight[alive[i]] < weight[alive[least]]) least = i;
                uint32_t t = alive[least];
                alive[least] = alive[end];
                alive[end] = t;
                if (end == 0) break;
            }
            uint32_t a = alive[live - 1], b = alive[live - 2];
            weight[nodes] = weight[a] + weight[b];
            parent[a] = parent[b] = nodes;
            alive[live - 2] = nodes++;
            live--;
        }
        uint32_t root = nodes - 1, longest = 0;
        for (uint32_t i = 0; i < symbols; i++) {
            uint32_t depth = 0;
            if (weight[i] != 0) {
                for (uint32_t at = i; at != root && at < nodes; at = parent[at]) depth++;
                if (depth == 0) depth = 1;
            }
            c->bits[i] = (uint8_t)(depth > 255 ? 255 : depth);
            if (depth > longest) longest = depth;
        }
        if (longest <= MAX_BITS) break;
    }
    canonical(c);
}

/* ---- Bits ----------------------------------------------------------------------- */

typedef struct {
    uint8_t *bytes;
    uint32_t at, held;
    uint64_t bits;
} stream;

/* Codes are written with the highest bit first, so they are compared as read. */
static void put(stream *s, uint32_t value, uint32_t count) {
    s->bits = s->bits << count | value;
    s->held += count;
    while (s->held >= 8) {
        s->held -= 8;
        s->bytes[s->at++] = (uint8_t)(s->bits >> s->held);
    }
}

static uint32_t get(stream *s, uint32_t count) {
    while (s->held < count) {
        s->bits = s->bits << 8 | s->bytes[s->at++];
        s->held += 8;
    }
    s->held -= count;
    return (uint32_t)(s->bits >> s->held) & ((1u << count) - 1);
}

static uint32_t get_symbol(stream *s, const codes *c) {
    uint32_t code = 0, first = 0, index = 0;
    for (int bits = 1; bits <= MAX_BITS; bits++) {
        code = code << 1 | get(s, 1);
        uint32_t count = c->count[bits];
        if (code < first + count) return c->sorted[index + code - first];
        index += count;
        first = (first + count) << 1;
    }
    __builtin_trap();
}

static void put_number(stream *s, const codes *c, uint32_t base, uint32_t number) {
    uint32_t class = class_of(number);
    put(s, c->code[base + class], c->bits[base + class]);
    put(s, number - (1u << class), class);
}

static void pack(stream *s, const token *tokens, uint32_t count, codes *literals, codes *distances) {
    uint32_t symbols[SYMBOLS] = {0}, far[DISTANCES] = {0};
    for (uint32_t i = 0; i < count; i++) {
        if (tokens[i].distance == 0) {
            symbols[tokens[i].symbol]++;
        } else {
            symbols[FIRST_LENGTH + class_of(tokens[i].symbol)]++;
            far[class_of(tokens[i].distance)]++;
        }
    }
    symbols[END] = 1;
    far[0]++;
    build(literals, symbols, SYMBOLS);
    build(distances, far, DISTANCES);
    for (uint32_t i = 0; i < SYMBOLS; i++) put(s, literals->bits[i], 4);
    for (uint32_t i = 0; i < DISTANCES; i++) put(s, distances->bits[i], 4);
    for (uint32_t i = 0; i < count; i++) {
        if (tokens[i].distance == 0) {
            put(s, literals->code[tokens[i].symbol], literals->bits[tokens[i].symbol]);
        } else {
            put_number(s, literals, FIRST_LENGTH, tokens[i].symbol);
            put_number(s, distances, 0, tokens[i].distance);
        }
    }
    put(s, literals->code[END], literals->bits[END]);
    put(s, 0, 7);
}

static uint32_t unpack(stream *s, uint8_t *text, codes *literals, codes *distances) {
    uint32_t at = 0;
    literals->symbols = SYMBOLS;
    distances->symbols = DISTANCES;
    for (uint32_t i = 0; i < SYMBOLS; i++) literals->bits[i] = (uint8_t)get(s, 4);
    for (uint32_t i = 0; i < DISTANCES; i++) distances->bits[i] = (uint8_t)get(s, 4);
    canonical(literals);
    canonical(distances);
    for (;;) {
        uint32_t symbol = get_symbol(s, literals);
        if (symbol == END) return at;
        if (symbol < END) {
            text[at++] = (uint8_t)symbol;
            continue;
        }
        uint32_t class = symbol - FIRST_LENGTH;
        uint32_t len = (1u << class) + get(s, class);
        class = get_symbol(s, distances);
        uint32_t distance = (1u << class) + get(s, class);
        for (; len > 0; len--, at++) text[at] = text[at - distance];
    }
}

static uint32_t work(uint32_t size) {
    text_len = size * 1024;
    uint8_t *text = make_text(text_len);
    token *tokens = need(text_len, sizeof *tokens);
    uint8_t *packed = need(text_len * 2 + 256, 1);
    codes literals, distances;
    stream writer = {packed, 0, 0, 0};
    pack(&writer, tokens, tokenize(text, text_len, tokens), &literals, &distances);
    packed_len = writer.at;
    uint32_t sum = mix_bytes(size, packed, packed_len);
    uint8_t *again = need(text_len, 1);
    stream reader = {packed, 0, 0, 0};
    if (unpack(&reader, again, &literals, &distances) != text_len) __builtin_trap();
    if (memcmp(text, again, text_len) != 0) __builtin_trap();
    free(again);
    free(packed);
    free(tokens);
    free(text);
    return sum;
}

static void report(void) {
    line_dec("bytes", text_len);
    line_dec("packed", packed_len);
    line_dec("matches", matches);
}
