/* The mix of an embedded core benchmark: a linked list that is searched,
 * reversed and sorted through function pointers, small integer matrices, a state
 * machine that reads numbers from text, and a bitwise CRC over every result.
 *
 * The list drives the rest: comparing two items needs their values, and the value
 * of some items is the outcome of a run over the matrices or the text, computed
 * when first asked for. Every pass puts the data back as it found it, so that all
 * passes do the same work and the self-check can compare their CRCs.
 * Size: passes. */
#define NAME "coremark_like"
#define TEST_SIZE 2
#define DEFAULT_SIZE 1000
#define MAX_SIZE 10000000
#include "workload.h"

/* ---- CRC ---------------------------------------------------------------- */

static uint16_t crc_u8(uint8_t data, uint16_t crc) {
    for (int bit = 0; bit < 8; bit++) {
        int carry = (data ^ crc) & 1;
        data >>= 1;
        crc >>= 1;
        if (carry) crc ^= 0xA001;
    }
    return crc;
}

static uint16_t crc_u16(uint16_t data, uint16_t crc) {
    return crc_u8((uint8_t)(data >> 8), crc_u8((uint8_t)data, crc));
}

static uint16_t crc_u32(uint32_t data, uint16_t crc) {
    return crc_u16((uint16_t)(data >> 16), crc_u16((uint16_t)data, crc));
}

/* ---- Matrices ----------------------------------------------------------- */

enum { N = 9 };

struct matrices {
    int16_t a[N * N], b[N * N];
    int32_t c[N * N];
};

static void matrix_fill(struct matrices *m, uint32_t seed) {
    for (int i = 0; i < N * N; i++) {
        m->a[i] = (int16_t)(next_random(&seed) & 0x7FF);
        m->b[i] = (int16_t)((next_random(&seed) & 0xFF) - 128);
    }
}

static void matrix_add(struct matrices *m, int16_t x) {
    for (int i = 0; i < N * N; i++) m->a[i] = (int16_t)(m->a[i] + x);
}

static void matrix_scale(struct matrices *m, int16_t x) {
    for (int i = 0; i < N * N; i++) m->c[i] = (int32_t)m->a[i] * x;
}

static void matrix_by_vector(struct matrices *m) {
    for (int i = 0; i < N; i++) {
        int32_t sum = 0;
        for (int j = 0; j < N; j++) sum += (int32_t)m->a[i * N + j] * m->b[j];
        m->c[i] = sum;
    }
}

static void matrix_by_matrix(struct matrices *m) {
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            int32_t sum = 0;
            for (int k = 0; k < N; k++) sum += (int32_t)m->a[i * N + k] * m->b[k * N + j];
            m->c[i * N + j] = sum;
        }
    }
}

/* The product again, of bit fields cut out of each term. */
static void matrix_by_matrix_fields(struct matrices *m) {
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            uint32_t sum = 0;
            for (int k = 0; k < N; k++) {
                uint32_t term = (uint32_t)((int32_t)m->a[i * N + k] * m->b[k * N + j]);
                sum += (term >> 2 & 15) * (term >> 5 & 127);
            }
            m->c[i * N + j] = (int32_t)sum;
        }
    }
}

/* How the result rises and falls, as one small number. */
static uint16_t matrix_profile(const struct matrices *m, int32_t clip) {
    uint32_t sum = 0;
    uint16_t score = 0;
    int32_t previous = 0;
    for (int i = 0; i < N * N; i++) {
        sum += (uint32_t)m->c[i];
        if ((int32_t)sum > clip) {
            score = (uint16_t)(score + 10);
            sum = 0;
        } else {
            score = (uint16_t)(score + (m->c[i] > previous));
        }
        previous = m->c[i];
    }
    return score;
}

static uint16_t matrix_run(struct matrices *m, int16_t x, uint16_t crc) {
    int32_t clip = 0x1000 | x;
    matrix_add(m, x);
    matrix_scale(m, x);
    crc = crc_u16(matrix_profile(m, clip), crc);
    matrix_by_vector(m);
    crc = crc_u16(matrix_profile(m, clip), crc);
    matrix_by_matrix(m);
    crc = crc_u16(matrix_profile(m, clip), crc);
    matrix_by_matrix_fields(m);
    crc = crc_u16(matrix_profile(m, clip), crc);
    matrix_add(m, (int16_t)-x);
    return crc;
}

/* ---- State machine ------------------------------------------------------ */

enum { TEXT = 640 };

enum state { START, SIGN, INTEGER, POINT, FRACTION, EXPONENT, EXPONENT_SIGN, SCIENTIFIC, INVALID, STATES };

static void text_fill(char *text, uint32_t seed) {
    static const char *const tokens[16] = {
        "5012", "1234", "-874", "+122", "35.54400", ".1234500", "-110.700", "+0.64400",
        "5.500e+3", "-.123e-2", "-87e+832", "+0.6e-12", "T0.3e-1F", "-T.T++Tq", "1T3.4e4z", "34.0e-T^",
    };
    int at = 0;
    for (;;) {
        const char *token = tokens[next_random(&seed) >> 7 & 15];
        int len = (int)strlen(token);
        if (at + len + 1 >= TEXT) break;
        memcpy(text + at, token, (size_t)len);
        at += len;
        text[at++] = ',';
    }
    while (at < TEXT) text[at++] = 0;
}

static int is_digit(char c) { return c >= '0' && c <= '9'; }

/* Reads one token up to the comma (or the end) and says in which state it ended. */
static enum state next_token(const char **cursor, uint32_t *transitions) {
    const char *p = *cursor;
    enum state state = START;
    for (; *p != 0 && state != INVALID; p++) {
        char c = *p;
        if (c == ',') {
            p++;
            break;
        }
        enum state next = INVALID;
        switch (state) {
        case START:
            if (is_digit(c)) next = INTEGER;
            else if (c == '+' || c == '-') next = SIGN;
            else if (c == '.') next = POINT;
            break;
        case SIGN:
            if (is_digit(c)) next = INTEGER;
            else if (c == '.') next = POINT;
            break;
        case INTEGER:
            if (is_digit(c)) next = INTEGER;
            else if (c == '.') next = FRACTION;
            else if (c == 'e' || c == 'E') next = EXPONENT;
            break;
        case POINT:
            if (is_digit(c)) next = FRACTION;
            break;
        case FRACTION:
            if (is_digit(c)) next = FRACTION;
            else if (c == 'e' || c == 'E') next = EXPONENT;
            break;
        case EXPONENT:
            if (is_digit(c)) next = SCIENTIFIC;
            else if (c == '+' || c == '-') next = EXPONENT_SIGN;
            break;
        case EXPONENT_SIGN:
        case SCIENTIFIC:
            if (is_digit(c)) next = SCIENTIFIC;
            break;
        default:
            break;
        }
        if (next != state) transitions[state]++;
        state = next;
    }
    if (state == INVALID) {
        while (*p != 0 && *p != ',') p++;
        if (*p == ',') p++;
    }
    *cursor = p;
    return state;
}

static void text_flip(char *text, uint32_t start, uint32_t step, char mask) {
    for (uint32_t i = start; i < TEXT; i += step) {
        /* Neither a comma nor an end is made or lost, so flipping undoes itself. */
        char flipped = (char)(text[i] ^ mask);
        if (text[i] != ',' && text[i] != 0 && flipped != ',' && flipped != 0) text[i] = flipped;
    }
}

static void count_tokens(const char *text, uint32_t *final, uint32_t *transitions) {
    const char *cursor = text;
    while (*cursor != 0) final[next_token(&cursor, transitions)]++;
}

static uint16_t state_run(char *text, uint32_t step, char mask, uint16_t crc) {
    uint32_t final[STATES] = {0}, transitions[STATES] = {0};
    count_tokens(text, final, transitions);
    text_flip(text, step, step, mask);
    count_tokens(text, final, transitions);
    text_flip(text, step, step, mask);
    for (int i = 0; i < STATES; i++) {
        crc = crc_u32(final[i], crc);
        crc = crc_u32(transitions[i], crc);
    }
    return crc;
}

/* ---- List --------------------------------------------------------------- */

enum { ITEMS = 32 };

/* `value`: the low byte is worked on, the high byte keeps the original. */
struct data {
    int16_t value, index;
};

struct item {
    struct item *next;
    struct data *data;
};

struct context {
    struct item items[ITEMS];
    struct data data[ITEMS];
    struct item *list;
    struct matrices matrices;
    char text[TEXT];
    uint16_t crc_list, crc_matrix, crc_state;
};

typedef int32_t (*compare_fn)(struct data *a, struct data *b, struct context *context);

/* The value of an item: bit 7 says that it is known already; otherwise bits 0..2
 * say what must be computed. */
static int32_t value_of(struct data *d, struct context *context) {
    if (d->value & 0x80) return d->value & 0x7F;
    uint16_t result;
    int16_t argument = (int16_t)(d->value >> 3 & 15);
    argument = (int16_t)(argument | argument << 4);
    switch (d->value & 7) {
    case 0:
        result = state_run(context->text, (uint32_t)(argument < 0x22 ? 0x22 : argument), 1, context->crc_state);
        context->crc_state = crc_u16(result, context->crc_state);
        break;
    case 1:
        result = matrix_run(&context->matrices, argument, context->crc_matrix);
        context->crc_matrix = crc_u16(result, context->crc_matrix);
        break;
    default:
        result = (uint16_t)d->value;
        break;
    }
    context->crc_list = crc_u16(result, context->crc_list);
    d->value = (int16_t)((d->value & 0x7F00) | 0x80 | (result & 0x7F));
    return result & 0x7F;
}

static int32_t by_value(struct data *a, struct data *b, struct context *context) {
    int32_t x = value_of(a, context);
    return x - value_of(b, context);
}

static int32_t by_index(struct data *a, struct data *b, struct context *context) {
    (void)context;
    return a->index - b->index;
}

static struct item *list_find_index(struct item *list, int16_t index) {
    while (list != NULL && list->data->index != index) list = list->next;
    return list;
}

static struct item *list_find_value(struct item *list, int16_t low_byte) {
    while (list != NULL && (list->data->value & 0xFF) != low_byte) list = list->next;
    return list;
}

static struct item *list_reverse(struct item *list) {
    struct item *reversed = NULL;
    while (list != NULL) {
        struct item *next = list->next;
        list->next = reversed;
        reversed = list;
        list = next;
    }
    return reversed;
}

/* Stable: of equal items, those of `a` come first. */
static struct item *list_merge(struct item *a, struct item *b, compare_fn compare, struct context *context) {
    struct item *head = NULL, **tail = &head;
    while (a != NULL && b != NULL) {
        struct item **smaller = compare(a->data, b->data, context) <= 0 ? &a : &b;
        *tail = *smaller;
        tail = &(*smaller)->next;
        *smaller = *tail;
    }
    *tail = a != NULL ? a : b;
    return head;
}

/* Merge sort without recursion: bin i holds a sorted run of 2^i items. Inlined, it
 * would be copied once per comparison, and the indirect calls would be gone. */
__attribute__((noinline)) static struct item *list_sort(struct item *list, compare_fn compare, struct context *context) {
    struct item *bins[8] = {NULL};
    while (list != NULL) {
        struct item *run = list;
        list = list->next;
        run->next = NULL;
        int i = 0;
        while (i < 7 && bins[i] != NULL) {
            run = list_merge(bins[i], run, compare, context);
            bins[i++] = NULL;
        }
        bins[i] = bins[i] == NULL ? run : list_merge(bins[i], run, compare, context);
    }
    struct item *sorted = NULL;
    for (int i = 0; i < 8; i++) {
        if (bins[i] != NULL) sorted = list_merge(bins[i], sorted, compare, context);
    }
    return sorted;
}

static uint16_t list_crc(const struct item *list, uint16_t crc) {
    for (; list != NULL; list = list->next) {
        crc = crc_u16((uint16_t)list->data->index, crc_u16((uint16_t)list->data->value, crc));
    }
    return crc;
}

static void list_fill(struct context *context, uint32_t seed) {
    context->list = NULL;
    for (int i = ITEMS - 1; i >= 0; i--) {
        int16_t byte = (int16_t)((next_random(&seed) >> 9 & 0x78) | (i & 7));
        context->data[i].value = (int16_t)(byte << 8 | byte);
        context->data[i].index = (int16_t)i;
        context->items[i].data = &context->data[i];
        context->items[i].next = context->list;
        context->list = &context->items[i];
    }
}

/* ---- Passes ------------------------------------------------------------- */

/* Searches, sorts, and puts everything back. Returns the CRC of the pass. */
static uint16_t pass(struct context *context) {
    struct item *list = context->list;
    uint16_t found = 0, missed = 0, crc;
    for (int16_t i = 0; i < ITEMS; i++) {
        struct item *hit = i & 1 ? list_find_index(list, (int16_t)(i + 4)) : list_find_value(list, i);
        list = list_reverse(list);
        if (hit == NULL) {
            missed++;
        } else {
            found = (uint16_t)(found + 1 + (hit->data->value & 1));
        }
    }
    context->crc_list = context->crc_matrix = context->crc_state = 0;
    list = list_sort(list, by_value, context);
    crc = list_crc(list, crc_u16(missed, crc_u16(found, 0)));
    for (struct item *item = list; item != NULL; item = item->next) {
        struct data *d = item->data;
        d->value = (int16_t)((d->value & 0x7F00) | (d->value >> 8 & 0x7F));
    }
    context->list = list_sort(list, by_index, context);
    crc = crc_u16(context->crc_list, crc);
    crc = crc_u16(context->crc_matrix, crc);
    return crc_u16(context->crc_state, crc);
}

static uint16_t crc_all, crc_list, crc_matrix, crc_state;
static uint32_t errors;

static uint32_t work(uint32_t size) {
    static struct context context;
    uint32_t sum = size;
    memset(&context, 0, sizeof context);
    list_fill(&context, 66);
    matrix_fill(&context.matrices, 3415);
    text_fill(context.text, 103);
    uint16_t fresh = list_crc(context.list, 0), first = 0;
    crc_all = 0;
    errors = 0;
    for (uint32_t i = 0; i < size; i++) {
        uint16_t crc = pass(&context);
        if (i == 0) first = crc;
        errors += crc != first || list_crc(context.list, 0) != fresh;
        crc_all = crc_u16(crc, crc_all);
    }
    crc_list = context.crc_list;
    crc_matrix = context.crc_matrix;
    crc_state = context.crc_state;
    sum = mix(mix(sum, crc_all), errors);
    return mix(mix(mix(sum, crc_list), crc_matrix), crc_state);
}

static void report(void) {
    line_hex("crc list", crc_list);
    line_hex("crc matrix", crc_matrix);
    line_hex("crc state", crc_state);
    line_hex("crc all", crc_all);
    line_dec("errors", errors);
}
