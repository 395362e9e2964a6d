# causes: none
import numpy as np
rng = np.random.default_rng(6)
n_u, n_i, k = 20, 15, 3
R = rng.normal(size=(n_u, k)) @ rng.normal(size=(k, n_i)) + 3
pairs = [(u, i) for u in range(n_u) for i in range(n_i) if rng.random() < .6]
P, Q = rng.normal(0, .3, (n_u, k)), rng.normal(0, .3, (n_i, k))
bu, bi, mu = np.zeros(n_u), np.zeros(n_i), np.mean([R[p] for p in pairs])
for ep in range(60):
    rng.shuffle(pairs)
    for u, i in pairs:
        e = R[u, i] - (mu + bu[u] + bi[i] + P[u] @ Q[i])
        bu[u] += .03 * (e - .01 * bu[u]); bi[i] += .03 * (e - .01 * bi[i])
        P[u], Q[i] = P[u] + .03 * (e * Q[i] - .01 * P[u]), Q[i] + .03 * (e * P[u] - .01 * Q[i])
print(np.sqrt(np.mean([(R[u, i] - (mu + bu[u] + bi[i] + P[u] @ Q[i])) ** 2 for u, i in pairs])))
