# cython: language_level=3, freethreading_compatible=True
"""The bridge to the C engine: pointers in, GIL released, status out."""

cimport cython
from cpython.exc cimport PyErr_CheckSignals
from cpython.pycapsule cimport PyCapsule_New
from libc.stddef cimport ptrdiff_t
from libc.stdint cimport int32_t, int64_t
from libc.string cimport memset

cimport numpy as cnp
import numpy as np

cnp.import_array()


cdef extern from "fastloss.h" nogil:
    enum:
        FL_MAX_DIMS
        FL_MAX_INPUTS
        FL_MAX_HEADS
        FL_MAX_PARAMETERS
        FL_CUSTOM
    ctypedef enum fl_type:
        FL_TYPE_BOOL
        FL_TYPE_SIGN
        FL_TYPE_I8
        FL_TYPE_I16
        FL_TYPE_I32
        FL_TYPE_I64
        FL_TYPE_U8
        FL_TYPE_U16
        FL_TYPE_U32
        FL_TYPE_U64
        FL_TYPE_F32
        FL_TYPE_F64
    ctypedef enum fl_reduction:
        FL_MEAN
        FL_SUM
        FL_NONE
        FL_SUM_OVER_BATCH_SIZE
    ctypedef enum fl_output_set:
        FL_V
        FL_G
        FL_VG
        FL_GH
    ctypedef struct fl_array:
        void *data
        fl_type type
        bint swapped
        int ndim
        const ptrdiff_t *strides
    ctypedef enum fl_label_form:
        FL_LABEL_WEIGHTS
    ctypedef struct fl_target_options:
        double smoothing
        const double *class_weight
        bint has_ignore
        int64_t ignore_class
        bint any_sum
        fl_label_form label_form
        double temperature
        double softcap
    ctypedef struct fl_job:
        int loss
        fl_type type
        fl_output_set outputs
        fl_reduction reduction
        int ndim
        const int64_t *shape
        int inputs, labels, heads
        fl_array in_ "in"[FL_MAX_INPUTS]
        fl_array weight, value
        fl_array grad[FL_MAX_HEADS]
        fl_array hess[FL_MAX_HEADS]
        const double *parameters
        const void *program
        fl_target_options targets
        int threads
        int (*poll)(void *) noexcept
        void *poll_argument
    ctypedef enum fl_status:
        FL_OK
        FL_BAD_INPUT
        FL_BAD_WEIGHTS
        FL_CHANGED
        FL_STOPPED
        FL_NO_MEMORY
        FL_BAD_LABEL_SUM
    ctypedef struct fl_result:
        double value
        fl_status status
        int input
        int64_t index
        double number
    ctypedef struct fl_loss_row:
        const char *name
        const char *family
        const char *kind
        const char *labels
        const char *predictions
        const char *parameters


cdef extern from "bridge.h" nogil:
    ctypedef struct fl_api:
        pass
    const fl_api fl_api_table
    ctypedef struct fl_parts:
        double sum
        double sum_rest
        double divisor
        double divisor_rest
        double weigh
        bint any
    bint fl_start()
    void fl_run(const fl_job *, fl_result *)
    void fl_run_parts(const fl_job *, fl_result *, fl_parts *)
    void *fl_xla_handler(void *)
    int64_t fl_block_length()
    int64_t fl_serial_entries()
    bint fl_run_small(int, fl_type, int64_t, const void *, const void *,
                      const double *, double, fl_output_set, double *, void *,
                      void *)
    int fl_loss_count()
    const fl_loss_row *fl_loss_at(int)
    const char *fl_domain_name(int)
    const char *fl_domain_message(int)
    const char *fl_isa_at(int)
    bint fl_isa_supported(const char *)
    const char *fl_isa_chosen()
    bint fl_isa_choose(const char *)
    const char *fl_isa_of_kernels(fl_type)
    int fl_default_threads()
    const char *fl_openmp_name()
    const char *fl_compiler_name()


cdef extern from "custom/program.h" nogil:
    enum:
        FL_OPERANDS
    ctypedef struct fl_instruction:
        pass
    ctypedef struct fl_stage:
        pass
    ctypedef struct fl_program:
        int32_t inputs, registers, setup, length, constants
        const fl_instruction *code
        const double *constant
        int32_t stages, kept, reductions, classes
        int32_t at_label[2]
        int32_t index
        const fl_stage *stage
    const char *fl_opcode_name(int)
    bint fl_program_is_valid(const fl_program *)


if not fl_start():
    raise MemoryError("no memory to watch for forks")

#: fl_api of fastloss.h, for other extensions.
C_API = PyCapsule_New(<void *>&fl_api_table, "fastloss.core._bridge.C_API", NULL)

#: The handler of csrc/xla/call.c, for `jax.ffi.register_ffi_target`.
XLA_HANDLER = PyCapsule_New(<void *>&fl_xla_handler, NULL, NULL)

CUSTOM = FL_CUSTOM
MAX_INPUTS = FL_MAX_INPUTS
MAX_PARAMETERS = FL_MAX_PARAMETERS
OPERANDS = FL_OPERANDS
REDUCTIONS = ("mean", "sum", "none", "sum_over_batch_size")

cdef int64_t BLOCK = fl_block_length()


def domains():
    """Messages of the domains of csrc/registry/domains.h, by name."""
    messages = {}
    while fl_domain_name(len(messages)) != NULL:
        name = fl_domain_name(len(messages)).decode().lower()
        messages[name] = fl_domain_message(len(messages)).decode()
    return messages


def registry():
    """The rows of csrc/registry/losses.h.

    Each is (name, family, kind, labels, predictions, parameters), the last three tuples.
    """
    rows = []
    for number in range(fl_loss_count()):
        row = fl_loss_at(number)
        rows.append((
            row.name.decode(),
            row.family.decode(),
            row.kind.decode().lower(),
            listed(row.labels),
            listed(row.predictions),
            tuple(row.parameters.decode().split()),
        ))
    return tuple(rows)


cdef tuple listed(const char *domains):
    """Names of a list such as "(A, B)"."""
    return tuple((<bytes>domains).decode().lower().strip("()").replace(",", " ").split())


def isas():
    """Names of the instruction sets of this build, best first."""
    names = []
    while fl_isa_at(len(names)) != NULL:
        names.append(fl_isa_at(len(names)).decode())
    return tuple(names)


def isa_supported(str name):
    """Whether this CPU and operating system can run the kernels of `name`."""
    return fl_isa_supported(name.encode())


def isa():
    """The instruction set in use."""
    return fl_isa_chosen().decode()


def isa_of_kernels():
    """What the kernels in use were compiled for: those of float32, of float64."""
    return (
        fl_isa_of_kernels(FL_TYPE_F32).decode(),
        fl_isa_of_kernels(FL_TYPE_F64).decode(),
    )


def use_isa(str name):
    """Switch this process to another instruction set."""
    if not fl_isa_choose(name.encode()):
        usable = ", ".join(n for n in isas() if fl_isa_supported(n.encode()))
        raise ValueError(f"instruction set {name!r} is not one of: {usable}")


def default_threads():
    """The number of threads OpenMP would use by itself."""
    return fl_default_threads()


def openmp_name():
    """The OpenMP runtime the extension was built for."""
    return fl_openmp_name().decode()


def compiler_name():
    """The C compiler the extension was built with."""
    return fl_compiler_name().decode()


cdef int check_signals(void *argument) noexcept with gil:
    try:
        PyErr_CheckSignals()
    except BaseException as error:
        (<list>argument).append(error)
        return 1
    return 0


cdef int type_of(cnp.ndarray array) except -1:
    cdef str kind = array.dtype.kind
    cdef int size = array.dtype.itemsize
    if kind == "b":
        return FL_TYPE_BOOL
    if kind == "f" and size == 4:
        return FL_TYPE_F32
    if kind == "f" and size == 8:
        return FL_TYPE_F64
    if kind == "i" and size in (1, 2, 4, 8):
        return {1: FL_TYPE_I8, 2: FL_TYPE_I16, 4: FL_TYPE_I32, 8: FL_TYPE_I64}[size]
    if kind == "u" and size in (1, 2, 4, 8):
        return {1: FL_TYPE_U8, 2: FL_TYPE_U16, 4: FL_TYPE_U32, 8: FL_TYPE_U64}[size]
    raise TypeError(f"unsupported dtype {array.dtype}")


cdef int fill(fl_array *target, object array, bint sign=False) except -1:
    if array is None:
        target.data = NULL
        return 0
    cdef cnp.ndarray nd = array
    target.data = cnp.PyArray_DATA(nd)
    target.type = <fl_type>type_of(nd)
    if sign and target.type == FL_TYPE_BOOL:
        target.type = FL_TYPE_SIGN
    target.swapped = not nd.dtype.isnative
    target.ndim = cnp.PyArray_NDIM(nd)
    target.strides = <const ptrdiff_t *>cnp.PyArray_STRIDES(nd)
    return 0


def run(
    int loss,
    int outputs,
    int reduction,
    tuple labels,
    tuple predictions,
    tuple extra,
    weight,
    value,
    tuple grads,
    tuple hesses,
    tuple parameters,
    bint sign_labels,
    double smoothing,
    class_weight,
    ignore_class,
    bint any_sum,
    int label_form,
    double temperature,
    double softcap,
    int threads,
    Program program=None,
    list parts=None,
):
    """Run a job; returns (value, status, input, index, number) of fastloss.h.

    `parts`, if given, gets the numbers of fl_parts of bridge.h.
    """
    cdef fl_job job
    cdef fl_result result
    cdef fl_parts made_of
    cdef bint partial = parts is not None
    cdef double numbers[FL_MAX_PARAMETERS]
    cdef double[::1] classes
    cdef list raised = []
    cdef tuple inputs = labels + predictions + extra
    cdef cnp.ndarray first = predictions[0]
    cdef int k
    memset(&job, 0, sizeof(job))
    memset(numbers, 0, sizeof(numbers))
    job.loss = loss
    job.program = NULL if program is None else program.data
    job.type = FL_TYPE_F32 if first.dtype.itemsize == 4 else FL_TYPE_F64
    job.outputs = <fl_output_set>outputs
    job.reduction = <fl_reduction>reduction
    job.ndim = cnp.PyArray_NDIM(first)
    job.shape = <const int64_t *>cnp.PyArray_DIMS(first)
    job.inputs = len(inputs)
    job.labels = len(labels)
    job.heads = len(predictions)
    for k in range(job.inputs):
        fill(&job.in_[k], inputs[k], sign_labels and k < job.labels)
    fill(&job.weight, weight)
    fill(&job.value, value)
    for k in range(len(grads)):
        fill(&job.grad[k], grads[k])
    for k in range(len(hesses)):
        fill(&job.hess[k], hesses[k])
    for k in range(len(parameters)):
        numbers[k] = parameters[k]
    job.parameters = numbers
    job.targets.smoothing = smoothing
    if class_weight is not None:
        classes = class_weight
        job.targets.class_weight = &classes[0]
    job.targets.has_ignore = ignore_class is not None
    job.targets.ignore_class = 0 if ignore_class is None else ignore_class
    job.targets.any_sum = any_sum
    job.targets.label_form = <fl_label_form>label_form
    job.targets.temperature = temperature
    job.targets.softcap = softcap
    job.threads = threads
    job.poll = check_signals
    job.poll_argument = <void *>raised
    memset(&made_of, 0, sizeof(made_of))
    with nogil:
        if partial:
            fl_run_parts(&job, &result, &made_of)
        else:
            fl_run(&job, &result)
    if raised:
        raise raised[0]
    if partial:
        parts += [made_of.sum, made_of.sum_rest, made_of.divisor, made_of.divisor_rest,
                  made_of.weigh, made_of.any]
    return result.value, result.status, result.input, result.index, result.number


cdef class Program:
    """A lowered custom loss: owns the memory the engine reads.

    Parameters
    ----------
    inputs, registers, setup : int
        As in csrc/program.h.
    code : ndarray of uint16, shape (n, 3 + OPERANDS)
        Opcode, target, `last` and operands of each instruction.
    constants : ndarray of float64, shape (k,)
    stages : ndarray of int32, shape (s, 3), optional
        Of a program of rows.
    kept, reductions : int
        Likewise.
    classes : bool
        Whether labels are classes.
    at_label : tuple of int
        Registers.
    index : int
        Register.
    """

    cdef fl_program program
    cdef const void *data
    cdef cnp.ndarray code, constants, stages

    def __init__(self, int inputs, int registers, int setup, cnp.ndarray code,
                 cnp.ndarray constants, cnp.ndarray stages=None, *, int kept=0,
                 int reductions=0, bint classes=False, tuple at_label=(0, 0),
                 int index=0):
        self.code = code
        self.constants = constants
        self.program.inputs = inputs
        self.program.registers = registers
        self.program.setup = setup
        self.program.length = code.shape[0]
        self.program.constants = constants.shape[0]
        self.program.code = <const fl_instruction *>cnp.PyArray_DATA(code)
        self.program.constant = <const double *>cnp.PyArray_DATA(constants)
        if stages is not None:
            self.stages = stages
            self.program.stages = stages.shape[0]
            self.program.stage = <const fl_stage *>cnp.PyArray_DATA(stages)
        self.program.kept = kept
        self.program.reductions = reductions
        self.program.classes = classes
        self.program.at_label = at_label
        self.program.index = index
        if code.itemsize * code.shape[1] != sizeof(fl_instruction):
            raise ValueError(f"instructions of {code.shape[1]} numbers")
        if not fl_program_is_valid(&self.program):
            raise ValueError("the loss function is too large for one program")
        self.data = &self.program


def opcodes():
    """Names of the instructions of programs, by number."""
    names = []
    while fl_opcode_name(len(names)) != NULL:
        names.append(fl_opcode_name(len(names)).decode())
    return tuple(names)


include "_fast.pxi"
