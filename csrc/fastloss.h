/* fastloss.h: the public face of the C side. A job goes in, a result comes out; nothing
   here needs Python but the import at the end.

   Other extensions compile with the folder that fastloss.get_include() names, include
   this file behind Python.h, and call fl_import() once, with the GIL:

     const fl_api *fl = fl_import();
     if (!fl) return NULL;
     fl_job job = {.loss = fl->find("huber"), ...};
     fl->run(&job, &result);

   `run` needs no GIL, and may be called by several threads at once. */
#ifndef FASTLOSS_H
#define FASTLOSS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  FL_MAX_DIMS = 64,
  FL_MAX_INPUTS = 12, /* labels, predictions, and what is read besides */
  FL_MAX_HEADS = 3, /* predictions with derivatives of their own */
  FL_MAX_PARAMETERS = 8
};

/* FL_TYPE_SIGN is a boolean array read as -1 and +1. */
typedef enum {
  FL_TYPE_BOOL,
  FL_TYPE_SIGN,
  FL_TYPE_I8,
  FL_TYPE_I16,
  FL_TYPE_I32,
  FL_TYPE_I64,
  FL_TYPE_U8,
  FL_TYPE_U16,
  FL_TYPE_U32,
  FL_TYPE_U64,
  FL_TYPE_F32,
  FL_TYPE_F64
} fl_type;

typedef enum { FL_MEAN, FL_SUM, FL_NONE, FL_SUM_OVER_BATCH_SIZE } fl_reduction;
/* FL_HV: the Hessian of the reduced value times vectors. Of elements and rows alone. */
typedef enum { FL_V, FL_G, FL_VG, FL_GH, FL_HV, FL_OUTPUT_SETS } fl_output_set;
enum { FL_CUSTOM = -1 };

/* The first `ndim` axes of the job's shape; any strides, in bytes; any alignment.
   data == NULL: not given. */
typedef struct {
  void *data;
  fl_type type;
  bool swapped; /* not in the byte order of the machine */
  int ndim;
  const ptrdiff_t *strides;
} fl_array;

/* What rows of labels hold: label weights, their logarithms, or logits of them. */
typedef enum { FL_LABEL_WEIGHTS, FL_LABEL_LOGS, FL_LABEL_LOGITS } fl_label_form;

/* How the labels of rows become what they weigh, and logits x what kernels read of them:
   softcap tanh(x / softcap) / temperature, where 0 is no cap and no temperature. */
typedef struct {
  double smoothing; /* this part of a label is spread over all classes */
  const double *class_weight; /* one per class, or NULL */
  bool has_ignore;
  int64_t ignore_class; /* rows with this label weigh nothing */
  bool any_sum; /* rows of label weights need not sum to 1 */
  fl_label_form label_form;
  double temperature, softcap; /* the former divides logits of labels, too */
} fl_target_options;

/* Predictions, their derivatives and the labels of elements have all axes of `shape`. Of
   rows, the last axis is the classes: integer labels, weights and values have the
   leading axes alone. Of FL_HV the last inputs are vectors, one a head and like the
   predictions, and the products are stored in `grad`. */
typedef struct {
  int loss; /* registry number, or FL_CUSTOM with `program` */
  fl_type type; /* compute in FL_TYPE_F32 or FL_TYPE_F64 */
  fl_output_set outputs;
  fl_reduction reduction;
  int ndim;
  const int64_t *shape;
  int inputs, labels, heads; /* labels come first, then one prediction a head */
  fl_array in[FL_MAX_INPUTS]; /* so many of them */
  fl_array weight, value;
  fl_array grad[FL_MAX_HEADS], hess[FL_MAX_HEADS];
  const double *parameters; /* FL_MAX_PARAMETERS, in the order of the registry */
  const void *program;
  fl_target_options targets;
  int threads; /* at most so many, at least 1 */
  int (*poll)(void *); /* asked now and then on the calling thread; non-zero: stop */
  void *poll_argument;
} fl_job;

typedef enum {
  FL_OK,
  FL_BAD_INPUT, /* job->in[input] at index */
  FL_BAD_WEIGHTS, /* they sum to zero, but not all are */
  FL_CHANGED, /* a bad input that was gone on a second look */
  FL_STOPPED, /* poll said so */
  FL_NO_MEMORY,
  FL_BAD_LABEL_SUM, /* the row y_true[index] sums to `number` */
  FL_BAD_JOB /* something is missing or out of range, and nothing was read */
} fl_status;

typedef struct {
  double value;
  fl_status status;
  int input;
  int64_t index; /* of the offender, in C order */
  double number;
} fl_result;

/* The registry, by number: labels and predictions are lists of domains, "(a, b)". */
typedef struct {
  const char *name, *family, *kind, *labels, *predictions, *parameters;
} fl_loss_row;

/* Grows whenever something above or the table below is no longer what it was: an
   extension runs with the version that it was compiled with. */
enum { FL_API_VERSION = 1 };

typedef struct {
  int version;
  int (*find)(const char *loss); /* its registry number; -1: there is none */
  const fl_loss_row *(*row)(int loss); /* NULL: there is none */
  const char *(*domain)(int loss, int input); /* "must be ...", of labels first */
  int (*threads)(void); /* as OpenMP would use by itself */
  /* Reads what `job` points to until it returns: nobody may change shapes and strides.
     Fields that are 0 have their plain meaning: no weights, no options, no poll. */
  void (*run)(const fl_job *job, fl_result *result);
} fl_api;

#ifdef Py_PYTHON_H
/* The table; NULL with an exception set: ImportError. */
static inline const fl_api *fl_import(void) {
  const fl_api *api =
      (const fl_api *)PyCapsule_Import("fastloss.core._bridge.C_API", 0);
  if (!api || api->version == FL_API_VERSION) return api;
  PyErr_Format(PyExc_ImportError,
               "this extension was compiled with version %d of the C API of fastloss, "
               "and version %d is installed: compile it again",
               (int)FL_API_VERSION, api->version);
  return NULL;
}
#endif

#endif
