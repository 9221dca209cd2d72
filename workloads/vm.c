/* An interpreter inside the interpreter: a small register machine with one big
 * switch, running four programs (Collatz sequences, a sieve in the machine's memory,
 * a run through all the arithmetic, recursive Fibonacci on its stack).
 * Size: the numbers the Collatz and sieve programs go up to; the largest size keeps
 * every Collatz sequence within 32 bits. */
#define NAME "vm"
#define TEST_SIZE 50
#define DEFAULT_SIZE 25000
#define MAX_SIZE 100000
#include "workload.h"

enum op {
    HALT,
    SET,    /* a = imm */
    MOVE,   /* a = b */
    ADD,    /* a = b + c */
    SUB,
    MUL,
    DIV,    /* unsigned; by 0 gives 0 */
    REM,
    AND,
    OR,
    XOR,
    SHL,
    SHR,
    ADDI,   /* a = b + imm */
    ANDI,
    SHRI,
    MULI,
    LOAD,   /* a = memory[b + imm] */
    STORE,  /* memory[b + imm] = a */
    JUMP,   /* to imm */
    JZ,     /* to imm if a == 0 */
    JNZ,
    JLT,    /* to imm if a < b */
    JGE,
    CALL,   /* push the next address, to imm */
    RET,
    PUSH,   /* a */
    POP,    /* a */
    EMIT,   /* a into the checksum */
};

struct insn {
    uint8_t op, a, b, c;
    int32_t imm;
};

enum { STACK = 256 };

struct machine {
    uint32_t r[16], stack[STACK];
    uint32_t *memory, memory_len;
    uint32_t sp, sum;
    uint64_t steps;
};

/* r0: the limit. Adds up the lengths of the Collatz sequences below it in r1. */
static const struct insn collatz[] = {
    /* 0 */ {SET, 1, 0, 0, 0},
    /* 1 */ {SET, 2, 0, 0, 1},
    /* 2 */ {JGE, 2, 0, 0, 16},
    /* 3 */ {MOVE, 3, 2, 0, 0},
    /* 4 */ {ADDI, 4, 3, 0, -1},
    /* 5 */ {JZ, 4, 0, 0, 13},
    /* 6 */ {ADDI, 1, 1, 0, 1},
    /* 7 */ {ANDI, 4, 3, 0, 1},
    /* 8 */ {JNZ, 4, 0, 0, 11},
    /* 9 */ {SHRI, 3, 3, 0, 1},
    /* 10 */ {JUMP, 0, 0, 0, 4},
    /* 11 */ {MULI, 3, 3, 0, 3},
    /* 12 */ {ADDI, 3, 3, 0, 1},
    /* r4 tells an odd step (1: go on) from the end of a sequence (0). */
    /* 13 */ {JNZ, 4, 0, 0, 4},
    /* 14 */ {ADDI, 2, 2, 0, 1},
    /* 15 */ {JUMP, 0, 0, 0, 2},
    /* 16 */ {EMIT, 1, 0, 0, 0},
    /* 17 */ {HALT, 0, 0, 0, 0},
};

/* r0: the limit. Counts the primes below it in r1. */
static const struct insn primes[] = {
    /* 0 */ {SET, 1, 0, 0, 0},
    /* 1 */ {SET, 2, 0, 0, 2},
    /* 2 */ {SET, 5, 0, 0, 1},
    /* 3 */ {JGE, 2, 0, 0, 14},
    /* 4 */ {LOAD, 3, 2, 0, 0},
    /* 5 */ {JNZ, 3, 0, 0, 12},
    /* 6 */ {ADDI, 1, 1, 0, 1},
    /* 7 */ {MOVE, 4, 2, 0, 0},
    /* 8 */ {ADD, 4, 4, 2, 0},
    /* 9 */ {JGE, 4, 0, 0, 12},
    /* 10 */ {STORE, 5, 4, 0, 0},
    /* 11 */ {JUMP, 0, 0, 0, 8},
    /* 12 */ {ADDI, 2, 2, 0, 1},
    /* 13 */ {JUMP, 0, 0, 0, 3},
    /* 14 */ {EMIT, 1, 0, 0, 0},
    /* 15 */ {HALT, 0, 0, 0, 0},
};

/* r0: the limit. Mixes r6 with all the arithmetic there is. */
static const struct insn arithmetic[] = {
    /* 0 */ {SET, 6, 0, 0, 12345},
    /* 1 */ {SET, 2, 0, 0, 0},
    /* 2 */ {SET, 7, 0, 0, 7},
    /* 3 */ {JGE, 2, 0, 0, 17},
    /* 4 */ {MULI, 6, 6, 0, 1103515245},
    /* 5 */ {ADDI, 6, 6, 0, 12345},
    /* 6 */ {AND, 3, 6, 7, 0},
    /* 7 */ {SHL, 4, 6, 3, 0},
    /* 8 */ {SHR, 5, 6, 7, 0},
    /* 9 */ {XOR, 6, 4, 5, 0},
    /* 10 */ {REM, 3, 6, 2, 0},
    /* 11 */ {DIV, 4, 6, 7, 0},
    /* 12 */ {OR, 3, 3, 4, 0},
    /* 13 */ {SUB, 6, 6, 3, 0},
    /* 14 */ {MUL, 6, 6, 7, 0},
    /* 15 */ {ADDI, 2, 2, 0, 1},
    /* 16 */ {JLT, 2, 0, 0, 4},
    /* 17 */ {EMIT, 6, 0, 0, 0},
    /* 18 */ {HALT, 0, 0, 0, 0},
};

/* r1: n. Leaves fib(n) in r1. */
static const struct insn fibonacci[] = {
    /* 0 */ {CALL, 0, 0, 0, 3},
    /* 1 */ {EMIT, 1, 0, 0, 0},
    /* 2 */ {HALT, 0, 0, 0, 0},
    /* 3 */ {SET, 2, 0, 0, 2},
    /* 4 */ {JLT, 1, 2, 0, 14},
    /* 5 */ {PUSH, 1, 0, 0, 0},
    /* 6 */ {ADDI, 1, 1, 0, -1},
    /* 7 */ {CALL, 0, 0, 0, 3},
    /* 8 */ {POP, 3, 0, 0, 0},
    /* 9 */ {PUSH, 1, 0, 0, 0},
    /* 10 */ {ADDI, 1, 3, 0, -2},
    /* 11 */ {CALL, 0, 0, 0, 3},
    /* 12 */ {POP, 3, 0, 0, 0},
    /* 13 */ {ADD, 1, 1, 3, 0},
    /* 14 */ {RET, 0, 0, 0, 0},
};

static uint32_t *cell(struct machine *m, uint32_t address) {
    if (address >= m->memory_len) __builtin_trap();
    return &m->memory[address];
}

static void push(struct machine *m, uint32_t value) {
    if (m->sp == STACK) __builtin_trap();
    m->stack[m->sp++] = value;
}

static uint32_t pop(struct machine *m) {
    if (m->sp == 0) __builtin_trap();
    return m->stack[--m->sp];
}

__attribute__((noinline)) static void execute(struct machine *m, const struct insn *code) {
    uint32_t *r = m->r, pc = 0;
    for (;;) {
        const struct insn *i = &code[pc++];
        uint32_t imm = (uint32_t)i->imm;
        m->steps++;
        switch ((enum op)i->op) {
        case HALT: return;
        case SET: r[i->a] = imm; break;
        case MOVE: r[i->a] = r[i->b]; break;
        case ADD: r[i->a] = r[i->b] + r[i->c]; break;
        case SUB: r[i->a] = r[i->b] - r[i->c]; break;
        case MUL: r[i->a] = r[i->b] * r[i->c]; break;
        case DIV: r[i->a] = r[i->c] == 0 ? 0 : r[i->b] / r[i->c]; break;
        case REM: r[i->a] = r[i->c] == 0 ? 0 : r[i->b] % r[i->c]; break;
        case AND: r[i->a] = r[i->b] & r[i->c]; break;
        case OR: r[i->a] = r[i->b] | r[i->c]; break;
        case XOR: r[i->a] = r[i->b] ^ r[i->c]; break;
        case SHL: r[i->a] = r[i->b] << (r[i->c] & 31); break;
        case SHR: r[i->a] = r[i->b] >> (r[i->c] & 31); break;
        case ADDI: r[i->a] = r[i->b] + imm; break;
        case ANDI: r[i->a] = r[i->b] & imm; break;
        case SHRI: r[i->a] = r[i->b] >> (imm & 31); break;
        case MULI: r[i->a] = r[i->b] * imm; break;
        case LOAD: r[i->a] = *cell(m, r[i->b] + imm); break;
        case STORE: *cell(m, r[i->b] + imm) = r[i->a]; break;
        case JUMP: pc = imm; break;
        case JZ: if (r[i->a] == 0) pc = imm; break;
        case JNZ: if (r[i->a] != 0) pc = imm; break;
        case JLT: if (r[i->a] < r[i->b]) pc = imm; break;
        case JGE: if (r[i->a] >= r[i->b]) pc = imm; break;
        case CALL: push(m, pc); pc = imm; break;
        case RET: pc = pop(m); break;
        case PUSH: push(m, r[i->a]); break;
        case POP: r[i->a] = pop(m); break;
        case EMIT: m->sum = mix(m->sum, r[i->a]); break;
        default: __builtin_trap();
        }
    }
}

static uint32_t collatz_steps, prime_count, fibonacci_value, arithmetic_value;
static uint64_t steps;

static uint32_t work(uint32_t size) {
    static struct machine m;
    memset(&m, 0, sizeof m);
    m.memory_len = size;
    m.memory = need(size, sizeof *m.memory);
    m.sum = size;
    m.r[0] = size;
    execute(&m, collatz);
    collatz_steps = m.r[1];
    execute(&m, primes);
    prime_count = m.r[1];
    execute(&m, arithmetic);
    arithmetic_value = m.r[6];
    /* The recursion grows with the logarithm of the size. */
    m.r[1] = 6;
    for (uint32_t n = size; n > 1; n >>= 1) m.r[1]++;
    execute(&m, fibonacci);
    fibonacci_value = m.r[1];
    steps = m.steps;
    free(m.memory);
    return mix64(m.sum, steps);
}

static void report(void) {
    line_dec("collatz", collatz_steps);
    line_dec("primes", prime_count);
    line_dec("arithmetic", arithmetic_value);
    line_dec("fibonacci", fibonacci_value);
    line_dec("steps", steps);
}
