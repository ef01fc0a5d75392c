/* rows.h: the losses of this family (registry/losses.h). */
FL_LOSS(gaussian_nll, distribution, ELEMENT, (REAL), (REAL, NONNEGATIVE), "full eps")
FL_LOSS(gaussian_nll_log_variance, distribution, ELEMENT, (REAL), (REAL, REAL), "full")
FL_LOSS(laplace_nll, distribution, ELEMENT, (REAL), (REAL, NONNEGATIVE), "full eps")
FL_LOSS(student_t, distribution, ELEMENT, (REAL), (REAL, NONNEGATIVE), "full eps nu")
FL_LOSS(negative_binomial, distribution, ELEMENT, (NONNEGATIVE),
        (NONNEGATIVE, NONNEGATIVE), "full eps")
FL_LOSS(crps_normal, distribution, ELEMENT, (REAL), (REAL, NONNEGATIVE), "")
FL_LOSS(crps_laplace, distribution, ELEMENT, (REAL), (REAL, NONNEGATIVE), "")
FL_LOSS(crps_logistic, distribution, ELEMENT, (REAL), (REAL, NONNEGATIVE), "")
FL_LOSS(interval_score, distribution, ELEMENT, (REAL), (REAL, REAL), "alpha")
