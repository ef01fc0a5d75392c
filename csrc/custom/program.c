/* program.c: the block kernel of custom losses. It interprets a linear program: one
   vector loop per instruction over pieces of the block short enough that all registers
   stay in L1. Compiled per instruction set and dtype like a loss. */
#include "custom/program.h"

#include "blocks/results.h"
#include "custom/mixture.h"
#include "custom/remainders.h"
#include "custom/shares.h"
#include "custom/vecmath.h"
#include "math/transpose.h"

/* A piece: at most FL_PIECE elements, fewer where the scratch registers would take more
   than half of a 32 KiB L1, but always a multiple of FL_FOUR. */
enum {
  FL_PIECE = 512,
  FL_LEAST_PIECE = 64,
  FL_L1_SHARE = 16384 / sizeof(real),
  FL_SCRATCH = FL_MAX_REGISTERS * FL_LEAST_PIECE,
  FL_SLOTS = FL_MAX_INPUTS + 3 + FL_MAX_REGISTERS
};
_Static_assert(FL_SCRATCH >= FL_L1_SHARE, "scratch too small");

typedef struct {
  _Alignas(FL_LINE) real registers[FL_SCRATCH];
  _Alignas(FL_LINE) real buffer[3][FL_VALUES(FL_PIECE)];
} fl_element_scratch;

typedef void fl_block_fn(int64_t n, real *d, real *const *slot, const uint16_t *operand,
                         const double *constant, const fl_factor *factor);

#define FL_BLOCK_ARGUMENTS                                        \
  int64_t n, real *d, real *const *slot, const uint16_t *operand, \
      const double *constant, const fl_factor *factor

/* A register may be its own target: the elements are independent. Short bodies are
   worth unrolling. */
#define FL_EACH        \
  _Pragma("GCC ivdep") \
  for (int64_t i = 0; i < n; i++)
#define FL_EACH_SHORT     \
  _Pragma("GCC ivdep")    \
  _Pragma("GCC unroll 4") \
  for (int64_t i = 0; i < n; i++)

#define A (a[i])
#define B (b[i])
#define C (c[i])
#define D (e[i])
#define R0 const real *a = slot[operand[0]];
#define R1 const real *b = slot[operand[1]];
#define R2 const real *c = slot[operand[2]];
#define R3 const real *e = slot[operand[3]];
#define C0 const real K0 = (real)constant[operand[0]];
#define C1 const real K1 = (real)constant[operand[1]];
#define C2 const real K2 = (real)constant[operand[2]];
#define C3 const real K3 = (real)constant[operand[3]];
#define FL_FORM_k C0
#define FL_FORM_r R0
#define FL_FORM_rr R0 R1
#define FL_FORM_rk R0 C1
#define FL_FORM_kr C0 R1
#define FL_FORM_rrr R0 R1 R2
#define FL_FORM_rrk R0 R1 C2
#define FL_FORM_rkr R0 C1 R2
#define FL_FORM_krr C0 R1 R2
#define FL_FORM_krk C0 R1 C2
#define FL_FORM_rkk R0 C1 C2
#define FL_FORM_rrrr R0 R1 R2 R3
#define FL_FORM_rrrk R0 R1 R2 C3
#define FL_FORM_rrkr R0 R1 C2 R3
#define FL_FORM_rrkk R0 R1 C2 C3
#define FL_FORM_rkrr R0 C1 R2 R3
#define FL_FORM_rkrk R0 C1 R2 C3
#define FL_FORM_rkkr R0 C1 C2 R3
#define FL_FORM_rkkk R0 C1 C2 C3
#define FL_FORM_krrr C0 R1 R2 R3
#define FL_FORM_krrk C0 R1 R2 C3
#define FL_FORM_krkr C0 R1 C2 R3
#define FL_FORM_krkk C0 R1 C2 C3

/* Arguments by value: both are loaded, and no branch remains. */
FL_INLINE real fl_choose(bool condition, real a, real b) { return condition ? a : b; }

FL_INLINE real fl_both(real a, real b) { return (a != 0) & (b != 0) ? 1 : 0; }

FL_INLINE real fl_either(real a, real b) { return (a != 0) | (b != 0) ? 1 : 0; }

#define FL_DEFINE(name, form, each, result)            \
  static void fl_##name##_##form(FL_BLOCK_ARGUMENTS) { \
    (void)slot, (void)constant, (void)factor;          \
    FL_FORM_##form each d[i] = (result);               \
  }
#define FL_OPCODE(name, form, expression)                      \
  FL_DEFINE(op_##name, form, FL_EACH_SHORT, expression)        \
  FL_DEFINE(scaled_##name, form, const fl_factor by = *factor; \
            FL_EACH_SHORT, fl_times(expression, &by))
#define FL_OPCODE_MATH(name, form, expression) \
  FL_DEFINE(op_##name, form, FL_EACH, expression)
#define FL_OPCODE_WHOLE(name, form)
#define FL_OPCODE_ROW FL_OPCODE_WHOLE
#include "custom/opcodes.h"

/* k x^p. The exponents that losses have most often are products and roots; a factor of 0
   wins over an infinite power, as in the second derivative of x^1 at 0. */
static void fl_op_powers_rkk(FL_BLOCK_ARGUMENTS) {
  (void)factor;
  R0 const double p = constant[operand[1]];
  const real k = (real)constant[operand[2]];
  if (k == 0 || p == 0) FL_EACH d[i] = k;
  else if (p == 1) FL_EACH d[i] = k * A;
  else if (p == 2) FL_EACH d[i] = k * (A * A);
  else if (p == 3) FL_EACH d[i] = k * (A * A * A);
  else if (p == 4) FL_EACH d[i] = k * ((A * A) * (A * A));
  else if (p == -1) FL_EACH d[i] = k / A;
  else if (p == -2) FL_EACH d[i] = k / (A * A);
  else {
    /* An exponent GCC knows to be the same for all would turn selections into jumps. */
    double exponent[FL_PIECE];
    for (int64_t i = 0; i < n; i++) exponent[i] = p;
    FL_EACH d[i] = k * (real)fl_d_power(A, exponent[i]);
  }
}

/* sigmoid(x)^p, of which the same holds. */
static void fl_op_sigmoid_power_t_rkr(FL_BLOCK_ARGUMENTS) {
  (void)factor;
  R0 R2 const real p = (real)constant[operand[1]];
  if (p == 0) FL_EACH d[i] = 1;
  else if (p == 1) FL_EACH d[i] = fl_sigmoid(A, C);
  else if (p == 2) FL_EACH {
      const real s = fl_sigmoid(A, C);
      d[i] = s * s;
    }
  else FL_EACH d[i] = fl_sigmoid_power(A, p, C);
}

/* Beyond the range of the reduction the C library's functions take over. */
static void fl_trig(int64_t n, const real *a, real *d, uint64_t quarter) {
  real beyond[FL_PIECE];
  fl_int any = 0;
  FL_EACH {
    const real x = A;
    const bool usual = fl_abs(x) <= (real)FL_TRIG_LIMIT;
    beyond[i] = x;
    any |= !usual;
    d[i] = (real)fl_d_trig(usual ? x : 0, quarter);
  }
  if (!any) return;
  for (int64_t i = 0; i < n; i++) {
    const double x = beyond[i];
    if (!(fl_d_abs(x) <= FL_TRIG_LIMIT)) d[i] = (real)(quarter ? cos(x) : sin(x));
  }
}

static void fl_op_sin_r(FL_BLOCK_ARGUMENTS) {
  (void)constant, (void)factor;
  fl_trig(n, slot[operand[0]], d, 0);
}

static void fl_op_cos_r(FL_BLOCK_ARGUMENTS) {
  (void)constant, (void)factor;
  fl_trig(n, slot[operand[0]], d, 1);
}

static fl_block_fn *const fl_ops[FL_OPCODE_COUNT] = {
#define FL_OPCODE(name, form, expression) fl_op_##name##_##form,
#define FL_OPCODE_MATH FL_OPCODE
#define FL_OPCODE_WHOLE(name, form) fl_op_##name##_##form,
#define FL_OPCODE_ROW(name, form) 0,
#include "custom/opcodes.h"
};

/* The same, and times a factor; NULL where there is none. */
static fl_block_fn *const fl_scaled_ops[FL_OPCODE_COUNT] = {
#define FL_OPCODE(name, form, expression) fl_scaled_##name##_##form,
#define FL_OPCODE_MATH(name, form, expression) 0,
#define FL_OPCODE_WHOLE(name, form) 0,
#define FL_OPCODE_ROW FL_OPCODE_WHOLE
#include "custom/opcodes.h"
};

static int64_t fl_piece_length(int32_t registers) {
  int64_t length = FL_PIECE;
  while (length > FL_LEAST_PIECE && length * registers > FL_L1_SHARE)
    length -= FL_LEAST_PIECE;
  return length;
}

/* factor is NULL if derivatives are scaled later. */
static void fl_steps(const fl_program *program, int32_t first, int32_t end, int64_t n,
                     real *const *slot, const fl_factor *factor) {
  for (int32_t i = first; i < end; i++) {
    const fl_instruction *step = &program->code[i];
    fl_block_fn *scaled = factor && step->last ? fl_scaled_ops[step->opcode] : 0;
    (scaled ? scaled : fl_ops[step->opcode])(n, slot[step->target], slot,
                                             step->operands, program->constant, factor);
  }
}

/* Whether fl_steps scales the output in this slot. */
static bool fl_scales(const fl_program *program, int32_t slot) {
  for (int32_t i = program->setup; i < program->length; i++)
    if (program->code[i].target == slot && program->code[i].last)
      return fl_scaled_ops[program->code[i].opcode] != 0;
  return false;
}

static void fl_finish_output(int64_t n, fl_weights w, double scale, bool stream,
                             real *z, real *out) {
  fl_scale(n, z, w, scale, stream ? z : out);
  if (stream) fl_stream(n, z, out);
}

FL_INLINE int fl_run_program(int want, const fl_element_block *block) {
  const fl_program *program = block->parameters;
  const bool stream = block->stream, sums = want & FL_WANT_VALUE && block->lanes;
  const int32_t inputs = program->inputs;
  const int64_t piece = fl_piece_length(program->registers);
  const int64_t skew =
      fl_skew(block->n, want & FL_WANT_GRAD ? block->g[0] : block->in[1]);
  const fl_factor factor = fl_factor_of(block->scale);
  fl_element_scratch *scratch = block->scratch;
  real(*const buffer)[FL_VALUES(FL_PIECE)] = scratch->buffer;
  real *slot[FL_SLOTS], *values = fl_values_at(skew, buffer[0]);
  real *const derivative[2] = {block->g[0], block->h[0]};
  const bool weighted = fl_has(block->weights);
  bool scaled[2];
  for (int k = 0; k < 2; k++)
    scaled[k] = !weighted && fl_scales(program, inputs + 1 + k);
  for (int32_t k = 0; k < program->registers; k++)
    slot[inputs + 3 + k] = scratch->registers + k * piece;
  fl_steps(program, 0, program->setup, piece, slot, 0);
  int64_t summed = 0;
  for (int64_t first = 0, n; first < block->n; first += n) {
    const int64_t left = block->n - first, whole = left < piece ? left : piece;
    n = first < skew ? skew : whole;
    const fl_weights w = fl_weights_at(block->weights, first);
    for (int32_t k = 0; k < inputs; k++) slot[k] = (real *)block->in[k] + first;
    slot[inputs] = sums ? values + (first - summed) : buffer[0];
    for (int k = 0; k < 2; k++)
      slot[inputs + 1 + k] =
          scaled[k] && !stream ? derivative[k] + first : buffer[1 + k];
    fl_steps(program, program->setup, program->length, n, slot, weighted ? 0 : &factor);
    if (sums)
      summed += fl_add_values(block, summed, first + n - summed, FL_PIECE, values);
    else if (want & FL_WANT_VALUE)
      fl_finish_output(n, w, 1, stream, slot[inputs], (real *)block->v + first);
    for (int k = 0; k < 2; k++) {
      if (!(want & (k ? FL_WANT_HESS : FL_WANT_GRAD))) continue;
      real *z = slot[inputs + 1 + k], *out = derivative[k] + first;
      if (!scaled[k]) fl_finish_output(n, w, block->scale, stream, z, out);
      else if (stream) fl_stream(n, z, out);
    }
  }
  if (stream) fl_stream_end();
  return 0;
}

#include "custom/rows.h"

#define FL_NAME programs
FL_KERNELS(fl_run_program, fl_element_block)
#undef FL_NAME
#define FL_NAME programs_of_rows
FL_KERNELS(fl_run_rows, fl_row_block)

const fl_loss_kernels FL_SYMBOL(programs) = {
    .elementwise = {fl_programs_value, fl_programs_grad, fl_programs_value_grad,
                    fl_programs_grad_hess},
    .rowwise = FL_KERNEL_SET,
    .scratch = sizeof(fl_element_scratch)};
