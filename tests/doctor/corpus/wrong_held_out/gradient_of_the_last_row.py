# causes: wrong-gradient
import numpy as np

rs = np.random.RandomState(4)
hours = rs.uniform(0, 10, 120)
sleep = rs.uniform(4, 9, 120)
marks = 6 * hours + 3 * sleep + 20 + rs.normal(0, 4, 120)
table = np.stack([hours, sleep], axis=1)
table = (table - table.mean(axis=0)) / table.std(axis=0)
goal = (marks - marks.mean()) / marks.std()
coef, shift = np.zeros(2), np.zeros(1)
for epoch in range(300):
    for row, want in zip(table, goal):
        miss = row @ coef + shift[0] - want
        slope_coef = miss * row
        slope_shift = miss
    coef -= 0.2 * slope_coef / len(goal)
    shift -= 0.2 * slope_shift / len(goal)
    if epoch % 60 == 0:
        print(epoch, np.mean((table @ coef + shift - goal) ** 2))
