/* table.c: every kernel of one instruction set and dtype, by registry number. */
#include "isa/isa.h"
#include "blocks/kernels.h"

extern const fl_block_tools FL_SYMBOL(block_tools);
extern const fl_io_tools FL_SYMBOL(io_tools);
extern const fl_loss_kernels FL_SYMBOL(programs);

#define FL_LOSS(name, family, kind, labels, predictions, parameters) \
  extern const fl_loss_kernels FL_SYMBOL(name);
#include "registry/losses.h"

static const fl_loss_kernels *const fl_losses[] = {
#define FL_LOSS(name, family, kind, labels, predictions, parameters) &FL_SYMBOL(name),
#include "registry/losses.h"
};

#define FL_TEXT(name) #name
#define FL_TEXT_OF(macro) FL_TEXT(macro)

const fl_kernel_table FL_SYMBOL(table) = {
    .isa = FL_TEXT_OF(FL_ISA),
    .tools = &FL_SYMBOL(block_tools),
    .io = &FL_SYMBOL(io_tools),
    .losses = fl_losses,
    .programs = &FL_SYMBOL(programs),
};
