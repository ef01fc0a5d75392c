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

/* The first `setup` instructions fill registers with constants, once a block. */
typedef struct {
  int32_t inputs, registers, setup, length, constants;
  const fl_instruction *code;
  const double *constant;
} fl_program;

enum {
#define FL_OPCODE(name, form, expression) FL_OP_##name##_##form,
#define FL_OPCODE_MATH FL_OPCODE
#define FL_OPCODE_WHOLE(name, form) FL_OP_##name##_##form,
#include "custom/opcodes.h"
  FL_OPCODE_COUNT
};

/* "add_rk" and so on; NULL behind the last. */
const char *fl_opcode_name(int opcode);

/* Whether every opcode, slot and constant of the program exists. */
bool fl_program_is_valid(const fl_program *program);

#endif
