/* sort.h: entries in the order of numbers, stable: a radix sort of the bits of doubles
   (D. E. Knuth, The Art of Computer Programming 3, section 5.2.5). */
#ifndef FL_SORT_H
#define FL_SORT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef struct {
  uint64_t key;
  int64_t at;
} fl_record;

/* Unsigned integers in the order of numbers, -0 beside 0. */
static inline uint64_t fl_ascending(double x) {
  const uint64_t sign = (uint64_t)1 << 63;
  const double z = x + 0.0;
  uint64_t bits;
  memcpy(&bits, &z, sizeof bits);
  return bits & sign ? ~bits : bits | sign;
}

static inline uint64_t fl_descending(double x) { return ~fl_ascending(x); }

enum { FL_DIGIT = 11, FL_DIGITS = 6, FL_BUCKETS = 1 << FL_DIGIT };

static inline int64_t fl_digit(uint64_t key, int digit) {
  return (int64_t)(key >> (digit * FL_DIGIT) & (FL_BUCKETS - 1));
}

static inline bool fl_is_sorted(int64_t n, const fl_record *records) {
  int64_t falls = 0;
  for (int64_t i = 1; i < n; i++) falls += records[i].key < records[i - 1].key;
  return falls == 0;
}

static inline void fl_insertion_sort(int64_t n, fl_record *records) {
  for (int64_t i = 1; i < n; i++) {
    const fl_record record = records[i];
    int64_t j = i;
    for (; j > 0 && record.key < records[j - 1].key; j--) records[j] = records[j - 1];
    records[j] = record;
  }
}

/* One pass; false, and nothing moved, if all have the same digit. */
static inline bool fl_sort_digit(int64_t n, int digit, const fl_record *from,
                                 fl_record *to, int64_t *count) {
  memset(count, 0, FL_BUCKETS * sizeof *count);
  for (int64_t i = 0; i < n; i++) count[fl_digit(from[i].key, digit)]++;
  if (count[fl_digit(from[0].key, digit)] == n) return false;
  int64_t at = 0;
  for (int64_t b = 0; b < FL_BUCKETS; b++) {
    const int64_t here = count[b];
    count[b] = at;
    at += here;
  }
  for (int64_t i = 0; i < n; i++) to[count[fl_digit(from[i].key, digit)]++] = from[i];
  return true;
}

/* Returns which of the two pieces of memory the sorted records are in. */
static inline fl_record *fl_sort(int64_t n, fl_record *records, fl_record *spare) {
  enum { FEW = 32 };
  if (fl_is_sorted(n, records)) return records;
  if (n < FEW) {
    fl_insertion_sort(n, records);
    return records;
  }
  int64_t count[FL_BUCKETS];
  for (int digit = 0; digit < FL_DIGITS; digit++)
    if (fl_sort_digit(n, digit, records, spare, count)) {
      fl_record *const sorted = spare;
      spare = records;
      records = sorted;
    }
  return records;
}

#endif
