# The fast lane: calls on arrays of NumPy itself go straight to the engine. What it reads
# of their shapes is copied first, as other threads may give an array another shape while
# it runs.

# Entries from which more than one thread may be used; below, nobody is asked how many.
cdef int64_t SERIAL = fl_serial_entries()

cdef object get_num_threads = None


def ask_for_threads(function):
    """Tell the fast lane whom to ask for the number of threads."""
    global get_num_threads
    get_num_threads = function


cdef enum:
    NUMPY_TYPES = 14  # those before long double

cdef int[NUMPY_TYPES] TYPES  # fl_type of each, or -1


cdef int number_types() except -1:
    cdef int number
    for number in range(NUMPY_TYPES):
        TYPES[number] = -1
    for code in "?bhilqBHILQfd":
        array = np.empty(0, code)
        number = cnp.PyArray_TYPE(array)
        TYPES[number] = type_of(array)
    return 0


number_types()


cdef struct Operand:
    # An array as it was when the call began, and the bytes it lies in.
    fl_array array
    ptrdiff_t[FL_MAX_DIMS] strides
    const char *low
    const char *high


cdef inline bint take(object given, int ndim, const int64_t *shape,
                      Operand *operand) noexcept:
    """Whether `given` is an array of numbers of this shape; or of its leading axes."""
    if type(given) is not cnp.ndarray:
        return False
    cdef cnp.ndarray nd = given
    cdef int number = cnp.PyArray_TYPE(nd), axis
    cdef int kind = TYPES[number] if number < NUMPY_TYPES else -1
    cdef ptrdiff_t extent
    if kind < 0 or cnp.PyArray_NDIM(nd) > ndim:
        return False
    operand.low = operand.high = cnp.PyArray_BYTES(nd)
    operand.high += cnp.PyArray_ITEMSIZE(nd)
    for axis in range(cnp.PyArray_NDIM(nd)):
        if cnp.PyArray_DIM(nd, axis) != shape[axis]:
            return False
        operand.strides[axis] = cnp.PyArray_STRIDE(nd, axis)
        extent = operand.strides[axis] * (shape[axis] - 1)
        if extent < 0:
            operand.low += extent
        else:
            operand.high += extent
    operand.array.data = cnp.PyArray_DATA(nd)
    operand.array.type = <fl_type>kind
    operand.array.swapped = not cnp.PyArray_ISNOTSWAPPED(nd)
    operand.array.ndim = cnp.PyArray_NDIM(nd)
    operand.array.strides = operand.strides
    return True


cdef inline bint is_float(const Operand *operand) noexcept:
    return operand.array.type == FL_TYPE_F32 or operand.array.type == FL_TYPE_F64


cdef inline void repeat(int ndim, Operand *operand) noexcept:
    """Gives an array of leading axes the others."""
    cdef int axis
    for axis in range(operand.array.ndim, ndim):
        operand.strides[axis] = 0
    operand.array.ndim = ndim


cdef inline bint is_nested(int ndim, const int64_t *shape, const Operand *out) noexcept:
    """Whether no two elements share a byte, as strides in C order show at once."""
    cdef ptrdiff_t width = 4 if out.array.type == FL_TYPE_F32 else 8
    cdef int axis
    for axis in range(ndim - 1, -1, -1):
        if shape[axis] > 1:
            if out.strides[axis] < width:
                return False
            width = out.strides[axis] * shape[axis]
    return True


cdef inline bint take_output(object given, int ndim, const int64_t *shape,
                             Operand *out) noexcept:
    """Whether the engine may write to `given`; overlaps are left to the methods."""
    if not take(given, ndim, shape, out) or out.array.ndim != ndim or not is_float(out):
        return False
    cdef cnp.ndarray nd = given
    return cnp.PyArray_ISWRITEABLE(nd) and (
        cnp.PyArray_IS_F_CONTIGUOUS(nd) or is_nested(ndim, shape, out)
    )


cdef inline bint apart(const Operand *a, const Operand *b) noexcept:
    """Whether two operands, if there are two, share no memory."""
    return a.array.data == NULL or b.array.data == NULL or (
        a.high <= b.low or b.high <= a.low
    )


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


cdef inline bint is_plain_like(object array, cnp.ndarray predictions):
    """A plain array of the shape and dtype of `predictions`."""
    return (
        is_plain(array)
        and cnp.PyArray_TYPE(<cnp.ndarray>array) == cnp.PyArray_TYPE(predictions)
        and cnp.PyArray_SAMESHAPE(<cnp.ndarray>array, predictions)
    )


cdef inline bint overlap(cnp.ndarray a, cnp.ndarray b):
    """Whether two contiguous arrays share memory."""
    cdef char *start_a = cnp.PyArray_BYTES(a)
    cdef char *start_b = cnp.PyArray_BYTES(b)
    return start_a < start_b + cnp.PyArray_NBYTES(b) and (
        start_b < start_a + cnp.PyArray_NBYTES(a)
    )


cdef inline bint is_plain_output(object array, cnp.ndarray labels,
                                 cnp.ndarray predictions):
    """None, or a plain array like `predictions` that can be written to."""
    return array is None or (
        is_plain_like(array, predictions)
        and cnp.PyArray_ISWRITEABLE(<cnp.ndarray>array)
        and not overlap(<cnp.ndarray>array, labels)
        and not overlap(<cnp.ndarray>array, predictions)
    )


cdef inline void *data_of(object array) noexcept:
    return NULL if array is None else cnp.PyArray_DATA(<cnp.ndarray>array)


cdef class Kernel:
    """The fast lane of a loss: NumPy arrays go straight to the engine.

    Everything else, and whatever the engine refuses, goes to the methods `_value`,
    `_grad`, `_value_and_grad` and `_grad_and_hess` of the subclass, which check,
    convert and explain; `_with` gives the loss with other parameters, `_program` the
    program of a custom one for a set of outputs.
    """

    cdef int _loss
    cdef bint _fast, _rows, _classes, _signs
    cdef fl_reduction _reduction
    cdef double[FL_MAX_PARAMETERS] _parameters
    cdef fl_target_options _targets
    cdef cnp.ndarray _class_weight

    def _bind(self, int loss, bint fast, bint rows, bint classes, str reduction,
              tuple parameters, *, bint sign_labels=False, double smoothing=0.0,
              class_weight=None, ignore_class=None, bint any_sum=False,
              int label_form=0, double temperature=0.0, double softcap=0.0):
        """Say which kernel the fast lane runs, with which options, and whether it may."""
        self._loss = loss
        self._fast = fast
        self._rows = rows
        self._classes = classes
        self._signs = sign_labels
        self._reduction = <fl_reduction><int>REDUCTIONS.index(reduction)
        for k in range(len(parameters)):
            self._parameters[k] = parameters[k]
        if class_weight is not None:
            self._class_weight = np.array(class_weight, dtype=np.float64)
            self._targets.class_weight = (
                <const double *>cnp.PyArray_DATA(self._class_weight)
            )
        self._targets.smoothing = smoothing
        self._targets.has_ignore = ignore_class is not None
        self._targets.ignore_class = 0 if ignore_class is None else ignore_class
        self._targets.any_sum = any_sum
        self._targets.label_form = <fl_label_form>label_form
        self._targets.temperature = temperature
        self._targets.softcap = softcap

    cdef bint _direct(self, fl_output_set outputs, object y_true, object y_pred,
                      object weight, object values, object grad, object hess,
                      double *value) except -1:
        """Whether the call was one for the engine, and is done."""
        if not self._fast or type(y_pred) is not cnp.ndarray:
            return False
        if (
            not self._rows
            and weight is None
            and values is None
            and self._loss != FL_CUSTOM
            and cnp.PyArray_SIZE(<cnp.ndarray>y_pred) <= BLOCK
            and is_plain(y_pred)
            and is_plain_like(y_true, <cnp.ndarray>y_pred)
            and is_plain_output(grad, <cnp.ndarray>y_true, <cnp.ndarray>y_pred)
            and is_plain_output(hess, <cnp.ndarray>y_true, <cnp.ndarray>y_pred)
            and (hess is None or not overlap(<cnp.ndarray>grad, <cnp.ndarray>hess))
        ):
            return self._small(outputs, y_true, y_pred, grad, hess, value)
        return self._any_size(outputs, y_true, y_pred, weight, values, grad, hess, value)

    cdef bint _small(self, fl_output_set outputs, cnp.ndarray labels,
                     cnp.ndarray predictions, object grad, object hess,
                     double *value) except -1:
        """One block of plain arrays, straight to its kernel."""
        cdef int64_t n = cnp.PyArray_SIZE(predictions)
        return fl_run_small(
            self._loss,
            FL_TYPE_F32 if cnp.PyArray_TYPE(predictions) == cnp.NPY_FLOAT else FL_TYPE_F64,
            n,
            cnp.PyArray_DATA(labels),
            cnp.PyArray_DATA(predictions),
            self._parameters,
            1.0 if self._reduction in (FL_SUM, FL_NONE) else <double>n,
            outputs,
            value,
            data_of(grad),
            data_of(hess),
        )

    cdef bint _any_size(self, fl_output_set outputs, object y_true, cnp.ndarray y_pred,
                        object weight, object values, object grad, object hess,
                        double *value) except -1:
        """Arrays of any size and layout."""
        cdef int64_t[FL_MAX_DIMS] shape
        cdef Operand labels, predictions, weights
        cdef Operand[3] out
        cdef int ndim = cnp.PyArray_NDIM(y_pred), axis, k
        cdef int samples = ndim - self._rows
        cdef int64_t entries = 1
        if samples < 0:
            return False
        for axis in range(ndim):
            shape[axis] = cnp.PyArray_DIM(y_pred, axis)
            entries *= shape[axis]
        if entries == 0 or not take(y_pred, ndim, shape, &predictions):
            return False
        if not is_float(&predictions):
            return False
        axis = samples if self._classes else ndim
        if not take(y_true, axis, shape, &labels) or labels.array.ndim != axis:
            return False
        if self._classes and is_float(&labels):
            return False
        if self._signs and labels.array.type == FL_TYPE_BOOL:
            labels.array.type = FL_TYPE_SIGN
        weights.array.data = NULL
        if weight is not None:
            if not take(weight, samples, shape, &weights):
                return False
            repeat(samples, &weights)
        if self._class_weight is not None and (
            cnp.PyArray_DIM(self._class_weight, 0) != shape[samples]
        ):
            return False
        for k in range(3):
            out[k].array.data = NULL
        if values is not None and not take_output(values, samples, shape, &out[0]):
            return False
        if grad is not None and not take_output(grad, ndim, shape, &out[1]):
            return False
        if hess is not None and not take_output(hess, ndim, shape, &out[2]):
            return False
        for k in range(3):
            if not (
                apart(&out[k], &labels)
                and apart(&out[k], &predictions)
                and apart(&out[k], &weights)
                and apart(&out[k], &out[(k + 1) % 3])
            ):
                return False
        cdef fl_job job
        memset(&job, 0, sizeof(fl_job))
        job.type = predictions.array.type
        job.outputs = outputs
        job.ndim = ndim
        job.shape = shape
        job.in_[0] = labels.array
        job.in_[1] = predictions.array
        job.weight = weights.array
        job.value = out[0].array
        job.grad[0] = out[1].array
        job.hess[0] = out[2].array
        job.threads = 1 if entries < SERIAL else <int>get_num_threads()
        return self._run(&job, value)

    cdef bint _run(self, fl_job *job, double *value) except -1:
        """Whether the engine has done the job of these arrays."""
        cdef fl_result result
        cdef list raised = []
        cdef Program program = None
        job.loss = self._loss
        if self._loss == FL_CUSTOM:
            program = self._program(<int>job.outputs)
            job.program = program.data
        job.reduction = self._reduction
        job.inputs = 2
        job.labels = job.heads = 1
        job.parameters = self._parameters
        job.targets = self._targets
        job.poll = check_signals
        job.poll_argument = <void *>raised
        with nogil:
            fl_run(job, &result)
        if raised:
            raise raised[0]
        value[0] = result.value
        return result.status == FL_OK

    cdef object _new(self, object y_pred, bint for_values):
        """A new array for a derivative or for values; None bars the fast lane."""
        if type(y_pred) is not cnp.ndarray:
            return None
        cdef cnp.ndarray nd = y_pred
        cdef int number = cnp.PyArray_TYPE(nd), ndim = cnp.PyArray_NDIM(nd)
        if (number != cnp.NPY_FLOAT and number != cnp.NPY_DOUBLE) or ndim < self._rows:
            return None
        if for_values and self._rows:
            return cnp.PyArray_EMPTY(ndim - 1, cnp.PyArray_DIMS(nd), number, 0)
        if cnp.PyArray_IS_C_CONTIGUOUS(nd):
            return cnp.PyArray_EMPTY(ndim, cnp.PyArray_DIMS(nd), number, 0)
        return np.empty_like(nd, dtype=nd.dtype.newbyteorder("="))

    cdef object _output(self, object y_pred, object out):
        """`out` or a new array for a derivative; None bars the fast lane."""
        if not self._fast:
            return None
        return self._new(y_pred, False) if out is None else out

    cdef object _values(self, object y_pred, object out):
        """`out` or a new array for values; None bars the fast lane."""
        if not self._fast:
            return None
        return self._new(y_pred, True) if out is None else out

    def __call__(
        self, y_true, y_pred, *more, sample_weight=None, out=None, **parameters
    ):
        if more:
            raise TypeError(self._of_more(len(more)))
        cdef Kernel loss = self._with(parameters) if parameters else self
        cdef double value = 0
        cdef object values = None
        if loss._reduction == FL_NONE:
            values = loss._values(y_pred, out)
            if values is not None and loss._direct(
                FL_V, y_true, y_pred, sample_weight, values, None, None, &value
            ):
                return values
        elif out is None and loss._direct(
            FL_V, y_true, y_pred, sample_weight, None, None, None, &value
        ):
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
        cdef object new = loss._output(y_pred, out)
        if new is not None and loss._direct(
            FL_G, y_true, y_pred, sample_weight, None, new, None, &value
        ):
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
        cdef object new = out, values = None
        cdef bint each = loss._reduction == FL_NONE
        if each:
            if type(out) is tuple and len(<tuple>out) == 2:
                values, new = out
            values = loss._values(y_pred, values)
        new = loss._output(y_pred, new)
        if (
            new is not None
            and (values is not None or not each)
            and loss._direct(
                FL_VG, y_true, y_pred, sample_weight, values, new, None, &value
            )
        ):
            return (values if each else value), new
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
            new_grad = loss._output(y_pred, new_grad)
            new_hess = loss._output(y_pred, new_hess)
        if new_grad is not None and new_hess is not None:
            if loss._direct(
                FL_GH, y_true, y_pred, sample_weight, None, new_grad, new_hess, &value
            ):
                return new_grad, new_hess
        return loss._grad_and_hess(y_true, y_pred, sample_weight, out)
