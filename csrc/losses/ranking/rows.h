/* rows.h: the losses of this family (registry/losses.h). */
FL_LOSS(listnet, ranking, GROUP, (REAL), (REAL), "")
FL_LOSS(ranking_softmax, ranking, GROUP, (NONNEGATIVE), (REAL), "")
FL_LOSS(pairwise_logistic, ranking, GROUP, (REAL), (REAL), "sigma mean")
FL_LOSS(lambdarank, ranking, GROUP, (NONNEGATIVE), (REAL), "sigma k linear")
FL_LOSS(listmle, ranking, GROUP, (REAL), (REAL), "")
FL_LOSS(approx_ndcg, ranking, GROUP, (NONNEGATIVE), (REAL), "alpha linear")
