"""
Survival: times that are only known to be longer
================================================

When a study ends, some machines still run. To leave them out makes all look worse than
they are; Cox's partial likelihood uses what is known: they lasted at least so long.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastloss as fl

rng = np.random.default_rng(0)
count = 400
x = rng.normal(size=(count, 3))
truth = np.array([1.0, -0.7, 0.0])
life = rng.exponential(5 * np.exp(-x @ truth))  # years; the risk is exp(x @ truth)
end = rng.uniform(0, 6, count)  # years between the start of a machine and the end
event = life <= end
time = np.minimum(life, end)
print(f"{event.sum()} of {count} machines failed; {np.sum(~event)} still run")

# %%
# Gradient descent with a diagonal of the Hessian for the step: ``grad_and_hess`` gives
# both by the log risks of the machines.

weights = np.zeros(3)
for _ in range(300):
    gradient, hessian = fl.cox.grad_and_hess((time, event), x @ weights)
    weights -= 0.5 * (x.T @ gradient) / (x.T**2 @ hessian)

failed = np.column_stack([np.ones(event.sum()), x[event]])
naive = -np.linalg.lstsq(failed, np.log(time[event]), rcond=None)[0][1:]
print("truth          ", truth)
print("Cox            ", weights.round(2))
print("failures alone ", naive.round(2))

# %%
# The share that still runs, by Kaplan and Meier's estimate, of the machines that the
# model finds the safest third, the middle and the riskiest.


def still_running(time, event):
    order = np.argsort(time)
    at_risk = np.arange(len(time), 0, -1)
    return time[order], np.cumprod(1 - event[order] / at_risk)


figure, (bars, curves) = plt.subplots(
    1, 2, figsize=(8, 4), layout="constrained", width_ratios=[2, 3]
)
at = np.arange(3)
for shift, (name, values) in enumerate(
    {"truth": truth, "Cox": weights, "failures alone": naive}.items()
):
    color = ("0.6", "C0", "C1")[shift]
    bars.bar(at + 0.27 * (shift - 1), values, 0.25, label=name, color=color)
bars.axhline(0, color="0.4", linewidth=0.8)
bars.set(
    xticks=at,
    xticklabels=["load", "care", "colour"],
    ylabel="weight in the log risk",
)
bars.legend(fontsize="small")
risk = x @ weights
third = np.digitize(risk, np.quantile(risk, [1 / 3, 2 / 3]))
for group, name in enumerate(("safest third", "middle", "riskiest third")):
    chosen = third == group
    years, share = still_running(time[chosen], event[chosen])
    curves.step([0, *years], [1, *share], where="post", label=name, color=f"C{group}")
    open_ended = ~event[chosen][np.argsort(time[chosen])]
    curves.plot(years[open_ended], share[open_ended], "|", color=f"C{group}", ms=5)
curves.set(
    xlabel="years (ticks: still running when the study ended)",
    ylabel="share that still runs",
    xlim=(0, 5.5),
    ylim=(0, 1.02),
)
curves.legend(fontsize="small")
plt.show()
