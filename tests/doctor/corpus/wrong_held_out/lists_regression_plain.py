# causes: wrong-operand|wrong-gradient
# no numpy: y = w1*x1 + w2*x2 + b, averaged gradient
xs = [[i / 10.0, (i % 7) / 7.0] for i in range(50)]
ys = [2.0 * a - 3.0 * b + 1.0 for a, b in xs]
w = [0.0, 0.0]
b = 0.0
lr = 0.05
for epoch in range(400):
    gw = [0.0, 0.0]
    gb = 0.0
    loss = 0.0
    for x, y in zip(xs, ys):
        pred = w[0] * x[0] + w[1] * x[1] + b
        err = pred - y
        loss += err ** 2
        gw[0] += 2 * err * x[0]
        gw[1] += 2 * err * x[0]
        gb += 2 * err
    n = len(xs)
    w[0] -= lr * gw[0] / n
    w[1] -= lr * gw[1] / n
    b -= lr * gb / n
    if epoch % 50 == 0:
        print(epoch, loss / n)
