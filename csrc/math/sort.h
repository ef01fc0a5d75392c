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

/* false: more than `moves` were not enough. */
static inline bool fl_insertion_sort(int64_t n, int64_t moves, fl_record *records) {
  for (int64_t i = 1; i < n && moves >= 0; i++) {
    const fl_record record = records[i];
    int64_t j = i;
    for (; j > 0 && record.key < records[j - 1].key; j--) records[j] = records[j - 1];
    records[j] = record;
    moves -= i - j;
  }
  return moves >= 0;
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

/* Digits from `first` on; returns which of the two pieces of memory the records are in. */
static inline fl_record *fl_sort_digits(int64_t n, int first, fl_record *records,
                                        fl_record *spare) {
  int64_t count[FL_BUCKETS];
  for (int digit = first; digit < FL_DIGITS; digit++)
    if (fl_sort_digit(n, digit, records, spare, count)) {
      fl_record *const sorted = spare;
      spare = records;
      records = sorted;
    }
  return records;
}

/* The upper 31 bits put nearly all in their places, and insertion the rest; where many
   agree in them, all bits do. Returns which of the two pieces of memory the records are
   in. */
static inline fl_record *fl_sort(int64_t n, fl_record *records, fl_record *spare) {
  enum { FEW = 32, UPPER = 3, MOVES = 4 };
  if (fl_is_sorted(n, records)) return records;
  fl_record *const upper = n < FEW ? records : fl_sort_digits(n, UPPER, records, spare);
  if (fl_insertion_sort(n, n < FEW ? n * n : MOVES * n, upper)) return upper;
  return fl_sort_digits(n, 0, upper, upper == records ? spare : records);
}

#endif
