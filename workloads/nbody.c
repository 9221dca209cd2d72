/* A star with planets and moons under gravity, by the leapfrog method: f64
 * arithmetic with square roots and divisions over small structures. The energy
 * is printed with printf's float formatting, the largest piece of C library code
 * in this folder.
 * Size: time steps. */
#define NAME "nbody"
#define TEST_SIZE 100
#define DEFAULT_SIZE 300000
#define MAX_SIZE 100000000
#include <math.h>

#include "workload.h"

enum { BODIES = 6 };

struct body {
    double position[3], velocity[3], mass;
};

static struct body bodies[BODIES];
static double energy_before, energy_after;

/* The star in the middle, the others on slightly tilted, roughly circular orbits. */
static void set_up(void) {
    static const double radius[BODIES] = {0, 1, 1.75, 3, 4.5, 7};
    static const double mass[BODIES] = {1000, 0.5, 1.25, 2, 0.25, 4};
    memset(bodies, 0, sizeof bodies);
    bodies[0].mass = mass[0];
    for (int i = 1; i < BODIES; i++) {
        struct body *b = &bodies[i];
        double speed = sqrt(mass[0] / radius[i]);
        /* (3/5, 4/5) turns each orbit's start away from its neighbour's. */
        b->mass = mass[i];
        b->position[0] = radius[i] * (i % 2 ? 0.6 : -0.8);
        b->position[1] = radius[i] * (i % 2 ? 0.8 : 0.6);
        b->velocity[0] = speed * (i % 2 ? -0.8 : -0.6);
        b->velocity[1] = speed * (i % 2 ? 0.6 : -0.8);
        b->velocity[2] = speed * i / 64;
        for (int axis = 0; axis < 3; axis++) {
            bodies[0].velocity[axis] -= b->velocity[axis] * b->mass / mass[0];
        }
    }
}

static double energy(void) {
    double total = 0;
    for (int i = 0; i < BODIES; i++) {
        const struct body *a = &bodies[i];
        double square = 0;
        for (int axis = 0; axis < 3; axis++) square += a->velocity[axis] * a->velocity[axis];
        total += 0.5 * a->mass * square;
        for (int j = i + 1; j < BODIES; j++) {
            double distance = 0;
            for (int axis = 0; axis < 3; axis++) {
                double d = a->position[axis] - bodies[j].position[axis];
                distance += d * d;
            }
            total -= a->mass * bodies[j].mass / sqrt(distance);
        }
    }
    return total;
}

static void drift(double time) {
    for (int i = 0; i < BODIES; i++) {
        for (int axis = 0; axis < 3; axis++) bodies[i].position[axis] += time * bodies[i].velocity[axis];
    }
}

static void kick(double time) {
    for (int i = 0; i < BODIES; i++) {
        struct body *a = &bodies[i];
        for (int j = i + 1; j < BODIES; j++) {
            struct body *b = &bodies[j];
            double dx = b->position[0] - a->position[0];
            double dy = b->position[1] - a->position[1];
            double dz = b->position[2] - a->position[2];
            double square = dx * dx + dy * dy + dz * dz;
            double pull = time / (square * sqrt(square));
            double on_a = pull * b->mass, on_b = pull * a->mass;
            a->velocity[0] += dx * on_a;
            a->velocity[1] += dy * on_a;
            a->velocity[2] += dz * on_a;
            b->velocity[0] -= dx * on_b;
            b->velocity[1] -= dy * on_b;
            b->velocity[2] -= dz * on_b;
        }
    }
}

static uint32_t work(uint32_t size) {
    const double step = 1.0 / 8192;
    uint32_t sum = size;
    set_up();
    energy_before = energy();
    for (uint32_t i = 0; i < size; i++) {
        drift(step / 2);
        kick(step);
        drift(step / 2);
    }
    energy_after = energy();
    for (int i = 0; i < BODIES; i++) {
        for (int axis = 0; axis < 3; axis++) {
            sum = mix_f64(mix_f64(sum, bodies[i].position[axis]), bodies[i].velocity[axis]);
        }
    }
    return mix_f64(sum, energy_after);
}

static void report(void) {
    printf("energy before %.9f\n", energy_before);
    printf("energy after %.9f\n", energy_after);
}
