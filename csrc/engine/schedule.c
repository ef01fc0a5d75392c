/* schedule.c: the turns of a job given to threads, and the sums of its chunks added in
   an order that depends on nothing but the size. The only file that knows OpenMP. */
#define _POSIX_C_SOURCE 200809L /* clock_gettime */
#include "bridge.h"
#include "engine/engine.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifdef _OPENMP
#include <omp.h>
#endif
#if !defined(_WIN32)
#include <pthread.h>
#endif

/* Threads a job may have. */
enum { FL_MAX_TEAM = 256 };

/* Below this many entries a thread the team costs more than it brings. */
enum { FL_ENTRIES_PER_THREAD = 12288 };

/* A call asks `poll` at most this often; the clock, which costs as much as some rows,
   after so many entries. */
static const double fl_poll_seconds = 0.1;
enum { FL_ENTRIES_PER_LOOK = 1 << 20 };

/* A turn that a thread has begun; number -1: none. */
typedef struct {
  int64_t number, first; /* and its next item */
  fl_progress progress;
} fl_turn;

/* A thread of the team: what is left of its share of the turns, and its scratch memory,
   on a cache line of its own; behind it what it seldom writes. */
typedef struct {
  _Alignas(FL_LINE) _Atomic int64_t next;
  int64_t end;
  char *scratch;
  _Alignas(FL_LINE) fl_turn left; /* at a pause */
  int64_t error_turn;             /* the lowest that had one */
  fl_result error;
  bool any;
} fl_worker;

struct fl_team {
  int threads;
  void *memory;
  fl_sum *sums, *shares; /* one per chunk */
  fl_worker workers[];
};

/* A pass over all items: what to do with a block, and how far it is. */
typedef struct {
  const fl_plan *plan;
  fl_block_fn *block;
  int threads;
  fl_worker *workers;
  fl_sum *sums, *shares;
  int64_t turns;
  bool resumed;               /* after a pause: workers may have left turns */
  _Atomic int64_t error_turn; /* the lowest that had one */
  _Atomic bool paused;        /* every thread stops behind its block */
  double asked;               /* when `poll` was last asked; 0: not known yet */
  int64_t since;              /* entries since the last look at the clock */
} fl_pass;

/* Stack that a block needs at most, with what the libraries below use. */
enum { FL_STACK_BYTES = 40 << 10 };

/* Whether OpenMP's threads have less, which the environment alone can ask for. */
static bool fl_small_stacks = false;

/* The OpenMP specification's form: a number and B, K, M or G; K if there is none. */
static bool fl_asks_for_small_stacks(void) {
  const char *text = getenv("OMP_STACKSIZE");
  if (!text) text = getenv("GOMP_STACKSIZE");
  if (!text) return false;
  char *unit;
  const unsigned long number = strtoul(text, &unit, 10);
  while (*unit == ' ') unit++;
  const unsigned long factor = *unit && strchr("bB", *unit)     ? 1
                               : *unit && strchr("mMgG", *unit) ? 1 << 20
                                                                : 1 << 10;
  return number < FL_STACK_BYTES && number * factor < FL_STACK_BYTES;
}

/* Set in a child of fork: there the threads of every OpenMP runtime are gone, and waiting
   for them would never end. */
static _Atomic bool fl_forked = false;

#if !defined(_WIN32)
/* How many threads a thread could start. Not _Thread_local: its memory comes from malloc
   at the first use, and the process ends where there is none. */
static pthread_key_t fl_tried;

static void fl_after_fork(void) { atomic_store(&fl_forked, true); }

bool fl_start(void) {
  fl_small_stacks = fl_asks_for_small_stacks();
  return pthread_key_create(&fl_tried, NULL) == 0
         && pthread_atfork(NULL, NULL, fl_after_fork) == 0;
}
#else
bool fl_start(void) { return true; }
#endif

int fl_default_threads(void) {
#ifdef _OPENMP
  return omp_get_max_threads();
#else
  return 1;
#endif
}

int64_t fl_serial_entries(void) { return 2 * FL_ENTRIES_PER_THREAD; }

static int fl_team_size(const fl_plan *plan, int64_t turns) {
  const int64_t entries = plan->items * plan->entries;
  int64_t threads = entries / FL_ENTRIES_PER_THREAD;
  if (threads > turns) threads = turns;
  if (threads > plan->job->threads) threads = plan->job->threads;
  if (threads > FL_MAX_TEAM) threads = FL_MAX_TEAM;
  if (threads < 2 || fl_small_stacks || atomic_load(&fl_forked)) return 1;
#ifdef _OPENMP
  return omp_in_parallel() ? 1 : (int)threads;
#else
  return 1;
#endif
}

static int64_t fl_chunks(const fl_plan *plan) {
  return fl_ratio_up(plan->items, plan->chunk);
}

static fl_team *fl_new_team(const fl_plan *plan, int threads) {
  const int64_t sums = fl_chunks(plan) * (int64_t)sizeof(fl_sum);
  const int64_t shares = plan->along ? sums : 0;
  const int64_t head = (int64_t)(sizeof(fl_team) + (size_t)threads * sizeof(fl_worker));
  int64_t used = 0;
  fl_cut(NULL, &used, head);
  fl_cut(NULL, &used, sums);
  fl_cut(NULL, &used, shares);
  for (int w = 0; w < threads; w++) fl_cut(NULL, &used, plan->scratch);
  void *memory = used < fl_too_many ? malloc((size_t)used + FL_LINE) : NULL;
  if (!memory) return NULL;
  char *const line = (char *)memory + (-(uintptr_t)memory & (FL_LINE - 1));
  used = 0;
  fl_team *team = fl_cut(line, &used, head);
  team->memory = memory;
  team->threads = threads;
  team->sums = fl_cut(line, &used, sums);
  team->shares = fl_cut(line, &used, shares);
  for (int w = 0; w < threads; w++)
    team->workers[w].scratch = fl_cut(line, &used, plan->scratch);
  return team;
}

fl_team *fl_team_of(const fl_plan *plan) {
  const int threads = fl_team_size(plan, fl_chunks(plan));
  fl_team *team = fl_new_team(plan, threads);
  return team || threads == 1 ? team : fl_new_team(plan, 1);
}

void fl_team_end(fl_team *team) {
  if (team) free(team->memory);
}

static double fl_now(void) {
  struct timespec now;
#if defined(_WIN32)
  timespec_get(&now, TIME_UTC);
#else
  clock_gettime(CLOCK_MONOTONIC, &now);
#endif
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Whether to stop here. The calling thread looks at the clock now and then, and asks for
   a pause in which it can ask `poll`: no team is at work then, so that what `poll` runs,
   which may fork, finds nothing half done. */
static bool fl_pauses(fl_pass *pass, bool calling, int64_t entries) {
  if (atomic_load_explicit(&pass->paused, memory_order_relaxed)) return true;
  if (!calling || !pass->plan->job->poll) return false;
  pass->since += entries;
  if (pass->since < FL_ENTRIES_PER_LOOK) return false;
  pass->since = 0;
  const double now = fl_now();
  if (pass->asked == 0) pass->asked = now;
  if (now - pass->asked < fl_poll_seconds) return false;
  atomic_store_explicit(&pass->paused, true, memory_order_relaxed);
  return true;
}

static void fl_note_error(fl_pass *pass, fl_worker *worker, const fl_turn *turn) {
  if (turn->number < worker->error_turn) {
    worker->error_turn = turn->number;
    worker->error = turn->progress.error;
  }
  int64_t lowest = atomic_load_explicit(&pass->error_turn, memory_order_relaxed);
  while (turn->number < lowest
         && !atomic_compare_exchange_weak_explicit(&pass->error_turn, &lowest,
                                                   turn->number, memory_order_relaxed,
                                                   memory_order_relaxed)) {
  }
}

static void fl_add_sum(double *hi, double *lo, fl_sum sum) {
  *lo += sum.lo;
  fl_two_sum(hi, lo, sum.hi);
}

/* The sum of all chunks: few in their order, many in lanes, as a chain of a thousand takes
   a microsecond. */
static fl_sum fl_chunks_total(int64_t n, const fl_sum *sums) {
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

static fl_sum fl_turn_total(bool ended, fl_lanes *lanes, fl_lanes *before) {
  if (!ended) return fl_lanes_total(lanes);
  fl_end_grain(lanes, before);
  return fl_lanes_total(before);
}

/* Runs a turn to its end; false: paused before, and left with the worker. */
static bool fl_run_turn(fl_pass *pass, fl_worker *worker, fl_turn *turn, bool calling) {
  const fl_plan *plan = pass->plan;
  const int64_t chunk = plan->chunk, start = turn->number * chunk;
  const int64_t end = plan->items - start < chunk ? plan->items : start + chunk;
  const int64_t block = plan->direct ? chunk : plan->block;
  while (turn->first < end) {
    const int64_t left = end - turn->first, n = left < block ? left : block;
    if (fl_pauses(pass, calling, n * plan->entries)) {
      worker->left = *turn;
      return false;
    }
    if (!pass->block(plan, turn->first, n, &turn->progress)) {
      fl_note_error(pass, worker, turn);
      return true;
    }
    turn->first += n;
  }
  fl_progress *progress = &turn->progress;
  pass->sums[turn->number] =
      fl_turn_total(progress->ended, &progress->lanes, &progress->lanes_before);
  if (plan->along)
    pass->shares[turn->number] =
        fl_turn_total(progress->ended, &progress->shares, &progress->shares_before);
  if (progress->any) worker->any = true;
  return true;
}

/* Ends the turn that a worker has left at a pause; false: paused again. */
static bool fl_end_left_turn(fl_pass *pass, fl_worker *worker, bool calling) {
  fl_turn turn = worker->left;
  worker->left.number = -1;
  return fl_run_turn(pass, worker, &turn, calling);
}

/* The next turn of a share; false: there is none, or none that still matters. */
static bool fl_begin_turn(fl_pass *pass, fl_worker *worker, fl_worker *share,
                          fl_turn *turn) {
  const int64_t number =
      atomic_fetch_add_explicit(&share->next, 1, memory_order_relaxed);
  if (number >= share->end
      || number > atomic_load_explicit(&pass->error_turn, memory_order_relaxed))
    return false;
  *turn = (fl_turn){.number = number,
                    .first = number * pass->plan->chunk,
                    .progress = {.scratch = worker->scratch}};
  return true;
}

/* Thread t of T begins with the t-th of T shares, which lies in one piece: call after
   call the same data, which its caches still hold, one stream for its prefetcher, its own
   huge pages of a new array. Then it helps the others with theirs. Returns how many turns
   it began and ended. */
static int64_t fl_help(fl_pass *pass, int me, bool calling) {
  const int threads = pass->threads;
  fl_worker *worker = &pass->workers[me];
  int64_t turns = 0;
  if (pass->resumed && worker->left.number >= 0
      && !fl_end_left_turn(pass, worker, calling))
    return turns;
  fl_turn turn;
  for (int s = 0; s < threads; s++)
    while (fl_begin_turn(pass, worker, &pass->workers[(me + s) % threads], &turn)) {
      if (!fl_run_turn(pass, worker, &turn, calling)) return turns;
      turns++;
    }
  return turns;
}

#ifdef _OPENMP
/* On a busy machine a team can cost far more than it brings: at both ends of a region
   OpenMP waits for every thread, whole time slices for one whose core another process
   has, though its turns were long taken over; and nobody can leave a region. So what
   teams lost is counted, in seconds, less what they gained. Beyond what an interruption
   costs, or a thread that has to wake, teams rest for so many times the loss, and are
   tried again: waiting takes at most that part of the time, however busy the machine.
   Gains are remembered, so that a team that loses a time slice now and then, but gains
   more, goes on; not for long, as a machine becomes busy at once; and little of each
   region, as the calling thread may have lost its core and seem slow alone. The longest
   rest is for processes that were stopped. All is the process's: its own calls can be
   what keeps the cores busy. */
static const double fl_bearable_loss = 1e-3, fl_most_gain = 1e-3, fl_most_credit = 1e-2;
static const double fl_rest_per_loss = 32, fl_longest_rest = 4;
static _Atomic double fl_lost = 0, fl_rest_end = 0;

static bool fl_teams_rest(double now) {
  return now < atomic_load_explicit(&fl_rest_end, memory_order_relaxed);
}

static void fl_count_gain(double now, double gain) {
  const double before = atomic_load_explicit(&fl_lost, memory_order_relaxed);
  double lost = before - (gain < fl_most_gain ? gain : fl_most_gain);
  if (lost < -fl_most_credit) lost = -fl_most_credit;
  if (lost > fl_bearable_loss) {
    const double rest = fl_rest_per_loss * lost;
    atomic_store_explicit(&fl_rest_end,
                          now + (rest < fl_longest_rest ? rest : fl_longest_rest),
                          memory_order_relaxed);
    lost = 0;
  }
  if (lost != before) atomic_store_explicit(&fl_lost, lost, memory_order_relaxed);
}

#if !defined(_WIN32)
/* Threads that wait for the end of the trial. */
static void *fl_wait(void *mutex) {
  pthread_mutex_lock(mutex);
  pthread_mutex_unlock(mutex);
  return NULL;
}

/* What a team of libgomp asks malloc for, and more. */
enum { FL_TEAM_BYTES = 16384, FL_THREAD_BYTES = 1024 };

/* libgomp ends the process if it cannot start a thread or gets no memory for a team. So
   as many threads are tried first, once for each thread that calls; between the trial and
   libgomp's turn the limit can still be reached by others, which nothing here can see. */
static int fl_startable(int threads) {
  if (threads <= (intptr_t)pthread_getspecific(fl_tried)) return threads;
  void *memory = malloc(FL_TEAM_BYTES + (size_t)threads * FL_THREAD_BYTES);
  if (!memory) return 1;
  free(memory);
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_t started[FL_MAX_TEAM];
  int count = 0;
  pthread_mutex_lock(&mutex);
  while (count < threads - 1
         && pthread_create(&started[count], NULL, fl_wait, &mutex) == 0)
    count++;
  pthread_mutex_unlock(&mutex);
  for (int t = 0; t < count; t++) pthread_join(started[t], NULL);
  if (count == threads - 1) pthread_setspecific(fl_tried, (void *)(intptr_t)threads);
  return count + 1;
}
#else
static int fl_startable(int threads) { return threads; }
#endif

/* A region of OpenMP; returns how many threads came. Alone, the calling thread would have
   needed for each turn what it needed for its own; if others did them all, it had no core
   or waited for a thread that had none. A pass with pauses is so long that a time slice
   is little. */
static int fl_help_together(fl_pass *pass, int threads, double begin) {
  int came = 1;
  int64_t turns = 0;
  double own = 0;
#pragma omp parallel num_threads(threads)
  {
    const int me = omp_get_thread_num();
    if (me > 0) {
      fl_help(pass, me, false);
    } else {
      const double own_begin = fl_now();
      turns = fl_help(pass, 0, true);
      own = fl_now() - own_begin;
      came = omp_get_num_threads();
    }
  }
  if (pass->resumed || atomic_load(&pass->paused)) return came;
  const double end = fl_now();
  const double alone = turns > 0 ? own * (double)pass->turns / (double)turns : 0;
  fl_count_gain(end, alone - (end - begin));
  return came;
}
#endif

/* Until all is done, or paused. What threads that have not come, or not come again, leave
   is the calling thread's. */
static void fl_help_all(fl_pass *pass) {
  const int threads = pass->threads;
#ifdef _OPENMP
  if (threads > 1 && !atomic_load(&fl_forked)) {
    const double begin = fl_now();
    const int startable = fl_teams_rest(begin) ? 1 : fl_startable(threads);
    if (startable > 1 && fl_help_together(pass, startable, begin) == threads) return;
  }
#endif
  for (int w = 0; w < threads; w++) {
    fl_worker *worker = &pass->workers[w];
    if (worker->left.number >= 0 && !fl_end_left_turn(pass, worker, true)) return;
  }
  fl_help(pass, 0, true);
}

static void fl_share_out(fl_pass *pass) {
  const int64_t turns = pass->turns;
  const int threads = pass->threads;
  for (int w = 0; w < threads; w++) {
    fl_worker *worker = &pass->workers[w];
    atomic_init(&worker->next, turns * w / threads);
    worker->end = turns * (w + 1) / threads;
    worker->left.number = -1;
    worker->error_turn = INT64_MAX;
    worker->any = false;
  }
}

/* What the threads have found; false: an error, that of the lowest turn. */
static bool fl_collect(const fl_pass *pass, fl_outcome *outcome, fl_result *result) {
  int64_t lowest = INT64_MAX;
  outcome->any = false;
  for (int w = 0; w < pass->threads; w++) {
    const fl_worker *worker = &pass->workers[w];
    outcome->any |= worker->any;
    if (worker->error_turn < lowest) {
      lowest = worker->error_turn;
      *result = worker->error;
    }
  }
  if (lowest < INT64_MAX) return false;
  outcome->sum = fl_chunks_total(pass->turns, pass->sums);
  if (pass->plan->along) outcome->shares = fl_chunks_total(pass->turns, pass->shares);
  return true;
}

bool fl_run_pass(const fl_plan *plan, fl_team *team, fl_block_fn *block,
                 fl_outcome *outcome, fl_result *result) {
  const fl_job *job = plan->job;
  fl_pass pass = {.plan = plan,
                  .block = block,
                  .threads = team->threads,
                  .workers = team->workers,
                  .sums = team->sums,
                  .shares = team->shares,
                  .turns = fl_chunks(plan),
                  .error_turn = INT64_MAX};
  fl_share_out(&pass);
  for (;;) {
    fl_help_all(&pass);
    if (!atomic_load(&pass.paused)) return fl_collect(&pass, outcome, result);
    if (job->poll(job->poll_argument)) {
      result->status = FL_STOPPED;
      return false;
    }
    pass.asked = fl_now();
    pass.resumed = true;
    atomic_store(&pass.paused, false);
  }
}
