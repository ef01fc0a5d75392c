# cython: language_level=3
"""An extension in Cython: the mean loss of float32 logits and labels, without the GIL."""

from libc.stddef cimport ptrdiff_t
from libc.stdint cimport int64_t
from libc.string cimport memset


cdef extern from *:
    """
    #include "fastloss.h"
    """
    int FL_MAX_PARAMETERS
    ctypedef enum fl_type:
        FL_TYPE_F32
    ctypedef enum fl_reduction:
        FL_MEAN
    ctypedef enum fl_output_set:
        FL_V
    ctypedef enum fl_status:
        FL_OK
    ctypedef struct fl_array:
        void *data
        fl_type type
        int ndim
        const ptrdiff_t *strides
    ctypedef struct fl_job:
        int loss
        fl_type type
        fl_output_set outputs
        fl_reduction reduction
        int ndim
        const int64_t *shape
        int inputs, labels, heads
        fl_array in_ "in"[12]
        const double *parameters
        int threads
    ctypedef struct fl_result:
        double value
        fl_status status
    ctypedef struct fl_api:
        int (*find)(const char *) noexcept nogil
        void (*run)(const fl_job *, fl_result *) noexcept nogil
    const fl_api *fl_import() except NULL


cdef const fl_api *fl = fl_import()


def mean(bytes loss, const float[::1] y_true, const float[::1] y_pred):
    cdef fl_job job
    cdef fl_result result
    cdef double parameters[8]
    cdef int64_t n = y_pred.shape[0]
    cdef ptrdiff_t stride = sizeof(float)
    if y_true.shape[0] != n or n == 0:
        raise ValueError("two arrays of one length, please")
    memset(&job, 0, sizeof(job))
    memset(parameters, 0, sizeof(parameters))
    job.loss = fl.find(loss)
    job.type = FL_TYPE_F32
    job.outputs = FL_V
    job.reduction = FL_MEAN
    job.ndim = 1
    job.shape = &n
    job.inputs = 2
    job.labels = job.heads = 1
    job.in_[0].data = <void *>&y_true[0]
    job.in_[1].data = <void *>&y_pred[0]
    for k in range(2):
        job.in_[k].type = FL_TYPE_F32
        job.in_[k].ndim = 1
        job.in_[k].strides = &stride
    job.parameters = parameters
    job.threads = 1
    with nogil:
        fl.run(&job, &result)
    return result.value if result.status == FL_OK else -1.0 - result.status
