/* program_check.c: opcode names, and the check that a program stays within its slots. */
#include "custom/program.h"

#include <string.h>

static const char *const fl_names[FL_OPCODE_COUNT] = {
#define FL_OPCODE(name, form, expression) #name "_" #form,
#define FL_OPCODE_MATH FL_OPCODE
#define FL_OPCODE_WHOLE(name, form) #name "_" #form,
#define FL_OPCODE_ROW FL_OPCODE_WHOLE
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
  if (step->last && !program->stages
      && (unsigned)(step->target - program->inputs) - 1 > 1)
    return false;
  const char *form = strrchr(name, '_') + 1;
  for (int k = 0; form[k]; k++) {
    const int limit = form[k] == 'k' ? program->constants : slots;
    if (step->operands[k] >= limit) return false;
  }
  return true;
}

/* Only programs of rows make numbers of a row. In which order is for lower_rows. */
static bool fl_stages_are_valid(const fl_program *program) {
  int32_t last = program->setup;
  for (int32_t i = 0; i < program->length; i++)
    if (program->code[i].opcode >= FL_FIRST_ROW_OPCODE
        && (!program->stages || i < program->setup))
      return false;
  for (int32_t s = 0; s < program->stages; s++) {
    const fl_stage stage = program->stage[s];
    if (stage.row < last || stage.entry < stage.row || stage.reduction < stage.entry
        || stage.reduction - stage.entry > program->reductions)
      return false;
    last = stage.reduction;
  }
  const int32_t slots = program->inputs + 3 + program->registers;
  for (int k = 0; k < 2; k++)
    if (program->at_label[k] < 0 || program->at_label[k] >= slots) return false;
  const int32_t index = program->index - program->inputs - 3;
  if (program->index && (index < 0 || index >= program->kept)) return false;
  return !program->stages || last == program->length;
}

int64_t fl_program_scratch(const fl_program *program, int64_t classes, int64_t size) {
  const int64_t lanes = fl_row_lanes(classes), sums = program->reductions * lanes;
  const bool narrow = classes <= FL_NARROW;
  const int64_t total = narrow ? lanes * classes : classes;
  const int64_t whole = (narrow ? program->inputs + 2 : 0) + program->kept;
  const int64_t others = program->registers - program->kept + 1;
  return 2 * FL_ROUNDED(sums * (int64_t)sizeof(double)) + FL_ROUNDED(sums * size)
         + whole * FL_ROUNDED(total * size) + others * FL_ROUNDED(lanes * size);
}

bool fl_program_is_valid(const fl_program *program) {
  if (!fl_stages_are_valid(program)) return false;
  if (program->inputs < 2 || program->inputs > FL_MAX_INPUTS) return false;
  if (program->registers < 0 || program->registers > FL_MAX_REGISTERS) return false;
  if (program->setup < 0 || program->setup > program->length) return false;
  for (int32_t i = 0; i < program->length; i++)
    if (!fl_instruction_is_valid(program, &program->code[i])) return false;
  return true;
}
