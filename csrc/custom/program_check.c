/* program_check.c: opcode names, and the check that a program stays within its slots. */
#include "custom/program.h"

#include <string.h>

static const char *const fl_names[FL_OPCODE_COUNT] = {
#define FL_OPCODE(name, form, expression) #name "_" #form,
#define FL_OPCODE_MATH FL_OPCODE
#define FL_OPCODE_WHOLE(name, form) #name "_" #form,
#include "custom/opcodes.h"
};

const char *fl_opcode_name(int opcode) {
  return opcode >= 0 && opcode < FL_OPCODE_COUNT ? fl_names[opcode] : NULL;
}

static bool fl_instruction_is_valid(const fl_program *program,
                                    const fl_instruction *step) {
  const int slots = program->inputs + 3 + program->registers;
  const char *name = fl_opcode_name(step->opcode);
  if (!name || step->target < program->inputs || step->target >= slots) return false;
  if (step->last && (unsigned)(step->target - program->inputs) - 1 > 1) return false;
  const char *form = strrchr(name, '_') + 1;
  for (int k = 0; form[k]; k++) {
    const int limit = form[k] == 'k' ? program->constants : slots;
    if (step->operands[k] >= limit) return false;
  }
  return true;
}

bool fl_program_is_valid(const fl_program *program) {
  if (program->inputs < 2 || program->inputs > FL_MAX_INPUTS) return false;
  if (program->registers < 0 || program->registers > FL_MAX_REGISTERS) return false;
  if (program->setup < 0 || program->setup > program->length) return false;
  for (int32_t i = 0; i < program->length; i++)
    if (!fl_instruction_is_valid(program, &program->code[i])) return false;
  return true;
}
