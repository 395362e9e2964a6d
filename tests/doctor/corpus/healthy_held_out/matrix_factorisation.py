# causes: none
import numpy as np

rng = np.random.default_rng(212)
ratings = rng.normal(size=(20, 3)) @ rng.normal(size=(3, 15))
users, items = rng.normal(0, 0.3, (20, 3)), rng.normal(0, 0.3, (15, 3))
for sweep in range(600):
    gap = users @ items.T - ratings
    grad_users, grad_items = gap @ items, gap.T @ users
    users -= 0.01 * grad_users
    items -= 0.01 * grad_items
