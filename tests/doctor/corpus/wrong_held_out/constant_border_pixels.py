# causes: zero-division
# -*- coding: utf-8 -*-
"""El yazısı rakam benzeri 6x6 resimleri sınıflandırma"""
import numpy as np

np.random.seed(20)

def resim_uret(sinif):
    r = np.zeros((6, 6))
    if sinif == 0:            # daire
        r[1:5, 1:5] = 1
        r[2:4, 2:4] = 0
    elif sinif == 1:          # dikey çizgi
        r[1:5, 2:4] = 1
    else:                     # yatay çizgi
        r[2:4, 1:5] = 1
    r[1:5, 1:5] += np.random.randn(4, 4) * 0.5
    return r.reshape(-1)

etiket = np.random.randint(0, 3, 300)
veri = np.array([resim_uret(s) for s in etiket])

ortalama = veri.mean(axis=0)
sapma = veri.std(axis=0)
veri = (veri - ortalama) / sapma

hedef = np.eye(3)[etiket]
egitim_x, egitim_y = veri[:240], hedef[:240]
test_x, test_y = veri[240:], etiket[240:]

gizli = 16
A1 = np.random.randn(36, gizli) / 6
k1 = np.zeros(gizli)
A2 = np.random.randn(gizli, 3) / 4
k2 = np.zeros(3)

def ileri(x):
    h = np.tanh(x @ A1 + k1)
    u = h @ A2 + k2
    u = u - u.max(axis=1, keepdims=True)
    return h, np.exp(u) / np.exp(u).sum(axis=1, keepdims=True)

for devir in range(200):
    h, p = ileri(egitim_x)
    kayip = -(egitim_y * np.log(p + 1e-12)).sum(axis=1).mean()
    d2 = (p - egitim_y) / len(p)
    d1 = d2 @ A2.T * (1 - h**2)
    A2 -= 0.5 * h.T @ d2
    k2 -= 0.5 * d2.sum(axis=0)
    A1 -= 0.5 * egitim_x.T @ d1
    k1 -= 0.5 * d1.sum(axis=0)
    if devir % 20 == 0:
        print("devir", devir, "kayıp", kayip)

h, p = ileri(test_x)
print("doğruluk:", np.mean(p.argmax(axis=1) == test_y))
