/* boxes.h: the kernels of a loss of two boxes, made by a loss file that has included jets.h
   and defined

     FL_NAME            its name
     FL_LOCAL(penalty)  what it adds to 1 - IoU

   A row is a box of four numbers (a, b, c, d), of which the parameters p, q and r make the
   corners x1 = a + p c, x2 = q a + r c, and so y1, y2 of b and d. */

FL_INLINE fl_jet FL_LOCAL(jet)(const fl_box_lanes *lanes, int l, int by, bool along,
                               const double *p) {
  const double by_number[4] = {by == 0, by == 1, by == 2, by == 3};
  double u[4];
  for (int k = 0; k < 4; k++) u[k] = along ? lanes->u[k][l] : by_number[k];
  const fl_side x =
      fl_moving_side(p, lanes->x[0][l], lanes->x[2][l], lanes->y[0][l], lanes->y[2][l],
                     by_number[0], by_number[2], u[0], u[2]);
  const fl_side y =
      fl_moving_side(p, lanes->x[1][l], lanes->x[3][l], lanes->y[1][l], lanes->y[3][l],
                     by_number[1], by_number[3], u[1], u[3]);
  const fl_boxes boxes = fl_boxes_of(x, y, p[0]);
  return fl_plus(boxes.loss, FL_LOCAL(penalty)(boxes, p[0]));
}

FL_INLINE void FL_LOCAL(losses)(const double *parameters, const fl_box_lanes *lanes,
                                double *restrict v) {
  const double p[] = {parameters[0], parameters[1], parameters[2], parameters[3]};
  for (int l = 0; l < FL_LANES; l++) v[l] = FL_LOCAL(jet)(lanes, l, 0, false, p).v;
}

/* Values, and the derivatives by one of the numbers; `along` a vector, too. */
FL_OUTLINE void FL_LOCAL(derive)(int by, bool along, const double *parameters,
                                 const fl_box_lanes *lanes, double *restrict v,
                                 double *restrict g, double *restrict h) {
  const double p[] = {parameters[0], parameters[1], parameters[2], parameters[3]};
  for (int l = 0; l < FL_LANES; l++) {
    const fl_jet jet = FL_LOCAL(jet)(lanes, l, by, along, p);
    v[l] = jet.v;
    g[l] = jet.d;
    h[l] = jet.h;
  }
}

FL_INLINE int FL_LOCAL(kernel)(int want, const fl_row_block *block) {
  const double *p = block->parameters;
  const bool along = want & FL_WANT_PRODUCT;
  fl_box_lanes lanes;
  for (int64_t row = 0; row < block->rows; row += FL_LANES) {
    fl_read_boxes(block, row, &lanes);
    if (want == FL_WANT_VALUE) FL_LOCAL(losses)(p, &lanes, lanes.v);
    for (int k = 0; k < 4 && want != FL_WANT_VALUE; k++)
      FL_LOCAL(derive)(k, along, p, &lanes, lanes.v, lanes.g[k], lanes.h[k]);
    fl_write_boxes(want, block, row, &lanes);
  }
  return 0;
}

FL_KERNELS(FL_LOCAL(kernel), fl_row_block)
FL_KERNEL(FL_LOCAL(product), FL_LOCAL(kernel), FL_WANT_PRODUCT, fl_row_block)

const fl_loss_kernels FL_SYMBOL(FL_NAME) = {
    .rowwise = FL_KERNEL_SET_WITH(FL_LOCAL(product))};

#undef FL_NAME
