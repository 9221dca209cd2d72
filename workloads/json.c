/* A JSON parser and serializer. A document is generated as text, parsed into a
 * tree, written out compactly and indented, parsed again and compared: byte-wise
 * branching on text, recursion, small allocations, f64 to text and back.
 *
 * Numbers keep to what one correctly rounded division can read (fewer than 16
 * digits, no large exponents) and to at most six decimals when written, which is
 * exact for the multiples of 1/64 that the generator makes.
 * Size: records in the document. */
#define NAME "json"
#define TEST_SIZE 5
#define DEFAULT_SIZE 8000
#define MAX_SIZE 500000
#include "workload.h"

/* ---- Output buffer ------------------------------------------------------ */

struct buffer {
    char *bytes;
    size_t len, capacity;
};

static void put(struct buffer *b, char c) {
    if (b->len == b->capacity) {
        b->capacity = b->capacity == 0 ? 256 : b->capacity * 2;
        b->bytes = realloc(b->bytes, b->capacity);
        if (b->bytes == NULL) __builtin_trap();
    }
    b->bytes[b->len++] = c;
}

static void put_text(struct buffer *b, const char *text) {
    while (*text != 0) put(b, *text++);
}

static void put_unsigned(struct buffer *b, uint64_t value, int least_digits) {
    char digits[20];
    int n = 0;
    do {
        digits[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0 || n < least_digits);
    while (n > 0) put(b, digits[--n]);
}

static void put_number(struct buffer *b, double number) {
    if (number < 0) {
        put(b, '-');
        number = -number;
    }
    uint64_t scaled = (uint64_t)(number * 1000000.0 + 0.5);
    uint64_t fraction = scaled % 1000000;
    put_unsigned(b, scaled / 1000000, 1);
    if (fraction != 0) {
        int digits = 6;
        while (fraction % 10 == 0) {
            fraction /= 10;
            digits--;
        }
        put(b, '.');
        put_unsigned(b, fraction, digits);
    }
}

static void put_string(struct buffer *b, const char *bytes, size_t len) {
    put(b, '"');
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)bytes[i];
        switch (c) {
        case '"': put_text(b, "\\\""); break;
        case '\\': put_text(b, "\\\\"); break;
        case '\n': put_text(b, "\\n"); break;
        case '\t': put_text(b, "\\t"); break;
        default:
            if (c < 0x20) {
                put_text(b, "\\u00");
                put(b, "0123456789abcdef"[c >> 4]);
                put(b, "0123456789abcdef"[c & 15]);
            } else {
                put(b, (char)c);
            }
        }
    }
    put(b, '"');
}

/* ---- Values ------------------------------------------------------------- */

enum kind { NIL, BOOLEAN, NUMBER, STRING, ARRAY, OBJECT };

/* The members of an array or object are a list; those of an object have keys. */
struct value {
    enum kind kind;
    uint32_t len, key_len;
    double number; /* of a boolean: 0 or 1 */
    char *bytes, *key;
    struct value *first, *next;
};

static void release(struct value *v) {
    while (v != NULL) {
        struct value *next = v->next;
        release(v->first);
        free(v->bytes);
        free(v->key);
        free(v);
        v = next;
    }
}

/* ---- Parser ------------------------------------------------------------- */

struct parser {
    const char *at, *end;
    int failed;
};

static struct value *parse_value(struct parser *p, int depth);

static char peek(struct parser *p) { return p->at < p->end ? *p->at : 0; }

static void skip_space(struct parser *p) {
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\n' || *p->at == '\t' || *p->at == '\r')) p->at++;
}

static int accept(struct parser *p, char c) {
    skip_space(p);
    if (peek(p) != c) return 0;
    p->at++;
    return 1;
}

static void expect(struct parser *p, char c) {
    if (!accept(p, c)) p->failed = 1;
}

static int accept_word(struct parser *p, const char *word) {
    size_t len = strlen(word);
    if ((size_t)(p->end - p->at) < len || memcmp(p->at, word, len) != 0) return 0;
    p->at += len;
    return 1;
}

static uint32_t parse_hex4(struct parser *p) {
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        char c = peek(p);
        uint32_t digit;
        if (c >= '0' && c <= '9') digit = (uint32_t)(c - '0');
        else if (c >= 'a' && c <= 'f') digit = (uint32_t)(c - 'a' + 10);
        else if (c >= 'A' && c <= 'F') digit = (uint32_t)(c - 'A' + 10);
        else {
            p->failed = 1;
            return 0;
        }
        value = value * 16 + digit;
        p->at++;
    }
    return value;
}

static void put_utf8(struct buffer *b, uint32_t c) {
    if (c < 0x80) {
        put(b, (char)c);
        return;
    }
    if (c < 0x800) {
        put(b, (char)(0xC0 | c >> 6));
    } else {
        if (c < 0x10000) {
            put(b, (char)(0xE0 | c >> 12));
        } else {
            put(b, (char)(0xF0 | c >> 18));
            put(b, (char)(0x80 | (c >> 12 & 63)));
        }
        put(b, (char)(0x80 | (c >> 6 & 63)));
    }
    put(b, (char)(0x80 | (c & 63)));
}

static void parse_escape(struct parser *p, struct buffer *b) {
    char c = peek(p);
    p->at++;
    switch (c) {
    case '"': case '\\': case '/': put(b, c); break;
    case 'b': put(b, '\b'); break;
    case 'f': put(b, '\f'); break;
    case 'n': put(b, '\n'); break;
    case 'r': put(b, '\r'); break;
    case 't': put(b, '\t'); break;
    case 'u': {
        uint32_t unit = parse_hex4(p);
        if (unit >= 0xD800 && unit < 0xDC00) {
            uint32_t low = accept_word(p, "\\u") ? parse_hex4(p) : 0;
            if (low < 0xDC00 || low >= 0xE000) p->failed = 1;
            unit = 0x10000 + ((unit & 0x3FF) << 10 | (low & 0x3FF));
        }
        put_utf8(b, unit);
        break;
    }
    default: p->failed = 1;
    }
}

static char *parse_string(struct parser *p, uint32_t *len) {
    struct buffer b = {NULL, 0, 0};
    expect(p, '"');
    while (!p->failed) {
        char c = peek(p);
        if (p->at == p->end || (unsigned char)c < 0x20) {
            p->failed = 1;
            break;
        }
        p->at++;
        if (c == '"') break;
        if (c == '\\') parse_escape(p, &b);
        else put(&b, c);
    }
    *len = (uint32_t)b.len;
    put(&b, 0);
    return b.bytes;
}

static double parse_number(struct parser *p) {
    uint64_t digits = 0, scale = 1;
    int count = 0, negative = peek(p) == '-';
    if (negative) p->at++;
    while (peek(p) >= '0' && peek(p) <= '9') {
        digits = digits * 10 + (uint64_t)(*p->at++ - '0');
        count++;
    }
    if (count == 0) p->failed = 1;
    if (peek(p) == '.') {
        p->at++;
        while (peek(p) >= '0' && peek(p) <= '9') {
            digits = digits * 10 + (uint64_t)(*p->at++ - '0');
            scale *= 10;
            count++;
        }
    }
    if (count > 15) p->failed = 1;
    double number = (double)digits / (double)scale;
    return negative ? -number : number;
}

static void parse_members(struct parser *p, struct value *v, int depth) {
    char close = v->kind == ARRAY ? ']' : '}';
    struct value **tail = &v->first;
    p->at++;
    if (accept(p, close)) return;
    do {
        char *key = NULL;
        uint32_t key_len = 0;
        skip_space(p);
        if (v->kind == OBJECT) {
            key = parse_string(p, &key_len);
            expect(p, ':');
        }
        *tail = parse_value(p, depth + 1);
        (*tail)->key = key;
        (*tail)->key_len = key_len;
        tail = &(*tail)->next;
        v->len++;
    } while (!p->failed && accept(p, ','));
    expect(p, close);
}

static struct value *parse_value(struct parser *p, int depth) {
    struct value *v = need(1, sizeof *v);
    skip_space(p);
    char c = peek(p);
    if (depth > 64) {
        p->failed = 1;
    } else if (c == '{' || c == '[') {
        v->kind = c == '{' ? OBJECT : ARRAY;
        parse_members(p, v, depth);
    } else if (c == '"') {
        v->kind = STRING;
        v->bytes = parse_string(p, &v->len);
    } else if (accept_word(p, "true")) {
        v->kind = BOOLEAN;
        v->number = 1;
    } else if (accept_word(p, "false")) {
        v->kind = BOOLEAN;
    } else if (accept_word(p, "null")) {
        v->kind = NIL;
    } else {
        v->kind = NUMBER;
        v->number = parse_number(p);
    }
    return v;
}

static struct value *parse(const struct buffer *text, int *failed) {
    struct parser p = {text->bytes, text->bytes + text->len, 0};
    struct value *v = parse_value(&p, 0);
    skip_space(&p);
    *failed = p.failed || p.at != p.end;
    return v;
}

/* ---- Serializer --------------------------------------------------------- */

static void new_line(struct buffer *b, int indent) {
    put(b, '\n');
    while (indent-- > 0) put_text(b, "  ");
}

/* `indent` < 0: everything on one line, without spaces. */
static void serialize(struct buffer *b, const struct value *v, int indent) {
    switch (v->kind) {
    case NIL: put_text(b, "null"); return;
    case BOOLEAN: put_text(b, v->number != 0 ? "true" : "false"); return;
    case NUMBER: put_number(b, v->number); return;
    case STRING: put_string(b, v->bytes, v->len); return;
    default: break;
    }
    int inner = indent < 0 ? -1 : indent + 1;
    put(b, v->kind == ARRAY ? '[' : '{');
    for (const struct value *member = v->first; member != NULL; member = member->next) {
        if (inner >= 0) new_line(b, inner);
        if (v->kind == OBJECT) {
            put_string(b, member->key, member->key_len);
            put(b, ':');
            if (inner >= 0) put(b, ' ');
        }
        serialize(b, member, inner);
        if (member->next != NULL) put(b, ',');
    }
    if (inner >= 0 && v->first != NULL) new_line(b, indent);
    put(b, v->kind == ARRAY ? ']' : '}');
}

/* ---- Document ----------------------------------------------------------- */

static void put_member(struct buffer *b, const char *key) {
    put_string(b, key, strlen(key));
    put(b, ':');
}

static void generate_record(struct buffer *b, uint32_t id, uint32_t *seed) {
    static const char *const names[8] = {"plum", "\"damson\"", "sloe", "gr\xC3\xA4ngsf\xC3\xB6rg\xC3\xA5ng",
                                         "back\\slash", "tab\tbed", "line\nbreak", "bell\x07"};
    uint32_t r = next_random(seed);
    put(b, '{');
    put_member(b, "id");
    put_unsigned(b, id, 1);
    put(b, ',');
    put_member(b, "name");
    const char *name = names[r & 7];
    put_string(b, name, strlen(name));
    put(b, ',');
    put_member(b, "ripe");
    put_text(b, r & 8 ? "true" : "false");
    put(b, ',');
    put_member(b, "weight");
    put_number(b, (int32_t)(r >> 4 & 0xFFFF) / 64.0 - 300.0);
    put(b, ',');
    put_member(b, "tags");
    put(b, '[');
    for (uint32_t i = 0; i < (r >> 20 & 3); i++) {
        if (i > 0) put(b, ',');
        put_unsigned(b, next_random(seed) >> 12, 1);
    }
    put_text(b, "],");
    put_member(b, "parent");
    if (id == 0) {
        put_text(b, "null");
    } else {
        put(b, '{');
        put_member(b, "of");
        put_unsigned(b, id / 2, 1);
        put(b, '}');
    }
    put(b, '}');
}

struct totals {
    uint32_t values;
    double numbers;
};

static void visit(const struct value *v, struct totals *totals) {
    for (; v != NULL; v = v->next) {
        totals->values++;
        if (v->kind == NUMBER) totals->numbers += v->number;
        visit(v->first, totals);
    }
}

static uint32_t document_len, indented_len, values, errors;
static double number_total;

static int same(const struct buffer *a, const struct buffer *b) {
    return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

/* What the generator does not make: escapes, white space, surrogates, mistakes. */
static uint32_t check_corner_cases(void) {
    static const struct {
        const char *text, *compact; /* NULL: must be refused */
    } cases[] = {
        {" [ ] ", "[]"},
        {"{ }", "{}"},
        {"\"\\u0041\\u00e4\\u20AC\\ud83c\\udf52\\/\"", "\"A\xC3\xA4\xE2\x82\xAC\xF0\x9F\x8D\x92/\""},
        {"[-0.5, 12.250000, 1 ]", "[-0.5,12.25,1]"},
        {"[[[[{\"a\":[{}]}]]]]", "[[[[{\"a\":[{}]}]]]]"},
        {"[1,]", NULL},
        {"{\"a\" 1}", NULL},
        {"\"open", NULL},
        {"\"\\ud83c\"", NULL},
        {"tru", NULL},
        {"[] []", NULL},
    };
    uint32_t wrong = 0;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer in = {NULL, 0, 0}, compact = {NULL, 0, 0};
        int failed;
        put_text(&in, cases[i].text);
        struct value *v = parse(&in, &failed);
        if (cases[i].compact == NULL) {
            wrong += !failed;
        } else {
            serialize(&compact, v, -1);
            wrong += failed || compact.len != strlen(cases[i].compact) ||
                     memcmp(compact.bytes, cases[i].compact, compact.len) != 0;
        }
        release(v);
        free(in.bytes);
        free(compact.bytes);
    }
    return wrong;
}

static uint32_t work(uint32_t size) {
    struct buffer document = {NULL, 0, 0}, compact = {NULL, 0, 0}, indented = {NULL, 0, 0}, again = {NULL, 0, 0};
    struct totals totals = {0, 0};
    uint32_t seed = 521288629u, sum = size;
    int failed;

    put(&document, '[');
    for (uint32_t i = 0; i < size; i++) {
        if (i > 0) put(&document, ',');
        generate_record(&document, i, &seed);
    }
    put(&document, ']');

    errors = check_corner_cases();
    struct value *tree = parse(&document, &failed);
    errors += (uint32_t)failed;
    visit(tree, &totals);
    serialize(&compact, tree, -1);
    serialize(&indented, tree, 0);
    release(tree);
    tree = parse(&indented, &failed);
    errors += (uint32_t)failed;
    serialize(&again, tree, -1);
    release(tree);
    errors += !same(&document, &compact) + !same(&document, &again);

    document_len = (uint32_t)document.len;
    indented_len = (uint32_t)indented.len;
    values = totals.values;
    number_total = totals.numbers;
    sum = mix_bytes(sum, document.bytes, document.len);
    sum = mix_bytes(sum, indented.bytes, indented.len);
    free(document.bytes);
    free(compact.bytes);
    free(indented.bytes);
    free(again.bytes);
    return mix(mix_f64(mix(sum, values), number_total), errors);
}

static void report(void) {
    line_dec("bytes", document_len);
    line_dec("bytes indented", indented_len);
    line_dec("values", values);
    line_dec("errors", errors);
}
