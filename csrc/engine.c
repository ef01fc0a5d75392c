/* engine.c: a job cut into blocks, the blocks given to threads, their sums added in an
   order that depends on nothing but the size. The only file that knows OpenMP. */
#define _DEFAULT_SOURCE /* mincore */
#include "engine.h"

#include <string.h>
#include <time.h>

#ifdef _OPENMP
#include <omp.h>
#endif
#if defined(_OPENMP) && !defined(_WIN32)
#include <pthread.h>
#endif
#if !defined(_WIN32)
#include <sys/mman.h>
#include <unistd.h>
#endif

/* A chunk of items, the unit of work of a thread, has a sum of its own. It costs some
   80 ns: at least so many entries, more of them where FL_MANY_CHUNKS are there for the
   threads, and few enough chunks for a table of their sums on the stack. */
enum { FL_CHUNK_ENTRIES = 8192, FL_LONG_CHUNK = 32768 };
enum { FL_MANY_CHUNKS = 64, FL_MAX_CHUNKS = 4096 };

/* Entries in a block of rows. */
enum { FL_ROW_ENTRIES = 32768 };

/* Where rows are so wide that few or one make a chunk, the sums of chunks are added up
   over segments of so many rows first. */
enum { FL_SEGMENT = 256 };

/* Threads a job may have. */
enum { FL_MAX_TEAM = 256 };

/* Below this many entries a thread the team costs more than it brings; one entry picked
   out of a row costs as much as some in a row. */
enum { FL_ENTRIES_PER_THREAD = 12288, FL_PICKED = 32 };

/* Derivatives larger than this do not stay in a last-level cache anyway; but the pages
   of a new array have just been zeroed there, where plain stores find them. */
enum { FL_STREAM_BYTES = 28 << 20 };

/* A call asks `poll` at most this often, and the time after so many entries: it costs as
   much as some rows. */
static const double fl_poll_seconds = 0.1;
enum { FL_ENTRIES_PER_ASK = 1 << 20 };

/* Set in a child of fork: libgomp's threads are gone there and waiting for them would
   never end. */
static volatile bool fl_forked = false;

#if defined(_OPENMP) && !defined(_WIN32)
static volatile bool fl_used_openmp = false;
static pthread_once_t fl_fork_once = PTHREAD_ONCE_INIT;
static void fl_after_fork(void) { fl_forked = fl_used_openmp; }
static void fl_watch_fork(void) { pthread_atfork(NULL, NULL, fl_after_fork); }
#endif

int fl_default_threads(void) {
#ifdef _OPENMP
  return omp_get_max_threads();
#else
  return 1;
#endif
}

static int64_t fl_ratio_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

static int fl_team_size(const fl_job *job, int64_t entries, int64_t turns) {
  int64_t threads = entries / FL_ENTRIES_PER_THREAD;
  if (threads > turns) threads = turns;
  if (threads > job->threads) threads = job->threads;
  if (threads > FL_MAX_TEAM) threads = FL_MAX_TEAM;
  if (threads < 2 || fl_forked) return 1;
#ifdef _OPENMP
  if (omp_in_parallel()) return 1;
  return (int)threads;
#else
  return 1;
#endif
}

bool fl_find_outside(fl_progress *progress, fl_status status, fl_domain domain,
                     int64_t first, int64_t n, fl_type type, const void *numbers) {
  for (int64_t i = 0; i < n; i++) {
    const double z = type == FL_TYPE_F32 ? (double)((const float *)numbers)[i]
                                         : ((const double *)numbers)[i];
    const bool outside = domain == FL_UNIT   ? z < 0 || z > 1
                         : domain == FL_SIGN ? z == z && z != 1 && z != -1
                                             : false;
    if (outside) {
      progress->error =
          (fl_result){.status = status, .index = first + i, .number = z};
      return true;
    }
  }
  return false;
}

/* The value of a sparse loss on probabilities reads one entry a row. */
static bool fl_picks(const fl_plan *plan) {
  return plan->kind == FL_SPARSE && plan->predictions == FL_UNIT
         && plan->want == FL_WANT_VALUE;
}

/* What a job costs, in entries read one after the other: each that is picked is a line. */
static int64_t fl_work(const fl_plan *plan) {
  const int64_t entries = plan->classes < FL_PICKED ? plan->classes : FL_PICKED;
  return plan->items * (fl_picks(plan) ? entries : plan->classes);
}

typedef bool fl_block_fn(const fl_plan *plan, int64_t first, int64_t n,
                         fl_progress *progress, bool *any);

/* A pass over all items: what to do with a block, and what came of it. */
typedef struct {
  const fl_plan *plan;
  fl_block_fn *block;
  int64_t chunk;    /* items with a sum of their own */
  int64_t segment;  /* chunks in a segment */
  int64_t together; /* chunks that are one block: a segment, or 1 */
  int64_t turns;    /* what threads take: chunks, or those together */
  fl_sum *sums;     /* one per turn */
  fl_result error;  /* of the lowest turn that had one */
  int64_t error_turn;
  bool any, stop;
} fl_pass;

static void fl_add_sum(double *hi, double *lo, fl_sum sum) {
  *lo += sum.lo;
  fl_two_sum(hi, lo, sum.hi);
}

/* Few in their order, many in lanes: a chain of a thousand takes a microsecond. */
static fl_sum fl_segment_sum(int64_t n, const fl_sum *sums) {
  fl_sum total = sums[0];
  if (n < FL_LANES) {
    for (int64_t c = 1; c < n; c++) fl_add_sum(&total.hi, &total.lo, sums[c]);
    return total;
  }
  fl_lanes lanes = {{0}, {0}};
  for (int64_t c = 0; c < n; c += FL_LANES) {
    const int64_t left = n - c, width = left < FL_LANES ? left : FL_LANES;
    for (int64_t j = 0; j < width; j++)
      fl_add_sum(&lanes.hi[j], &lanes.lo[j], sums[c + j]);
  }
  return fl_lanes_total(&lanes);
}

/* Chunks one by one make segments; those together already are. */
static fl_sum fl_total(const fl_pass *pass) {
  const int64_t length = pass->together > 1 ? 1 : pass->segment;
  fl_sum total = {0, 0};
  for (int64_t t = 0; t < pass->turns; t += length) {
    const int64_t left = pass->turns - t;
    const fl_sum *sums = pass->sums + t;
    fl_add_sum(&total.hi, &total.lo,
               fl_segment_sum(left < length ? left : length, sums));
  }
  return total;
}

static void fl_run_turn(fl_pass *pass, int64_t number) {
  const fl_plan *plan = pass->plan;
  const int64_t length = pass->together * pass->chunk, start = number * length;
  const int64_t end = start + length < plan->items ? start + length : plan->items;
  const int64_t block = plan->direct || pass->together > 1 ? length : plan->block;
  fl_sum sums[FL_SEGMENT];
  if (pass->together > 1) memset(sums, 0, sizeof sums);
  fl_progress progress = {.chunk = pass->chunk,
                          .sums = pass->together > 1 ? sums : NULL};
  bool any = false;
  for (int64_t first = start; first < end; first += block) {
    const int64_t n = end - first < block ? end - first : block;
    if (!pass->block(plan, first, n, &progress, &any)) {
#ifdef _OPENMP
#pragma omp critical(fl_error)
#endif
      if (number < pass->error_turn) {
        pass->error = progress.error;
        pass->error_turn = number;
      }
      return;
    }
  }
  const int64_t chunks = fl_ratio_up(end - start, pass->chunk);
  pass->sums[number] = pass->together > 1 ? fl_segment_sum(chunks, sums)
                                          : fl_chunk_sum(&progress.lanes, end - start);
  if (any) pass->any = true;
}

static double fl_now(void) {
  struct timespec now;
  timespec_get(&now, TIME_UTC);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void fl_ask(fl_pass *pass, int64_t number, double *last) {
  const fl_job *job = pass->plan->job;
  const int64_t entries = fl_work(pass->plan) / pass->turns;
  if (number % (1 + FL_ENTRIES_PER_ASK / (entries + 1))) return;
  const double now = fl_now();
  if (!job->poll || now - *last < fl_poll_seconds) return;
  *last = now;
  if (job->poll(job->poll_argument)) pass->stop = true;
}

static void fl_run_serial(fl_pass *pass) {
  double last = pass->turns > 1 ? fl_now() : 0;
  for (int64_t t = 0; t < pass->turns && !pass->stop; t++) {
    if (t > pass->error_turn) return;
    fl_run_turn(pass, t);
    if (pass->turns > 1) fl_ask(pass, t, &last);
  }
}

#ifdef _OPENMP
/* What is left of a thread's share, on a cache line of its own. */
typedef struct {
  _Alignas(64) int64_t next;
  int64_t end;
} fl_share;

static void fl_run_share(fl_pass *pass, fl_share *share, double *last) {
  for (;;) {
    int64_t t;
#pragma omp atomic capture
    t = share->next++;
    if (t >= share->end || t > pass->error_turn || pass->stop) return;
    fl_run_turn(pass, t);
    if (last) fl_ask(pass, t, last);
  }
}

/* Thread t of T begins with the t-th of T shares, which lies in one piece: call after
   call the same data, which its caches still hold, one stream for its prefetcher, its own
   huge pages of a new array. Then it helps the others with theirs. */
static void fl_run_team(fl_pass *pass, int threads) {
#ifndef _WIN32
  pthread_once(&fl_fork_once, fl_watch_fork);
  fl_used_openmp = true;
#endif
  double last = fl_now();
  fl_share shares[FL_MAX_TEAM];
  for (int s = 0; s < threads; s++)
    shares[s] = (fl_share){pass->turns * s / threads, pass->turns * (s + 1) / threads};
#pragma omp parallel num_threads(threads)
  {
    const int me = omp_get_thread_num();
    for (int s = 0; s < threads; s++)
      fl_run_share(pass, &shares[(me + s) % threads], me == 0 ? &last : NULL);
  }
}
#else
static void fl_run_team(fl_pass *pass, int threads) {
  (void)threads;
  fl_run_serial(pass);
}
#endif

static bool fl_result_block(const fl_plan *plan, int64_t first, int64_t n,
                            fl_progress *progress, bool *any) {
  (void)any;
  return plan->kind == FL_ELEMENTWISE ? fl_elementwise_block(plan, first, n, progress)
                                      : fl_rowwise_block(plan, first, n, progress);
}

static bool fl_divisor_block(const fl_plan *plan, int64_t first, int64_t n,
                             fl_progress *progress, bool *any) {
  return plan->kind == FL_ELEMENTWISE
             ? fl_elementwise_divisor(plan, first, n, progress, any)
             : fl_rowwise_divisor(plan, first, n, progress, any);
}

/* Elements in a chunk. 2, 4 or 8 threads get as many chunks each. */
static int64_t fl_chunk_elements(int64_t n) {
  int64_t length = n / FL_MANY_CHUNKS;
  if (length < FL_CHUNK_ENTRIES) length = FL_CHUNK_ENTRIES;
  if (length > FL_LONG_CHUNK) length = FL_LONG_CHUNK;
  if (length < fl_ratio_up(n, FL_MAX_CHUNKS)) length = fl_ratio_up(n, FL_MAX_CHUNKS);
  if (n <= length) return length;
  const int64_t least = fl_ratio_up(n, length);
  const int64_t share = least > 4 ? 8 : least > 2 ? 4 : 2;
  const int64_t chunks = fl_ratio_up(least, share) * share;
  return fl_ratio_up(fl_ratio_up(n, chunks), FL_FOUR) * FL_FOUR;
}

/* Rows in a chunk: whole blocks. */
static int64_t fl_chunk_rows(const fl_plan *plan) {
  const int64_t blocks = fl_ratio_up(plan->items, plan->block);
  int64_t bundle = fl_ratio_up(FL_CHUNK_ENTRIES, plan->block * plan->classes);
  const int64_t least = fl_ratio_up(blocks, FL_MAX_CHUNKS);
  if (bundle < least) bundle = least;
  return bundle * plan->block;
}

/* The sum of all blocks, or false with result->status set. */
static bool fl_run_pass(const fl_plan *plan, fl_block_fn *block, fl_result *result,
                        fl_sum *sum, bool *any) {
  fl_sum sums[FL_MAX_CHUNKS];
  const int64_t chunk = plan->kind == FL_ELEMENTWISE ? fl_chunk_elements(plan->items)
                                                     : fl_chunk_rows(plan);
  const int64_t chunks = fl_ratio_up(plan->items, chunk);
  const bool gathers = block == fl_result_block && fl_picks(plan) && plan->plain_pred;
  const int64_t segment = chunk < FL_SEGMENT ? FL_SEGMENT / chunk : 1;
  const int64_t together = gathers ? segment : 1;
  fl_pass pass = {.plan = plan, .block = block, .chunk = chunk, .segment = segment,
                  .together = together, .turns = fl_ratio_up(chunks, together),
                  .sums = sums, .error_turn = INT64_MAX};

  const int threads = fl_team_size(plan->job, fl_work(plan), pass.turns);
  if (threads > 1) fl_run_team(&pass, threads);
  else fl_run_serial(&pass);

  if (pass.error_turn < INT64_MAX) {
    *result = pass.error;
    return false;
  }
  if (pass.stop) {
    result->status = FL_STOPPED;
    return false;
  }
  *sum = fl_total(&pass);
  *any = pass.any;
  return true;
}

/* What the sum is divided by; 0 if every weight is 0. */
static bool fl_divisor(const fl_plan *plan, fl_result *result, double *divisor) {
  const fl_job *job = plan->job;
  const bool averages = job->reduction == FL_MEAN
                        || job->reduction == FL_SUM_OVER_BATCH_SIZE;
  const bool counts_all =
      !job->has_ignore
      && (job->reduction == FL_SUM_OVER_BATCH_SIZE
          || (!job->weight.data && !job->class_weight));
  *divisor = averages ? (double)plan->items : 1;
  if (!averages || counts_all) return true;
  fl_sum sum;
  bool any;
  if (!fl_run_pass(plan, fl_divisor_block, result, &sum, &any)) return false;
  *divisor = fl_sum_value(sum);
  if (*divisor == 0 && any) {
    result->status = FL_BAD_WEIGHTS;
    return false;
  }
  return true;
}

static void fl_view_of(fl_view *view, bool *plain, const fl_array *array, int ndim,
                       const fl_job *job) {
  if (plain) *plain = false;
  view->data = NULL;
  if (!array->data) return;
  fl_view_init(view, array, ndim, job->shape);
  if (plain) *plain = fl_view_is_plain(view, job->type);
}

/* Kernels are compiled for outputs apart from their inputs. */
static bool fl_in_place(const fl_job *job, const fl_array *output) {
  bool shared = output->data == job->y_pred.data || output->data == job->y_true.data;
  for (int k = 0; k < job->n_extra; k++) shared |= output->data == job->extra[k].data;
  return output->data && shared;
}

/* Whether the page in the middle of an array is not there yet. */
static bool fl_untouched(const fl_array *array, int64_t bytes) {
#if defined(_WIN32)
  (void)array, (void)bytes;
  return false;
#else
  const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  const uintptr_t middle = ((uintptr_t)array->data + (uintptr_t)bytes / 2) & -page;
  unsigned char resident;
  return mincore((void *)middle, 1, (void *)&resident) == 0 && !(resident & 1);
#endif
}

static const int fl_wants[] = {FL_WANT_VALUE, FL_WANT_GRAD,
                               FL_WANT_VALUE | FL_WANT_GRAD,
                               FL_WANT_GRAD | FL_WANT_HESS};

static const struct {
  fl_kind kind;
  fl_domain labels, predictions;
} fl_losses[] = {
#define FL_LOSS(name, kind, labels, predictions, parameters) \
  {FL_##kind, FL_##labels, FL_##predictions},
#include "registry.h"
};

static void fl_plan_init(fl_plan *plan, const fl_job *job) {
  const fl_kernel_table *table = fl_kernels(job->type);
  plan->job = job;
  plan->tools = table->tools;
  plan->want = fl_wants[job->outputs];
  if (job->loss == FL_CUSTOM) {
    plan->kind = FL_ELEMENTWISE;
    plan->labels = plan->predictions = FL_REAL;
    plan->elementwise = table->programs[job->outputs];
  } else {
    plan->kind = fl_losses[job->loss].kind;
    plan->labels = fl_losses[job->loss].labels;
    plan->predictions = fl_losses[job->loss].predictions;
    plan->elementwise = table->losses[job->loss]->elementwise[job->outputs];
    plan->rowwise = table->losses[job->loss]->rowwise[job->outputs];
  }
  const int full = job->ndim, items = plan->kind == FL_ELEMENTWISE ? full : full - 1;
  plan->items = 1;
  for (int axis = 0; axis < items; axis++) plan->items *= job->shape[axis];
  plan->classes = plan->kind == FL_ELEMENTWISE ? 1 : job->shape[full - 1];
  const int64_t bytes = plan->items * plan->classes * fl_type_size(job->type);
  const bool large = bytes >= FL_STREAM_BYTES;
  plan->stream = large && !(job->grad.data && fl_untouched(&job->grad, bytes));
  plan->block = FL_BLOCK;
  while (plan->classes > 1 && plan->block > 1
         && plan->block * plan->classes > FL_ROW_ENTRIES)
    plan->block /= 2;
  fl_view_of(&plan->y_true, &plan->plain_true, &job->y_true,
             job->integer_labels ? items : full, job);
  fl_view_of(&plan->y_pred, &plan->plain_pred, &job->y_pred, full, job);
  fl_view_of(&plan->weight, NULL, &job->weight, items, job);
  fl_view_of(&plan->value, &plan->plain_value, &job->value, items, job);
  fl_view_of(&plan->grad, &plan->plain_grad, &job->grad, full, job);
  fl_view_of(&plan->hess, &plan->plain_hess, &job->hess, full, job);
  if (plan->kind == FL_ELEMENTWISE) {
    plan->plain_value &= !fl_in_place(job, &job->value);
    plan->plain_grad &= !fl_in_place(job, &job->grad);
    plan->plain_hess &= !fl_in_place(job, &job->hess);
  }
  plan->direct = plan->kind == FL_ELEMENTWISE && !job->weight.data && plan->plain_true
                 && plan->plain_pred && fl_outputs_are_plain(plan);
  for (int k = 0; k < job->n_extra; k++) {
    fl_view_of(&plan->extra[k], &plan->plain_extra[k], &job->extra[k], full, job);
    plan->direct &= plan->plain_extra[k];
  }
}

void fl_run(const fl_job *job, fl_result *result) {
  fl_plan plan;
  fl_plan_init(&plan, job);
  memset(result, 0, sizeof *result);
  double divisor;
  if (!fl_divisor(&plan, result, &divisor)) return;
  plan.scale = divisor == 0 ? 0 : 1 / divisor;
  fl_sum sum;
  bool any;
  if (!fl_run_pass(&plan, fl_result_block, result, &sum, &any)) return;
  result->value = divisor == 0 ? 0 : fl_sum_value(sum) / divisor;
}

int64_t fl_block_length(void) { return FL_BLOCK; }
int64_t fl_serial_entries(void) { return 2 * FL_ENTRIES_PER_THREAD; }

bool fl_run_small(int loss, fl_type type, int64_t n, const void *y_true,
                  const void *y_pred, const double *parameters, double divisor,
                  fl_output_set outputs, double *value, void *grad, void *hess) {
  fl_lanes lanes = {{0}, {0}};
  const fl_element_block block = {.n = n, .in = (const void *[]){y_true, y_pred},
                                  .parameters = parameters, .scale = 1 / divisor,
                                  .lanes = &lanes, .g = grad, .h = hess};
  if (fl_kernels(type)->losses[loss]->elementwise[outputs](&block)) return false;
  if (fl_wants[outputs] & FL_WANT_VALUE)
    *value = fl_sum_value(fl_lanes_total(&lanes)) / divisor;
  return true;
}
