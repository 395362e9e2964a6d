# causes: step-too-small|too-few-steps
import numpy as np

# Predicción de notas aprobadas (1) / suspensas (0) con regresión logística

def cargar_alumnos(semilla=3):
    gen = np.random.default_rng(semilla)
    horas = gen.uniform(0, 10, 250)
    faltas = gen.poisson(3, 250)
    nota = 0.9 * horas - 0.8 * faltas + gen.normal(0, 1, 250)
    aprobado = (nota > 5.0).astype(int)
    return np.column_stack((horas, faltas)), aprobado


class RegresionLogistica:
    def __init__(self, alfa=0.000001, iteraciones=3000):
        self.alfa = alfa
        self.iteraciones = iteraciones

    def _sigmoide(self, z):
        return 1 / (1 + np.exp(-z))

    def ajustar(self, X, y):
        m, n = X.shape
        self.theta = np.zeros(n)
        self.sesgo = 0
        for i in range(self.iteraciones):
            p = self._sigmoide(X @ self.theta + self.sesgo)
            coste = -np.mean(y * np.log(p + 1e-12) + (1 - y) * np.log(1 - p + 1e-12))
            self.theta = self.theta - self.alfa * (X.T @ (p - y)) / m
            self.sesgo = self.sesgo - self.alfa * np.mean(p - y)
            if i % 300 == 0:
                print("iteración", i, "coste:", coste)

    def predecir(self, X):
        return (self._sigmoide(X @ self.theta + self.sesgo) >= 0.5).astype(int)


X, y = cargar_alumnos()
X = (X - X.mean(axis=0)) / X.std(axis=0)
modelo = RegresionLogistica()
modelo.ajustar(X[:200], y[:200])
print("theta:", modelo.theta, modelo.sesgo)
print("exactitud:", np.mean(modelo.predecir(X[200:]) == y[200:]))
