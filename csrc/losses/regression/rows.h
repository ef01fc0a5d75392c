/* rows.h: the losses of this family (registry/losses.h). */
FL_LOSS(mean_squared_error, regression, ELEMENT, (REAL), (REAL), "")
FL_LOSS(mean_absolute_error, regression, ELEMENT, (REAL), (REAL), "")
FL_LOSS(half_squared_error, regression, ELEMENT, (REAL), (REAL), "")
FL_LOSS(quantile, regression, ELEMENT, (REAL), (REAL), "q delta")
FL_LOSS(expectile, regression, ELEMENT, (REAL), (REAL), "tau")
FL_LOSS(mean_absolute_percentage_error, regression, ELEMENT, (REAL), (REAL),
        "scale eps")
FL_LOSS(epsilon_insensitive, regression, ELEMENT, (REAL), (REAL), "epsilon")
FL_LOSS(squared_epsilon_insensitive, regression, ELEMENT, (REAL), (REAL), "epsilon")
FL_LOSS(mean_squared_logarithmic_error, regression, ELEMENT, (LOG1P), (LOG1P), "")
