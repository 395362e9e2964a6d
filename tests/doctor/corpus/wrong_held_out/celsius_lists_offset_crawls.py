# causes: unscaled-inputs|too-few-steps|step-too-small
# celsius to fahrenheit with plain lists
celsius = [float(c) for c in range(0, 101, 5)]
fahrenheit = [1.8 * c + 32 for c in celsius]
a, b = 0.0, 0.0
rate = 0.0001
n = len(celsius)
for step in range(1000):
    ga = gb = 0.0
    for c, f in zip(celsius, fahrenheit):
        err = (a * c + b) - f
        ga += 2 / n * err * c
        gb += 2 / n * err
    a -= rate * ga
    b -= rate * gb
    if step % 100 == 0:
        print(step, a, b)
print(a, b)
