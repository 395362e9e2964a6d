# causes: none
import numpy as np

rng = np.random.default_rng(8)
ill = rng.random(800) < 0.06
X = rng.normal(size=(800, 4)) + np.outer(ill, [1.8, -1.2, 0.0, 1.4])
target = ill.astype(float)
cost = np.where(ill, 12.0, 1.0)
beta = np.zeros(5)
rows = np.hstack([X, np.ones((800, 1))])
for k in range(1500):
    guess = 1 / (1 + np.exp(-rows @ beta))
    beta -= 0.4 * rows.T @ (cost * (guess - target)) / cost.sum()
print("found", np.mean(guess[ill] > 0.5), "alarms", np.mean(guess[~ill] > 0.5))
