/* elementwise_loops.h: the block kernels of one element-wise loss, made by a loss file
   that has defined FL_POINT and FL_NAME. */

#define FL_PASTE2(a, b) a##b
#define FL_PASTE(a, b) FL_PASTE2(a, b)
#define FL_LABELS ((fl_domain)FL_PASTE(FL_LABELS_, FL_NAME))
#define FL_PREDICTIONS ((fl_domain)FL_PASTE(FL_PREDICTIONS_, FL_NAME))

/* Non-zero outside the domain; a NaN is data and passes. */
FL_INLINE fl_int fl_outside(fl_domain domain, real z) {
  if (domain == FL_UNIT) return -(fl_int)((z < 0) | (z > 1));
  if (domain == FL_SIGN) return -(fl_int)((fl_abs(z) < 1) | (fl_abs(z) > 1));
  return 0;
}

/* A loss may compute one number per element ahead, in a loop of its own that defines
   FL_AHEAD: two short chains of dependent instructions keep a CPU busier than a long
   one (binary cross-entropy on logits: 1.13 instead of 1.46 ns an element). */
#ifdef FL_AHEAD
#define FL_POINT_AT(i) FL_POINT(y[i], x[i], ahead[i], parameters)
#else
#define FL_POINT_AT(i) FL_POINT(y[i], x[i], parameters)
#endif

FL_INLINE int fl_each(int want, int64_t n, const void *const *in,
                      const void *parameters, real *restrict v, real *restrict g,
                      real *restrict h) {
  const real *restrict y = in[0], *restrict x = in[1];
  fl_int outside = 0;
#ifdef FL_AHEAD
  real ahead[FL_BLOCK];
  for (int64_t i = 0; i < n; i++) ahead[i] = FL_AHEAD(x[i], parameters);
#endif
  for (int64_t i = 0; i < n; i++) {
    const fl_point point = FL_POINT_AT(i);
    if (want & FL_WANT_VALUE) v[i] = point.value;
    if (want & FL_WANT_GRAD) g[i] = point.grad;
    if (want & FL_WANT_HESS) h[i] = point.hess;
    outside |= fl_outside(FL_LABELS, y[i]) | fl_outside(FL_PREDICTIONS, x[i]);
  }
  return outside != 0;
}

#define FL_KERNEL(name, want)                                                   \
  static int name(int64_t n, const void *const *in, const void *parameters,     \
                  void *v, void *g, void *h) {                                  \
    return fl_each(want, n, in, parameters, v, g, h);                           \
  }

FL_KERNEL(fl_value, FL_WANT_VALUE)
FL_KERNEL(fl_grad, FL_WANT_GRAD)
FL_KERNEL(fl_value_grad, FL_WANT_VALUE | FL_WANT_GRAD)
FL_KERNEL(fl_grad_hess, FL_WANT_GRAD | FL_WANT_HESS)

const fl_loss_kernels FL_SYMBOL(FL_NAME) = {
    .elementwise = {fl_value, fl_grad, fl_value_grad, fl_grad_hess},
};
