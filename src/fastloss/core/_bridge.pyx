# cython: language_level=3, freethreading_compatible=True
"""The bridge to the C engine: pointers in, GIL released, status out."""

cimport cython
from cpython.exc cimport PyErr_CheckSignals
from libc.stddef cimport ptrdiff_t
from libc.stdint cimport int32_t, int64_t
from libc.string cimport memset

cimport numpy as cnp

cnp.import_array()


cdef extern from "fastloss.h" nogil:
    enum:
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
    ctypedef struct fl_target_options:
        double smoothing
        const double *class_weight
        bint has_ignore
        int64_t ignore_class
        bint any_sum
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
    bint fl_start()
    void fl_run(const fl_job *, fl_result *)
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
    int fl_default_threads()
    const char *fl_openmp_name()
    const char *fl_compiler_name()


cdef extern from "custom/program.h" nogil:
    enum:
        FL_OPERANDS
    ctypedef struct fl_instruction:
        pass
    ctypedef struct fl_program:
        int32_t inputs, registers, setup, length, constants
        const fl_instruction *code
        const double *constant
    const char *fl_opcode_name(int)
    bint fl_program_is_valid(const fl_program *)


if not fl_start():
    raise MemoryError("no memory to watch for forks")

CUSTOM = FL_CUSTOM
MAX_INPUTS = FL_MAX_INPUTS
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
    int threads,
    Program program=None,
):
    """Run a job; returns (value, status, input, index, number) of fastloss.h."""
    cdef fl_job job
    cdef fl_result result
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
    job.threads = threads
    job.poll = check_signals
    job.poll_argument = <void *>raised
    with nogil:
        fl_run(&job, &result)
    if raised:
        raise raised[0]
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
    """

    cdef fl_program program
    cdef const void *data
    cdef cnp.ndarray code, constants

    def __init__(self, int inputs, int registers, int setup, cnp.ndarray code,
                 cnp.ndarray constants):
        self.code = code
        self.constants = constants
        self.program.inputs = inputs
        self.program.registers = registers
        self.program.setup = setup
        self.program.length = code.shape[0]
        self.program.constants = constants.shape[0]
        self.program.code = <const fl_instruction *>cnp.PyArray_DATA(code)
        self.program.constant = <const double *>cnp.PyArray_DATA(constants)
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


# Entries from which more than one thread may be used; below, nobody is asked how many.
cdef int64_t SERIAL = fl_serial_entries()

cdef object get_num_threads = None


def ask_for_threads(function):
    """Tell the fast lane whom to ask for the number of threads."""
    global get_num_threads
    get_num_threads = function


cdef inline bint is_plain(object array):
    """A C-contiguous, aligned, native, non-empty float32 or float64 ndarray."""
    if type(array) is not cnp.ndarray:
        return False
    cdef int number = cnp.PyArray_TYPE(<cnp.ndarray>array)
    return (
        (number == cnp.NPY_FLOAT or number == cnp.NPY_DOUBLE)
        and cnp.PyArray_ISCARRAY_RO(<cnp.ndarray>array)
        and cnp.PyArray_SIZE(<cnp.ndarray>array) > 0
    )


cdef inline object like(object array):
    """A new array like a plain one, or None."""
    if not is_plain(array):
        return None
    cdef cnp.ndarray nd = array
    return cnp.PyArray_EMPTY(
        cnp.PyArray_NDIM(nd), cnp.PyArray_DIMS(nd), cnp.PyArray_TYPE(nd), 0
    )


cdef inline bint are_classes(object array, cnp.ndarray predictions):
    """Plain int64 labels, one for each row of `predictions`."""
    if type(array) is not cnp.ndarray:
        return False
    cdef cnp.ndarray labels = array
    cdef int ndim = cnp.PyArray_NDIM(labels), axis
    if cnp.PyArray_TYPE(labels) != cnp.NPY_INT64 or ndim + 1 != predictions.ndim:
        return False
    for axis in range(ndim):
        if labels.shape[axis] != predictions.shape[axis]:
            return False
    return cnp.PyArray_ISCARRAY_RO(labels)


cdef inline bint is_output(object array, cnp.ndarray predictions):
    """A plain writable array like `predictions`."""
    if not is_plain(array) or not cnp.PyArray_ISCARRAY(<cnp.ndarray>array):
        return False
    cdef cnp.ndarray out = array
    return cnp.PyArray_TYPE(out) == cnp.PyArray_TYPE(predictions) and (
        cnp.PyArray_SAMESHAPE(out, predictions)
    )


cdef inline bint overlap(cnp.ndarray a, cnp.ndarray b):
    """Whether two contiguous arrays share memory."""
    cdef char *start_a = cnp.PyArray_BYTES(a)
    cdef char *start_b = cnp.PyArray_BYTES(b)
    return start_a < start_b + cnp.PyArray_NBYTES(b) and (
        start_b < start_a + cnp.PyArray_NBYTES(a)
    )


cdef inline void *data_of(object array) noexcept:
    return NULL if array is None else cnp.PyArray_DATA(<cnp.ndarray>array)


cdef inline void fill_plain(fl_array *target, void *data, fl_type type, int ndim,
                            const ptrdiff_t *strides) noexcept:
    target.data = data
    target.ndim = ndim
    target.type = type
    target.swapped = False
    target.strides = strides


cdef class Kernel:
    """The fast lane of a loss: plain arrays without weights go straight to the engine.

    Everything else, and whatever the engine refuses, goes to the methods `_value`,
    `_grad`, `_value_and_grad` and `_grad_and_hess` of the subclass, which check,
    convert and explain; `_with` gives the loss with other parameters, `_program` the
    program of a custom one for a set of outputs.
    """

    cdef int _loss
    cdef bint _fast, _rows, _classes
    cdef fl_reduction _reduction
    cdef double _parameters[FL_MAX_PARAMETERS]

    def _bind(self, int loss, bint fast, bint rows, bint classes, str reduction,
              tuple parameters):
        """Say which kernel the fast lane runs, and whether it may."""
        self._loss = loss
        self._fast = fast
        self._rows = rows
        self._classes = classes
        self._reduction = <fl_reduction><int>REDUCTIONS.index(reduction)
        for k in range(len(parameters)):
            self._parameters[k] = parameters[k]

    cdef bint _direct(self, fl_output_set outputs, object y_true, object y_pred,
                      object grad, object hess, double *value) except -1:
        """Whether the call was plain, and is done."""
        if not self._fast or not is_plain(y_pred):
            return False
        cdef cnp.ndarray labels, predictions = y_pred
        cdef int number = cnp.PyArray_TYPE(predictions)
        if self._classes:
            if not are_classes(y_true, predictions):
                return False
            labels = y_true
        else:
            if not is_plain(y_true):
                return False
            labels = y_true
            if cnp.PyArray_TYPE(labels) != number:
                return False
            if not cnp.PyArray_SAMESHAPE(labels, predictions):
                return False
        if grad is not None and not is_output(grad, predictions):
            return False
        if hess is not None and not is_output(hess, predictions):
            return False
        if grad is not None and hess is not None and overlap(grad, hess):
            return False
        for out in (grad, hess):
            if out is not None:
                if overlap(out, labels) or overlap(out, predictions):
                    return False
        cdef int64_t n = cnp.PyArray_SIZE(predictions), classes = 1
        cdef fl_type kind = FL_TYPE_F32 if number == cnp.NPY_FLOAT else FL_TYPE_F64
        if self._rows:
            if cnp.PyArray_NDIM(predictions) == 0:
                return False
            classes = predictions.shape[cnp.PyArray_NDIM(predictions) - 1]
        elif n <= BLOCK and self._loss != FL_CUSTOM:
            return fl_run_small(
                self._loss,
                kind,
                n,
                data_of(labels),
                data_of(predictions),
                self._parameters,
                1.0 if self._reduction == FL_SUM else <double>n,
                outputs,
                value,
                data_of(grad),
                data_of(hess),
            )
        return self._run(outputs, kind, n // classes, classes, data_of(labels),
                         data_of(predictions), data_of(grad), data_of(hess), value)

    cdef bint _run(self, fl_output_set outputs, fl_type kind, int64_t items,
                   int64_t classes, void *labels, void *predictions, void *grad,
                   void *hess, double *value) except -1:
        """The engine on flat arrays.

        Their shapes are not looked at again: Python code that runs from here on, in
        this thread or another, may give the arrays others.
        """
        cdef int64_t[2] shape = [items, classes]
        cdef ptrdiff_t[2] strides
        cdef ptrdiff_t label_stride = sizeof(int64_t)
        cdef fl_job job
        cdef fl_result result
        cdef list raised = []
        cdef Program program = None
        memset(&job, 0, sizeof(fl_job))
        job.loss = self._loss
        if self._loss == FL_CUSTOM:
            program = self._program(<int>outputs)
            job.program = program.data
        job.type = kind
        job.outputs = outputs
        job.reduction = self._reduction
        job.ndim = 2 if self._rows else 1
        job.shape = shape
        strides[1] = 4 if kind == FL_TYPE_F32 else 8
        strides[0] = strides[1] * classes
        if self._classes:
            fill_plain(&job.in_[0], labels, FL_TYPE_I64, 1, &label_stride)
        else:
            fill_plain(&job.in_[0], labels, kind, job.ndim, strides)
        fill_plain(&job.in_[1], predictions, kind, job.ndim, strides)
        fill_plain(&job.grad[0], grad, kind, job.ndim, strides)
        fill_plain(&job.hess[0], hess, kind, job.ndim, strides)
        job.inputs = 2
        job.labels = job.heads = 1
        job.parameters = self._parameters
        job.threads = 1 if items * classes < SERIAL else <int>get_num_threads()
        job.poll = check_signals
        job.poll_argument = <void *>raised
        with nogil:
            fl_run(&job, &result)
        if raised:
            raise raised[0]
        value[0] = result.value
        return result.status == FL_OK

    cdef object _output(self, object y_pred, object sample_weight, object out):
        """`out` or a new array like a plain `y_pred`; None bars the fast lane."""
        if not self._fast or sample_weight is not None:
            return None
        return like(y_pred) if out is None else out

    def __call__(self, y_true, y_pred, *, sample_weight=None, out=None, **parameters):
        cdef Kernel loss = self._with(parameters) if parameters else self
        cdef double value = 0
        if sample_weight is None and out is None:
            if loss._direct(FL_V, y_true, y_pred, None, None, &value):
                return value
        return loss._value(y_true, y_pred, sample_weight, out)

    def grad(self, y_true, y_pred, *, sample_weight=None, out=None, **parameters):
        """Gradient of the reduced value with respect to `y_pred`.

        Parameters
        ----------
        y_true, y_pred, sample_weight
            As for the value.
        out : ndarray, optional
            Float32 or float64 array of the shape of `y_pred` that receives the gradient.
        **parameters
            Parameters of the loss, for this call.

        Returns
        -------
        ndarray
            `out`, or a new array of the shape and dtype of `y_pred`.
        """
        cdef Kernel loss = self._with(parameters) if parameters else self
        cdef double value = 0
        cdef object new = loss._output(y_pred, sample_weight, out)
        if new is not None and loss._direct(FL_G, y_true, y_pred, new, None, &value):
            return new
        return loss._grad(y_true, y_pred, sample_weight, out)

    def value_and_grad(
        self, y_true, y_pred, *, sample_weight=None, out=None, **parameters
    ):
        """Value and gradient in one pass; the value is that of the call to the bit.

        Parameters
        ----------
        y_true, y_pred, sample_weight
            As for the value.
        out : ndarray or pair, optional
            Array for the gradient; under ``reduction="none"`` also a pair
            ``(values, gradient)``, either of which may be None.
        **parameters
            Parameters of the loss, for this call.

        Returns
        -------
        (value, gradient)
        """
        cdef Kernel loss = self._with(parameters) if parameters else self
        cdef double value = 0
        cdef object new = loss._output(y_pred, sample_weight, out)
        if new is not None and loss._direct(FL_VG, y_true, y_pred, new, None, &value):
            return value, new
        return loss._value_and_grad(y_true, y_pred, sample_weight, out)

    def grad_and_hess(
        self, y_true, y_pred, *, sample_weight=None, out=None, **parameters
    ):
        """Gradient and diagonal of the Hessian with respect to `y_pred`.

        Parameters
        ----------
        y_true, y_pred, sample_weight
            As for the value.
        out : pair of ndarrays, optional
            Arrays for ``(gradient, hessian)``, either of which may be None.
        **parameters
            Parameters of the loss, for this call.

        Returns
        -------
        (gradient, hessian)
        """
        cdef Kernel loss = self._with(parameters) if parameters else self
        cdef double value = 0
        cdef object new_grad = None, new_hess = None
        if out is None or (type(out) is tuple and len(<tuple>out) == 2):
            new_grad, new_hess = (None, None) if out is None else out
            new_grad = loss._output(y_pred, sample_weight, new_grad)
            new_hess = loss._output(y_pred, sample_weight, new_hess)
        if new_grad is not None and new_hess is not None:
            if loss._direct(FL_GH, y_true, y_pred, new_grad, new_hess, &value):
                return new_grad, new_hess
        return loss._grad_and_hess(y_true, y_pred, sample_weight, out)
