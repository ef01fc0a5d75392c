/* call.c: a custom call of XLA becomes a job, on XLA's own buffers. What it
   means stands in its attributes, as src/fastloss/jax/calls.py makes them:

     loss                its name in the registry
     label, prediction   what messages call them
     settings            integers, fl_xla_setting
     numbers             doubles: the parameters, smoothing, temperature, softcap
     class_weight, extra doubles and integers; may be missing

   Operands are labels, predictions, weights if there are any, and those parameters that
   are known at run time only; results are the value, the gradient, the Hessian, as the
   output set has them. Axes in front of those that a call has are vmap's: there an
   operand that does not vary has length 1. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bridge.h"
#include "xla/abi.h"

typedef enum {
  FL_XLA_OUTPUTS, /* fl_output_set */
  FL_XLA_REDUCTION, /* fl_reduction */
  FL_XLA_AXES, /* of the predictions */
  FL_XLA_SAMPLE_AXES, /* of the values; weights have leading ones of them */
  FL_XLA_WEIGHTED, /* 0 or 1 */
  FL_XLA_LATE, /* bit k: parameter k is an operand */
  FL_XLA_SIGN_LABELS, /* 0 or 1: booleans are -1 and +1 */
  FL_XLA_HAS_IGNORE, /* 0 or 1 */
  FL_XLA_IGNORE,
  FL_XLA_ANY_SUM, /* 0 or 1 */
  FL_XLA_LABEL_FORM, /* fl_label_form */
  FL_XLA_THREADS,
  FL_XLA_SETTINGS
} fl_xla_setting;

enum {
  FL_XLA_NUMBERS = FL_MAX_PARAMETERS + 3,
  FL_XLA_ARRAYS = 6, /* labels, predictions, weights, value, gradient, Hessian */
  FL_XLA_MESSAGE = 512
};

/* The job of a call, and where its arrays lie, whatever vmap's axes do. */
typedef struct {
  const fl_xla_frame *frame;
  const int64_t *settings;
  int batch_axes; /* vmap's */
  int64_t shape[FL_MAX_DIMS]; /* of the predictions, vmap's axes first */
  int arrays;
  fl_array *array[FL_XLA_ARRAYS]; /* of the job */
  char *data[FL_XLA_ARRAYS];
  ptrdiff_t strides[FL_XLA_ARRAYS][FL_MAX_DIMS];
  const fl_xla_buffer *total; /* takes the value, where that is one number */
  const fl_xla_buffer *late[FL_MAX_PARAMETERS];
  double parameters[FL_MAX_PARAMETERS];
  ptrdiff_t extra_stride;
  fl_job job;
} fl_xla_call;

static void *fl_xla_fail(const fl_xla_api *api, int code, const char *message) {
  fl_xla_error error = {sizeof(error), NULL, message, code};
  return api->new_error(&error);
}

/* Attributes. */

static const void *fl_xla_attribute(const fl_xla_frame *frame, const char *name,
                                    int type) {
  const fl_xla_attributes *all = &frame->attributes;
  for (int64_t k = 0; k < all->size; k++) {
    const fl_xla_text *known = all->names[k];
    if (all->types[k] == type && known->length == strlen(name)
        && memcmp(known->data, name, known->length) == 0)
      return all->items[k];
  }
  return NULL;
}

/* XLA's numbers of dtypes, or -1. */
static int fl_xla_type(int dtype) {
  static const int8_t types[] = {
      -1,          FL_TYPE_BOOL, FL_TYPE_I8,  FL_TYPE_I16, FL_TYPE_I32,
      FL_TYPE_I64, FL_TYPE_U8,   FL_TYPE_U16, FL_TYPE_U32, FL_TYPE_U64,
      -1,          FL_TYPE_F32,  FL_TYPE_F64,
  };
  return dtype >= 0 && dtype < (int)sizeof(types) ? types[dtype] : -1;
}

static const fl_xla_array *fl_xla_numbers(const fl_xla_frame *frame, const char *name,
                                          fl_type type) {
  const fl_xla_array *array = fl_xla_attribute(frame, name, FL_XLA_IS_ARRAY);
  return array && fl_xla_type(array->dtype) == (int)type ? array : NULL;
}

static int fl_xla_find(const fl_xla_frame *frame) {
  const fl_xla_text *name = fl_xla_attribute(frame, "loss", FL_XLA_IS_TEXT);
  for (int number = 0; name && number < fl_loss_count(); number++) {
    const char *known = fl_loss_at(number)->name;
    if (strlen(known) == name->length && memcmp(known, name->data, name->length) == 0)
      return number;
  }
  return FL_CUSTOM;
}

static fl_target_options fl_xla_targets(const fl_xla_frame *frame,
                                        const int64_t *settings,
                                        const double *numbers) {
  const fl_xla_array *weights = fl_xla_numbers(frame, "class_weight", FL_TYPE_F64);
  return (fl_target_options){
      .smoothing = numbers[FL_MAX_PARAMETERS],
      .class_weight = weights ? weights->data : NULL,
      .has_ignore = settings[FL_XLA_HAS_IGNORE] != 0,
      .ignore_class = settings[FL_XLA_IGNORE],
      .any_sum = settings[FL_XLA_ANY_SUM] != 0,
      .label_form = (fl_label_form)settings[FL_XLA_LABEL_FORM],
      .temperature = numbers[FL_MAX_PARAMETERS + 1],
      .softcap = numbers[FL_MAX_PARAMETERS + 2],
  };
}

/* Buffers. */

static ptrdiff_t fl_xla_width(fl_type type) {
  static const int8_t widths[] = {1, 1, 1, 2, 4, 8, 1, 2, 4, 8, 4, 8};
  return widths[type];
}

/* Gives an array of the job the next buffer; axes of length 1 stand still. */
static bool fl_xla_take(fl_xla_call *call, fl_array *array,
                        const fl_xla_buffer *buffer) {
  const int type = fl_xla_type(buffer->dtype);
  if (type < 0 || buffer->rank < call->batch_axes || buffer->rank > FL_MAX_DIMS)
    return false;
  ptrdiff_t *strides = call->strides[call->arrays];
  ptrdiff_t stride = fl_xla_width((fl_type)type);
  for (int64_t axis = buffer->rank - 1; axis >= 0; axis--) {
    strides[axis] = buffer->dims[axis] == 1 ? 0 : stride;
    stride *= buffer->dims[axis];
  }
  *array = (fl_array){buffer->data, (fl_type)type, false, (int)buffer->rank, strides};
  call->array[call->arrays] = array;
  call->data[call->arrays++] = buffer->data;
  return true;
}

static bool fl_xla_inputs(fl_xla_call *call) {
  const fl_xla_buffers *operands = &call->frame->operands;
  const int64_t *settings = call->settings;
  fl_job *job = &call->job;
  int64_t next = 2 + (settings[FL_XLA_WEIGHTED] != 0);
  for (int k = 0; k < FL_MAX_PARAMETERS; k++)
    if (settings[FL_XLA_LATE] >> k & 1) {
      if (next >= operands->size) return false;
      call->late[k] = operands->items[next++];
      if (fl_xla_type(call->late[k]->dtype) != (int)job->type) return false;
      if (call->late[k]->rank != call->batch_axes) return false;
    }
  if (next != operands->size) return false;
  for (int k = 0; k < 2; k++)
    if (!fl_xla_take(call, &job->in[k], operands->items[k])) return false;
  if (settings[FL_XLA_SIGN_LABELS] && job->in[0].type == FL_TYPE_BOOL)
    job->in[0].type = FL_TYPE_SIGN;
  if (!settings[FL_XLA_WEIGHTED]) return true;
  if (!fl_xla_take(call, &job->weight, operands->items[2])) return false;
  const int axes = call->batch_axes + (int)settings[FL_XLA_SAMPLE_AXES];
  ptrdiff_t *strides = call->strides[call->arrays - 1];
  while (job->weight.ndim < axes) strides[job->weight.ndim++] = 0;
  return true;
}

static bool fl_xla_outputs(fl_xla_call *call) {
  const fl_xla_buffers *results = &call->frame->results;
  fl_job *job = &call->job;
  fl_array *const arrays[FL_OUTPUT_SETS][2] = {
      [FL_V] = {&job->value},
      [FL_G] = {&job->grad[0]},
      [FL_VG] = {&job->value, &job->grad[0]},
      [FL_GH] = {&job->grad[0], &job->hess[0]}};
  for (int64_t k = 0; k < 2; k++) {
    fl_array *array = arrays[job->outputs][k];
    if ((array != NULL) != (k < results->size)) return false;
    if (!array) continue;
    if (array == &job->value && job->reduction != FL_NONE)
      call->total = results->items[k];
    else if (!fl_xla_take(call, array, results->items[k])) return false;
  }
  return results->size <= 2;
}

/* The axes of the predictions, those of vmap as they are in the result. */
static bool fl_xla_axes(fl_xla_call *call) {
  const fl_xla_buffer *predictions = call->frame->operands.items[1];
  const fl_xla_buffer *result = call->frame->results.items[0];
  const int64_t axes = call->settings[FL_XLA_AXES], batch = predictions->rank - axes;
  if (axes < 0 || batch < 0 || predictions->rank > FL_MAX_DIMS || result->rank < batch)
    return false;
  call->batch_axes = (int)batch;
  for (int64_t axis = 0; axis < predictions->rank; axis++)
    call->shape[axis] = (axis < batch ? result : predictions)->dims[axis];
  return true;
}

static bool fl_xla_job(fl_xla_call *call, const double *numbers) {
  const fl_xla_frame *frame = call->frame;
  const int64_t *settings = call->settings;
  const int type = fl_xla_type(frame->operands.items[1]->dtype);
  memcpy(call->parameters, numbers, sizeof(call->parameters));
  call->job = (fl_job){.loss = fl_xla_find(frame),
                       .type = (fl_type)type,
                       .outputs = (fl_output_set)settings[FL_XLA_OUTPUTS],
                       .reduction = (fl_reduction)settings[FL_XLA_REDUCTION],
                       .inputs = 2,
                       .labels = 1,
                       .heads = 1,
                       .parameters = call->parameters,
                       .targets = fl_xla_targets(frame, settings, numbers),
                       .threads = (int)settings[FL_XLA_THREADS]};
  const fl_xla_array *extra = fl_xla_numbers(frame, "extra", FL_TYPE_I64);
  call->extra_stride = sizeof(int64_t);
  if (extra)
    call->job.in[call->job.inputs++] =
        (fl_array){(void *)extra->data, FL_TYPE_I64, false, 1, &call->extra_stride};
  return call->job.loss != FL_CUSTOM && (type == FL_TYPE_F32 || type == FL_TYPE_F64);
}

/* Reads the frame; false: fastloss.jax makes no such call. */
static bool fl_xla_read(fl_xla_call *call, const fl_xla_frame *frame) {
  const fl_xla_array *settings = fl_xla_numbers(frame, "settings", FL_TYPE_I64);
  const fl_xla_array *numbers = fl_xla_numbers(frame, "numbers", FL_TYPE_F64);
  if (!settings || settings->length != FL_XLA_SETTINGS) return false;
  if (!numbers || numbers->length != FL_XLA_NUMBERS) return false;
  if (frame->operands.size < 2 || frame->results.size < 1) return false;
  call->frame = frame;
  call->settings = settings->data;
  if ((uint64_t)call->settings[FL_XLA_OUTPUTS] >= FL_OUTPUT_SETS) return false;
  if ((uint64_t)call->settings[FL_XLA_REDUCTION] > FL_SUM_OVER_BATCH_SIZE) return false;
  return fl_xla_axes(call) && fl_xla_job(call, numbers->data) && fl_xla_inputs(call)
         && fl_xla_outputs(call);
}

/* Turns: the places on vmap's axes. */

/* Whether all turns are one job: samples stay apart, and all have the same options. */
static bool fl_xla_is_one_job(const fl_xla_call *call) {
  bool alike = call->job.reduction == FL_NONE && call->job.inputs == 2;
  for (int k = 0; k < FL_MAX_PARAMETERS; k++)
    for (int axis = 0; call->late[k] && axis < call->batch_axes; axis++)
      alike = alike && call->late[k]->dims[axis] == 1;
  return alike;
}

/* The indices of a position in C order. */
static void fl_xla_unravel(int64_t position, const int64_t *shape, int axes,
                           int64_t *at) {
  for (int axis = axes - 1; axis >= 0; axis--) {
    at[axis] = position % shape[axis];
    position /= shape[axis];
  }
}

static double fl_xla_number(const fl_xla_buffer *buffer, const int64_t *at) {
  int64_t place = 0;
  for (int64_t axis = 0; axis < buffer->rank; axis++)
    place = place * buffer->dims[axis] + (buffer->dims[axis] == 1 ? 0 : at[axis]);
  if (fl_xla_type(buffer->dtype) == FL_TYPE_F32) return ((float *)buffer->data)[place];
  return ((double *)buffer->data)[place];
}

/* Sets the job to the turn `at` of the first `axes` axes. */
static void fl_xla_turn(fl_xla_call *call, int axes, const int64_t *at) {
  for (int k = 0; k < call->arrays; k++) {
    ptrdiff_t offset = 0;
    for (int axis = 0; axis < axes; axis++) offset += at[axis] * call->strides[k][axis];
    call->array[k]->data = call->data[k] + offset;
  }
  for (int k = 0; k < FL_MAX_PARAMETERS; k++)
    if (call->late[k]) call->parameters[k] = fl_xla_number(call->late[k], at);
}

static void fl_xla_store(const fl_xla_buffer *total, int64_t turn, double value) {
  if (fl_xla_type(total->dtype) == FL_TYPE_F32)
    ((float *)total->data)[turn] = (float)value;
  else ((double *)total->data)[turn] = value;
}

/* Messages. */

static void fl_xla_print_number(const fl_array *array, const char *data, char *text,
                                size_t room) {
  long long integer = 0;
  switch (array->type) {
    case FL_TYPE_F32:
      snprintf(text, room, "%.7g", (double)*(const float *)data);
      return;
    case FL_TYPE_F64: snprintf(text, room, "%.7g", *(const double *)data); return;
    case FL_TYPE_I8: integer = *(const int8_t *)data; break;
    case FL_TYPE_I16: integer = *(const int16_t *)data; break;
    case FL_TYPE_I32: integer = *(const int32_t *)data; break;
    case FL_TYPE_U16: integer = *(const uint16_t *)data; break;
    case FL_TYPE_U32: integer = *(const uint32_t *)data; break;
    case FL_TYPE_I64:
    case FL_TYPE_U64: integer = *(const int64_t *)data; break;
    default: integer = *(const uint8_t *)data;
  }
  snprintf(text, room, "%lld", integer);
}

/* "[0, 3]" of the turn and the position of an item or a number in it. */
static void fl_xla_print_place(const int64_t *at, int axes, char *text, size_t room) {
  size_t used = 0;
  for (int axis = 0; axis < axes && used < room; axis++) {
    const char *format = axis ? ", %" PRId64 : "[%" PRId64;
    used += (size_t)snprintf(text + used, room - used, format, at[axis]);
  }
  if (axes && used < room) snprintf(text + used, room - used, "]");
}

static void fl_xla_print_text(const fl_xla_call *call, const char *attribute,
                              char *text, size_t room) {
  const fl_xla_text *given = fl_xla_attribute(call->frame, attribute, FL_XLA_IS_TEXT);
  snprintf(text, room, "%.*s", given ? (int)given->length : 0,
           given ? given->data : "");
}

static void *fl_xla_bad_input(const fl_xla_call *call, const fl_result *found,
                              int64_t *at, int turn_axes) {
  const fl_xla_api *api = call->frame->api;
  const fl_job *job = &call->job;
  const fl_array *array = &job->in[found->input];
  char name[64], place[128] = "", number[32], expected[160], text[FL_XLA_MESSAGE];
  fl_xla_unravel(found->index, job->shape, array->ndim, at + turn_axes);
  ptrdiff_t offset = 0;
  for (int axis = 0; axis < array->ndim; axis++)
    offset += at[turn_axes + axis] * array->strides[axis];
  fl_xla_print_text(call, found->input ? "prediction" : "label", name, sizeof(name));
  fl_xla_print_place(at, turn_axes + array->ndim, place, sizeof(place));
  fl_xla_print_number(array, (char *)array->data + offset, number, sizeof(number));
  const char *message = fl_api_table.domain(job->loss, found->input);
  const char *hole = strstr(message, "{classes}");
  if (hole)
    snprintf(expected, sizeof(expected), "%.*s%" PRId64 "%s", (int)(hole - message),
             message, job->shape[job->ndim - 1], hole + strlen("{classes}"));
  else snprintf(expected, sizeof(expected), "%s", message);
  snprintf(text, sizeof(text), "%s%s = %s %s", name, place, number, expected);
  return fl_xla_fail(api, FL_XLA_INVALID_ARGUMENT, text);
}

static void *fl_xla_bad_sum(const fl_xla_call *call, const fl_result *found,
                            int64_t *at, int turn_axes) {
  char name[64], place[128] = "", text[FL_XLA_MESSAGE];
  const int axes = call->job.ndim - 1;
  fl_xla_unravel(found->index, call->job.shape, axes, at + turn_axes);
  fl_xla_print_text(call, "label", name, sizeof(name));
  fl_xla_print_place(at, turn_axes + axes, place, sizeof(place));
  snprintf(text, sizeof(text),
           "the row %s%s sums to %.7g, not to 1: for labels that are no distribution "
           "over the classes pass label_sum=\"any\"; for several yes-or-no labels a "
           "sample use a binary cross-entropy",
           name, place, found->number);
  return fl_xla_fail(call->frame->api, FL_XLA_INVALID_ARGUMENT, text);
}

static void *fl_xla_tell(const fl_xla_call *call, const fl_result *found, int64_t *at,
                         int turn_axes) {
  const fl_xla_api *api = call->frame->api;
  switch (found->status) {
    case FL_BAD_INPUT: return fl_xla_bad_input(call, found, at, turn_axes);
    case FL_BAD_LABEL_SUM: return fl_xla_bad_sum(call, found, at, turn_axes);
    case FL_BAD_WEIGHTS:
      return fl_xla_fail(
          api, FL_XLA_INVALID_ARGUMENT,
          "sample_weight sums to 0 although not all weights are 0: there "
          "is no mean; use reduction=\"sum\"");
    case FL_NO_MEMORY:
      return fl_xla_fail(api, FL_XLA_RESOURCE_EXHAUSTED, "no memory for a block");
    default: return fl_xla_fail(api, FL_XLA_INTERNAL, "the engine of fastloss stopped");
  }
}

static void *fl_xla_run(fl_xla_call *call) {
  fl_job *job = &call->job;
  const int axes = fl_xla_is_one_job(call) ? 0 : call->batch_axes;
  int64_t turns = 1, entries = 1, at[2 * FL_MAX_DIMS] = {0};
  for (int axis = 0; axis < axes; axis++) turns *= call->shape[axis];
  job->shape = call->shape + axes;
  job->ndim = call->batch_axes + (int)call->settings[FL_XLA_AXES] - axes;
  for (int axis = 0; axis < job->ndim; axis++) entries *= job->shape[axis];
  if (entries == 0) return NULL;
  for (int k = 0; k < call->arrays; k++) {
    call->array[k]->strides += axes;
    call->array[k]->ndim -= axes;
  }
  for (int64_t turn = 0; turn < turns; turn++) {
    fl_result found;
    fl_xla_unravel(turn, call->shape, axes, at);
    fl_xla_turn(call, axes, at);
    fl_run(job, &found);
    if (found.status != FL_OK) return fl_xla_tell(call, &found, at, axes);
    if (call->total) fl_xla_store(call->total, turn, found.value);
  }
  return NULL;
}

/* Whether the frame is laid out as abi.h has it. */
static bool fl_xla_is_known(const fl_xla_frame *frame) {
  return frame->struct_size >= sizeof(*frame)
         && frame->operands.struct_size == sizeof(frame->operands)
         && frame->results.struct_size == sizeof(frame->results)
         && frame->attributes.struct_size == sizeof(frame->attributes)
         && frame->api->version.major == FL_XLA_MAJOR;
}

void *fl_xla_handler(void *call_frame) {
  const fl_xla_frame *frame = call_frame;
  for (fl_xla_extension *e = frame->extension; e; e = e->next)
    if (e->type == FL_XLA_METADATA) {
      fl_xla_version *version = &((fl_xla_question *)e)->metadata->version;
      version->major = FL_XLA_MAJOR;
      version->minor = FL_XLA_MINOR;
      return NULL;
    }
  if (!fl_xla_is_known(frame))
    return fl_xla_fail(frame->api, FL_XLA_INTERNAL,
                       "this version of fastloss knows version 0 of XLA's FFI, and JAX "
                       "has another: install a newer fastloss");
  fl_xla_call call = {0};
  if (!fl_xla_read(&call, frame))
    return fl_xla_fail(frame->api, FL_XLA_INTERNAL,
                       "this version of fastloss does not know this call: if JAX keeps "
                       "compiled functions, empty its cache");
  return fl_xla_run(&call);
}
