# causes: none
import numpy as np

# Détection de fraude : 4 % de cas positifs. Régression logistique pondérée.
rng = np.random.default_rng(33)
n = 3000
fraude = rng.random(n) < 0.04
montant = rng.normal(0, 1, n) + 2.2 * fraude
heure = rng.normal(0, 1, n) - 1.5 * fraude
pays = rng.normal(0, 1, n) + 1.0 * fraude
X = np.c_[montant, heure, pays, np.ones(n)]
y = fraude.astype(float)
app, val = slice(0, 2200), slice(2200, n)

def sigmoide(z):
    return 1 / (1 + np.exp(-z))

# plus de poids pour la classe rare
poids = np.where(y == 1, 8.0, 1.0)
theta = np.zeros(4)
for tour in range(800):
    p = sigmoide(X[app] @ theta)
    gradient = X[app].T @ (poids[app] * (p - y[app])) / poids[app].sum()
    theta -= 0.5 * gradient
    if tour % 100 == 0:
        perte = -np.sum(poids[app] * np.where(y[app] == 1, np.log(p), np.log(1 - p))) / poids[app].sum()
        print("tour", tour, "perte pondérée", round(float(perte), 4))

p = sigmoide(X[val] @ theta)
for seuil in (0.3, 0.5, 0.8):
    alerte = p > seuil
    vp = np.sum(alerte & (y[val] == 1))
    print(f"seuil {seuil}: rappel {vp / np.sum(y[val]):.2f}, précision {vp / max(1, alerte.sum()):.2f}, exactitude {np.mean(alerte == (y[val] == 1)):.3f}")
