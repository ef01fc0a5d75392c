/* bridge.h: what the bridge asks for besides fastloss.h. */
#ifndef FL_BRIDGE_H
#define FL_BRIDGE_H

#include "fastloss.h"

extern const fl_api fl_api_table;

/* Once, before anything runs: watches for forks. false: no memory for that. */
bool fl_start(void);

/* Reads what `job` points to until it returns: nobody may change shapes and strides. */
void fl_run(const fl_job *job, fl_result *result);

/* What a value is made of: sum / divisor, each with what rounding took from it, of weights
   that were multiplied by `weigh`, a power of 2; any: some weight is not 0. */
typedef struct {
  double sum, sum_rest, divisor, divisor_rest, weigh;
  bool any;
} fl_parts;

/* The same, with parts in place of the value. Weights may sum to 0. */
void fl_run_parts(const fl_job *job, fl_result *result, fl_parts *parts);

/* One block of an element-wise loss, straight to the kernel: n <= fl_block_length()
   contiguous aligned elements of `type`, no weights; the value and the derivatives are
   divided by `divisor`. value, grad and hess may be NULL where `outputs` does not name
   them. Returns false if something is outside its domain (fl_run says what); then
   nothing is written. */
bool fl_run_small(int loss, fl_type type, int64_t n, const void *y_true,
                  const void *y_pred, const double *parameters, double divisor,
                  fl_output_set outputs, double *value, void *grad, void *hess);
int64_t fl_block_length(void);
int64_t fl_serial_entries(void); /* jobs of fewer entries use one thread */

/* A custom call of XLA: an XLA_FFI_CallFrame * to an XLA_FFI_Error *, NULL if none. */
void *fl_xla_handler(void *call_frame);

/* The registry, by number. */
int fl_loss_count(void);
const fl_loss_row *fl_loss_at(int number);

/* What is said of numbers outside a domain; NULL at the name behind the last. */
const char *fl_domain_name(int number);
const char *fl_domain_message(int number);

/* Instruction sets: fl_isa_at(0...) are those of this build; NULL ends them. */
const char *fl_isa_at(int number);
bool fl_isa_supported(const char *name);
const char *fl_isa_chosen(void);
bool fl_isa_choose(const char *name);

/* What the table of kernels that runs says it was compiled for. */
const char *fl_isa_of_kernels(fl_type type);

/* Threads OpenMP would use by itself, its name, and the compiler. */
int fl_default_threads(void);
const char *fl_openmp_name(void);
const char *fl_compiler_name(void);

#endif
