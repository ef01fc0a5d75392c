/* boxes.h: the kernels of a loss of two boxes, made by a loss file that has included jets.h
   and defined

     FL_NAME            its name
     FL_LOCAL(penalty)  what it adds to 1 - IoU

   A row is a box of four numbers (a, b, c, d), of which the parameters p, q and r make the
   corners x1 = a + p c, x2 = q a + r c, and so y1, y2 of b and d. */

FL_INLINE fl_jet FL_LOCAL(jet)(const fl_box_lanes *lanes, int l, const double *by,
                               const double *p) {
  const fl_side x =
      fl_moving_side(p, lanes->x[0][l], lanes->x[2][l], lanes->y[0][l], lanes->y[2][l],
                     by[0], by[2], lanes->u[0][l], lanes->u[2][l]);
  const fl_side y =
      fl_moving_side(p, lanes->x[1][l], lanes->x[3][l], lanes->y[1][l], lanes->y[3][l],
                     by[1], by[3], lanes->u[1][l], lanes->u[3][l]);
  const fl_boxes boxes = fl_boxes_of(x, y, p[0]);
  return fl_plus(boxes.loss, FL_LOCAL(penalty)(boxes, p[0]));
}

FL_OUTLINE void FL_LOCAL(losses)(const double *parameters, const fl_box_lanes *lanes,
                                 double *restrict v) {
  const double p[] = {parameters[0], parameters[1], parameters[2], parameters[3]};
  const double by[4] = {0};
  for (int l = 0; l < FL_LANES; l++) v[l] = FL_LOCAL(jet)(lanes, l, by, p).v;
}

/* Values, and the derivatives by one of the numbers. */
FL_OUTLINE void FL_LOCAL(slopes)(const double *unit, const double *parameters,
                                 const fl_box_lanes *lanes, double *restrict v,
                                 double *restrict g) {
  const double p[] = {parameters[0], parameters[1], parameters[2], parameters[3]};
  const double by[] = {unit[0], unit[1], unit[2], unit[3]};
  for (int l = 0; l < FL_LANES; l++) {
    const fl_jet jet = FL_LOCAL(jet)(lanes, l, by, p);
    v[l] = jet.v;
    g[l] = jet.d;
  }
}

/* Those along u, too. */
FL_OUTLINE void FL_LOCAL(bends)(const double *unit, const double *parameters,
                                const fl_box_lanes *lanes, double *restrict g,
                                double *restrict h) {
  const double p[] = {parameters[0], parameters[1], parameters[2], parameters[3]};
  const double by[] = {unit[0], unit[1], unit[2], unit[3]};
  for (int l = 0; l < FL_LANES; l++) {
    const fl_jet jet = FL_LOCAL(jet)(lanes, l, by, p);
    g[l] = jet.d;
    h[l] = jet.h;
  }
}

FL_INLINE int FL_LOCAL(kernel)(int want, const fl_row_block *block) {
  const double *p = block->parameters;
  const bool bends = want & (FL_WANT_HESS | FL_WANT_PRODUCT);
  fl_box_lanes lanes;
  for (int64_t row = 0; row < block->rows; row += FL_LANES) {
    fl_read_boxes(block, row, &lanes);
    if (want == FL_WANT_VALUE) FL_LOCAL(losses)(p, &lanes, lanes.v);
    for (int k = 0; k < 4 && want != FL_WANT_VALUE; k++) {
      const double unit[] = {k == 0, k == 1, k == 2, k == 3};
      if (want & FL_WANT_HESS) fl_move_along(unit, &lanes);
      if (bends) FL_LOCAL(bends)(unit, p, &lanes, lanes.g[k], lanes.h[k]);
      else FL_LOCAL(slopes)(unit, p, &lanes, lanes.v, lanes.g[k]);
    }
    fl_write_boxes(want, block, row, &lanes);
  }
  return 0;
}

FL_KERNELS(FL_LOCAL(kernel), fl_row_block)
FL_KERNEL(FL_LOCAL(product), FL_LOCAL(kernel), FL_WANT_PRODUCT, fl_row_block)

const fl_loss_kernels FL_SYMBOL(FL_NAME) = {
    .rowwise = FL_KERNEL_SET_WITH(FL_LOCAL(product))};

#undef FL_NAME
