/* Three sorts of the same numbers: quicksort (calls and swaps), heap sort
 * (scattered accesses) and the C library's qsort with a comparator (indirect
 * calls). All three must agree.
 * Size: how many numbers. */
#define NAME "sort"
#define TEST_SIZE 200
#define DEFAULT_SIZE 120000
#define MAX_SIZE 20000000
#include "workload.h"

static uint32_t unsorted, disagreements, smallest, largest;

static void swap(uint32_t *a, uint32_t *b) {
    uint32_t t = *a;
    *a = *b;
    *b = t;
}

static void insertion_sort(uint32_t *v, uint32_t n) {
    for (uint32_t i = 1; i < n; i++) {
        uint32_t x = v[i], j = i;
        for (; j > 0 && v[j - 1] > x; j--) v[j] = v[j - 1];
        v[j] = x;
    }
}

/* Median of three, Hoare's partition; recursion takes the smaller part, so the
 * depth is at most log2(n). */
static void quicksort(uint32_t *v, uint32_t n) {
    while (n > 12) {
        uint32_t *mid = &v[n / 2], *last = &v[n - 1];
        if (*mid < v[0]) swap(mid, v);
        if (*last < v[0]) swap(last, v);
        if (*last < *mid) swap(last, mid);
        uint32_t pivot = *mid;
        uint32_t i = 0, j = n - 1;
        for (;;) {
            while (v[i] < pivot) i++;
            while (v[j] > pivot) j--;
            if (i >= j) break;
            swap(&v[i++], &v[j--]);
        }
        uint32_t left = j + 1;
        if (left < n - left) {
            quicksort(v, left);
            v += left;
            n -= left;
        } else {
            quicksort(v + left, n - left);
            n = left;
        }
    }
    insertion_sort(v, n);
}

static void sift_down(uint32_t *v, uint32_t root, uint32_t n) {
    uint32_t x = v[root];
    for (;;) {
        uint32_t child = 2 * root + 1;
        if (child >= n) break;
        if (child + 1 < n && v[child + 1] > v[child]) child++;
        if (v[child] <= x) break;
        v[root] = v[child];
        root = child;
    }
    v[root] = x;
}

static void heap_sort(uint32_t *v, uint32_t n) {
    for (uint32_t i = n / 2; i-- > 0;) sift_down(v, i, n);
    for (uint32_t end = n; end-- > 1;) {
        swap(&v[0], &v[end]);
        sift_down(v, 0, end);
    }
}

static int compare(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static uint32_t work(uint32_t size) {
    uint32_t *by_quick = need(size, sizeof *by_quick);
    uint32_t *by_heap = need(size, sizeof *by_heap);
    uint32_t *by_library = need(size, sizeof *by_library);
    uint32_t seed = 2463534242u, sum = size;
    /* Every fourth number repeats a small one, so that equal keys occur. */
    for (uint32_t i = 0; i < size; i++) {
        uint32_t x = next_random(&seed);
        by_quick[i] = by_heap[i] = by_library[i] = i % 4 == 3 ? x & 255 : x;
    }
    quicksort(by_quick, size);
    heap_sort(by_heap, size);
    qsort(by_library, size, sizeof *by_library, compare);
    unsorted = disagreements = 0;
    smallest = by_quick[0];
    largest = by_quick[size - 1];
    for (uint32_t i = 0; i < size; i++) {
        unsorted += i > 0 && by_quick[i - 1] > by_quick[i];
        disagreements += by_quick[i] != by_heap[i] || by_quick[i] != by_library[i];
        sum = mix(sum, by_quick[i]);
    }
    free(by_quick);
    free(by_heap);
    free(by_library);
    return mix(mix(sum, unsorted), disagreements);
}

static void report(void) {
    line_dec("smallest", smallest);
    line_dec("largest", largest);
    line_dec("out of order", unsorted);
    line_dec("disagreements", disagreements);
}
