/* program.h: the program of a custom loss, which program.c interprets. */
#ifndef FL_PROGRAM_H
#define FL_PROGRAM_H

#include "fastloss.h"

enum { FL_OPERANDS = 4, FL_MAX_REGISTERS = 128 };

/* Slots are numbered: the inputs, then value, gradient and Hessian, then scratch
   registers. An operand is a slot or the number of a constant, as the opcode's form
   says. `last`: the target is the gradient or the Hessian and is not read again, so it
   may be scaled at once. */
typedef struct {
  uint16_t opcode, target, last, operands[FL_OPERANDS];
} fl_instruction;

/* The steps of one look at the rows, by the ends of their instructions: on numbers of a
   row, on entries, and what reduces entries to numbers of a row. */
typedef struct {
  int32_t row, entry, reduction;
} fl_stage;

/* The first `setup` instructions fill registers with constants, once a block. A program
   of rows has stages; its first `kept` registers hold all entries, the others those of a piece,
   or numbers of rows, as the value is; at_label are registers
   with the derivatives of the entry of the class, index is one with the number of each
   entry in its row, or they are 0. `last` says of a number of a row
   that entries read it. */
typedef struct {
  int32_t inputs, registers, setup, length, constants;
  const fl_instruction *code;
  const double *constant;
  int32_t stages, kept, reductions, classes, at_label[2], index;
  const fl_stage *stage;
} fl_program;

enum {
#define FL_OPCODE(name, form, expression) FL_OP_##name##_##form,
#define FL_OPCODE_MATH FL_OPCODE
#define FL_OPCODE_WHOLE(name, form) FL_OP_##name##_##form,
#define FL_OPCODE_ROW FL_OPCODE_WHOLE
#include "custom/opcodes.h"
  FL_OPCODE_COUNT
};

/* Programs of rows: opcodes from here on make numbers of a row. */
enum { FL_FIRST_ROW_OPCODE = FL_OP_pick_r };

/* Rows of at most FL_NARROW entries are taken many at once, entry by entry, others one by
   one, a piece of them after the other. A number of a row has as many lanes as rows or
   entries are done at once. */
enum { FL_NARROW = 64, FL_NARROW_TILE = 4096, FL_ROW_LANES = 256, FL_ROW_PIECE = 512 };

static inline int64_t fl_row_lanes(int64_t classes) {
  const int64_t fitting = FL_NARROW_TILE / classes / 16 * 16;
  if (classes > FL_NARROW) return FL_ROW_PIECE;
  return fitting < FL_ROW_LANES ? fitting : FL_ROW_LANES;
}

/* In whole cache lines. */
#define FL_ROUNDED(bytes) (((int64_t)(bytes) + 63) / 64 * 64)

/* Bytes that a block of rows needs. */
int64_t fl_program_scratch(const fl_program *program, int64_t classes, int64_t size);

/* "add_rk" and so on; NULL behind the last. */
const char *fl_opcode_name(int opcode);

/* Whether every opcode, slot and constant of the program exists. */
bool fl_program_is_valid(const fl_program *program);

#endif
