/* extension.c: an extension in C that asks fastloss for a loss of two buffers of doubles.

     value_and_grad(loss, y_true, y_pred, grad, *parameters) -> value
     product(loss, y_true, y_pred, v, out, given=True) -> status; v may be left out */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "fastloss.h"

static const fl_api *fl;

static int buffer_of(PyObject *object, int flags, Py_buffer *buffer) {
  if (PyObject_GetBuffer(object, buffer, flags | PyBUF_FORMAT | PyBUF_ND) < 0) return 0;
  if (buffer->ndim == 1 && buffer->itemsize == sizeof(double)) return 1;
  PyErr_SetString(PyExc_TypeError, "a buffer of doubles, please");
  PyBuffer_Release(buffer);
  return 0;
}

static PyObject *run(int loss, const Py_buffer *y, const Py_buffer *x,
                     const Py_buffer *g, const double *parameters) {
  const int64_t n = x->shape[0];
  const ptrdiff_t stride = sizeof(double);
  fl_job job = {.loss = loss,
                .type = FL_TYPE_F64,
                .outputs = FL_VG,
                .reduction = FL_MEAN,
                .ndim = 1,
                .shape = &n,
                .inputs = 2,
                .labels = 1,
                .heads = 1,
                .in = {{y->buf, FL_TYPE_F64, false, 1, &stride},
                       {x->buf, FL_TYPE_F64, false, 1, &stride}},
                .grad = {{g->buf, FL_TYPE_F64, false, 1, &stride}},
                .parameters = parameters,
                .threads = fl->threads()};
  fl_result result;
  Py_BEGIN_ALLOW_THREADS
  fl->run(&job, &result);
  Py_END_ALLOW_THREADS
  if (result.status == FL_OK) return PyFloat_FromDouble(result.value);
  if (result.status == FL_BAD_INPUT)
    return PyErr_Format(PyExc_ValueError, "number %zd %s", (Py_ssize_t)result.index,
                        fl->domain(loss, result.input));
  return PyErr_Format(PyExc_RuntimeError, "status %d", (int)result.status);
}

static PyObject *value_and_grad(PyObject *self, PyObject *arguments) {
  const char *name;
  PyObject *y_true, *y_pred, *gradient, *done = NULL;
  double parameters[FL_MAX_PARAMETERS] = {0};
  if (!PyArg_ParseTuple(arguments, "sOOO|dd", &name, &y_true, &y_pred, &gradient,
                        &parameters[0], &parameters[1]))
    return NULL;
  const int loss = fl->find(name);
  if (loss < 0) return PyErr_Format(PyExc_LookupError, "no loss is called %s", name);
  Py_buffer y, x, g;
  if (!buffer_of(y_true, 0, &y)) return NULL;
  if (buffer_of(y_pred, 0, &x)) {
    if (buffer_of(gradient, PyBUF_WRITABLE, &g)) {
      if (y.shape[0] == x.shape[0] && g.shape[0] == x.shape[0])
        done = run(loss, &y, &x, &g, parameters);
      else PyErr_SetString(PyExc_ValueError, "three buffers of one length, please");
      PyBuffer_Release(&g);
    }
    PyBuffer_Release(&x);
  }
  PyBuffer_Release(&y);
  return done;
}

static PyObject *product(PyObject *self, PyObject *arguments) {
  const char *name;
  PyObject *objects[4], *done = NULL;
  int given = 1, taken = 0;
  if (!PyArg_ParseTuple(arguments, "sOOOO|p", &name, &objects[0], &objects[1],
                        &objects[2], &objects[3], &given))
    return NULL;
  Py_buffer of[4];
  while (taken < 4 && buffer_of(objects[taken], PyBUF_WRITABLE, &of[taken])) taken++;
  const ptrdiff_t stride = sizeof(double);
  const double parameters[FL_MAX_PARAMETERS] = {1};
  if (taken == 4) {
    const int64_t n = of[0].shape[0];
    fl_job job = {.loss = fl->find(name),
                  .type = FL_TYPE_F64,
                  .outputs = FL_HV,
                  .reduction = FL_SUM,
                  .ndim = 1,
                  .shape = &n,
                  .inputs = 2 + given,
                  .labels = 1,
                  .heads = 1,
                  .parameters = parameters,
                  .threads = 1};
    for (int k = 0; k < 3; k++)
      job.in[k] = (fl_array){of[k].buf, FL_TYPE_F64, false, 1, &stride};
    job.grad[0] = (fl_array){of[3].buf, FL_TYPE_F64, false, 1, &stride};
    fl_result result;
    fl->run(&job, &result);
    done = PyLong_FromLong(result.status);
  }
  while (taken > 0) PyBuffer_Release(&of[--taken]);
  return done;
}

static PyObject *parameters(PyObject *self, PyObject *name) {
  const char *text = PyUnicode_AsUTF8(name);
  const fl_loss_row *row = text ? fl->row(fl->find(text)) : NULL;
  return row ? PyUnicode_FromString(row->parameters) : PyUnicode_FromString("?");
}

static PyMethodDef methods[] = {{"value_and_grad", value_and_grad, METH_VARARGS, NULL},
                                {"product", product, METH_VARARGS, NULL},
                                {"parameters", parameters, METH_O, NULL},
                                {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {.m_base = PyModuleDef_HEAD_INIT,
                                    .m_name = "extension",
                                    .m_size = -1,
                                    .m_methods = methods};

PyMODINIT_FUNC PyInit_extension(void) {
  fl = fl_import();
  return fl ? PyModule_Create(&module) : NULL;
}
