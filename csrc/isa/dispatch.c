/* dispatch.c: the registry as data, the tables of every instruction set, and the choice
   between them by what the CPU and the operating system support. */
#include <string.h>

#include "blocks/kernels.h"
#include "bridge.h"
#include "registry/enums.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

static const fl_loss_row fl_rows[] = {
#define FL_LOSS(name, family, kind, labels, predictions, parameters) \
  {#name, #family, #kind, #labels, #predictions, parameters},
#include "registry/losses.h"
};

static const struct {
  const char *name, *message;
} fl_domains[] = {
#define FL_DOMAIN(NAME, outside, bits, mask, message) {#NAME, message},
#include "registry/domains.h"
    {NULL, NULL}};

const char *fl_domain_name(int number) { return fl_domains[number].name; }
const char *fl_domain_message(int number) { return fl_domains[number].message; }

int fl_loss_count(void) { return (int)(sizeof fl_rows / sizeof *fl_rows); }
const fl_loss_row *fl_loss_at(int number) { return &fl_rows[number]; }

/* fl_table_<dtype>_<isa>, made by table.c. */
#define FL_DECLARE_TABLES(isa) \
  extern const fl_kernel_table fl_table_f32_##isa, fl_table_f64_##isa;

#if defined(__x86_64__)
FL_DECLARE_TABLES(baseline)
FL_DECLARE_TABLES(avx2)
FL_DECLARE_TABLES(avx512)

static uint64_t fl_enabled_state(void) {
  uint32_t low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t)high << 32 | low;
}

static bool fl_baseline(void) { return true; }

/* Intel SDM volume 1, sections 14.3 and 15.2: the CPU has the instructions, and the
   operating system saves the registers (XCR0 bits 1, 2 and, for AVX-512, 5 to 7). */
static bool fl_avx2(void) {
  uint32_t a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return false;
  if (!(c & bit_OSXSAVE) || !(c & bit_AVX) || !(c & bit_FMA)) return false;
  if ((fl_enabled_state() & 0x06) != 0x06) return false;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_AVX2);
}

static bool fl_avx512(void) {
  const uint32_t wanted = bit_AVX512F | bit_AVX512DQ | bit_AVX512BW | bit_AVX512VL;
  uint32_t a, b, c, d;
  if (!fl_avx2() || (fl_enabled_state() & 0xe6) != 0xe6) return false;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & wanted) == wanted;
}
#elif defined(__aarch64__)
FL_DECLARE_TABLES(neon)
static bool fl_neon(void) { return true; }
#else
FL_DECLARE_TABLES(baseline)
static bool fl_baseline(void) { return true; }
#endif

/* From the best to the one that always works. */
static const struct {
  const char *name;
  bool (*supported)(void);
  const fl_kernel_table *f32, *f64;
} fl_isas[] = {
#define FL_ISA_ROW(isa) {#isa, fl_##isa, &fl_table_f32_##isa, &fl_table_f64_##isa}
#if defined(__x86_64__)
    FL_ISA_ROW(avx512),
    FL_ISA_ROW(avx2),
    FL_ISA_ROW(baseline),
#elif defined(__aarch64__)
    FL_ISA_ROW(neon),
#else
    FL_ISA_ROW(baseline),
#endif
};

enum { FL_ISAS = sizeof fl_isas / sizeof fl_isas[0] };

static int fl_chosen = FL_ISAS - 1;

const char *fl_isa_at(int number) {
  return number < FL_ISAS ? fl_isas[number].name : NULL;
}

const char *fl_isa_chosen(void) { return fl_isas[fl_chosen].name; }

static int fl_isa_number(const char *name) {
  for (int i = 0; i < FL_ISAS; i++)
    if (strcmp(fl_isas[i].name, name) == 0) return i;
  return -1;
}

bool fl_isa_supported(const char *name) {
  const int number = fl_isa_number(name);
  return number >= 0 && fl_isas[number].supported();
}

bool fl_isa_choose(const char *name) {
  if (!fl_isa_supported(name)) return false;
  fl_chosen = fl_isa_number(name);
  return true;
}

const fl_kernel_table *fl_kernels(fl_type type) {
  return type == FL_TYPE_F32 ? fl_isas[fl_chosen].f32 : fl_isas[fl_chosen].f64;
}

const char *fl_isa_of_kernels(fl_type type) { return fl_kernels(type)->isa; }

const char *fl_openmp_name(void) {
#if defined(_OPENMP) && defined(__clang__)
  return "libomp";
#elif defined(_OPENMP)
  return "libgomp";
#else
  return "none";
#endif
}

const char *fl_compiler_name(void) { return FL_COMPILER; }
