/* abi.h: what XLA hands to a custom call on CPU: the parts of the C ABI of its FFI
   (xla/ffi/api/c_api.h) that its versions 0.1 to 0.3 have alike. */
#ifndef FL_XLA_ABI_H
#define FL_XLA_ABI_H

#include <stddef.h>
#include <stdint.h>

/* The version that XLA is told: it calls handlers of older ones as they expect. */
enum { FL_XLA_MAJOR = 0, FL_XLA_MINOR = 1 };

typedef struct fl_xla_extension {
  size_t struct_size;
  int type;
  struct fl_xla_extension *next;
} fl_xla_extension;

typedef struct {
  size_t struct_size;
  fl_xla_extension *extension;
  int major, minor;
} fl_xla_version;

/* A call with this extension asks who is called, and nothing else. */
enum { FL_XLA_METADATA = 1 };

typedef struct {
  size_t struct_size;
  fl_xla_version version;
  uint32_t traits;
} fl_xla_metadata;

typedef struct {
  fl_xla_extension base;
  fl_xla_metadata *metadata;
} fl_xla_question;

enum {
  FL_XLA_INVALID_ARGUMENT = 3,
  FL_XLA_RESOURCE_EXHAUSTED = 8,
  FL_XLA_INTERNAL = 13
};

typedef struct {
  size_t struct_size;
  fl_xla_extension *extension;
  const char *message;
  int code;
} fl_xla_error;

typedef struct {
  size_t struct_size;
  fl_xla_extension *extension;
  fl_xla_version version;
  const void *internal;
  void *(*new_error)(fl_xla_error *);
} fl_xla_api; /* and more functions */

/* Dense, in C order. */
typedef struct {
  size_t struct_size;
  fl_xla_extension *extension;
  int dtype;
  char *data;
  int64_t rank;
  const int64_t *dims;
} fl_xla_buffer;

typedef struct {
  size_t struct_size;
  fl_xla_extension *extension;
  int64_t size;
  const int *types;
  const fl_xla_buffer **items;
} fl_xla_buffers;

typedef struct {
  const char *data;
  size_t length;
} fl_xla_text;

typedef struct {
  int dtype;
  size_t length;
  const void *data;
} fl_xla_array;

enum { FL_XLA_IS_ARRAY = 1, FL_XLA_IS_TEXT = 4 };

typedef struct {
  size_t struct_size;
  fl_xla_extension *extension;
  int64_t size;
  const int *types;
  const fl_xla_text **names;
  const void **items; /* an fl_xla_array, an fl_xla_text and so on, as the type says */
} fl_xla_attributes;

typedef struct {
  size_t struct_size;
  fl_xla_extension *extension;
  const fl_xla_api *api;
  void *context;
  int stage;
  fl_xla_buffers operands, results;
  fl_xla_attributes attributes;
} fl_xla_frame; /* and more */

#endif
