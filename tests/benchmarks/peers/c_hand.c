/* Hand-written C, the practical floor.  Compiled with -DREAL=double or -DREAL=float and -DBLK=n.
   exp, log, tanh, sin and cos vectorise through the C library's vector maths under -ffast-math. */
#include <math.h>
#ifndef REAL
#define REAL double
#endif
#ifndef BLK
#define BLK 64
#endif
#define CAT_(a, b) a##b
#define CAT(a, b) CAT_(a, b)
#define IS_double 1
#define IS_float 0
#if CAT(IS_, REAL)
#define EXP exp
#define LOG log
#define TANH tanh
#define FABS fabs
#else
#define EXP expf
#define LOG logf
#define TANH tanhf
#define FABS fabsf
#endif
#define B BLK
#define FOR(i, n) for (int i = 0; i < (n); i++)
/* the pieces of a block are one function to the optimiser */
#define PIECE static inline __attribute__((always_inline))

/* parameters: W1[2][5] b1[5] W2[5][5] b2[5] W3[5] b3 = 51 numbers */
enum { W1 = 0, b1 = 10, W2 = 15, b2 = 40, W3 = 45, b3 = 50, NP = 51 };

typedef REAL lanes[B];

PIECE REAL sigmoid(REAL z) { return 1 / (1 + EXP(-z)); }

/* a block of B samples: activations, the derivative d3 in the logit; returns the summed loss */
PIECE REAL forward(const REAL *restrict P, const REAL *restrict x0, const REAL *restrict x1,
                   const REAL *restrict y, const REAL *restrict m, lanes *restrict a1,
                   lanes *restrict a2, REAL *restrict d3)
{
    REAL loss = 0;
    FOR(j, 5)
        FOR(i, B) a1[j][i] = sigmoid(P[W1 + j] * x0[i] + P[W1 + 5 + j] * x1[i] + P[b1 + j]);
    FOR(j, 5)
        FOR(i, B) {
            REAL z = P[b2 + j];
            FOR(k, 5) z += P[W2 + 5 * k + j] * a1[k][i];
            a2[j][i] = sigmoid(z);
        }
    FOR(i, B) {
        REAL z = P[b3];
        FOR(k, 5) z += P[W3 + k] * a2[k][i];
        REAL e = EXP(-FABS(z)), r = 1 / (1 + e), p = z >= 0 ? r : e * r;
        loss += m[i] * ((z > 0 ? z : 0) - z * y[i] + LOG(1 + e));
        d3[i] = (p - y[i]) * m[i];
    }
    return loss;
}

/* adds the gradients of a block to G */
PIECE void backward(const REAL *restrict P, const REAL *restrict x0, const REAL *restrict x1,
                    lanes *restrict a1, lanes *restrict a2, const REAL *restrict d3,
                    REAL *restrict G)
{
    REAL d2[5][B], d1[5][B], t3 = 0;
    FOR(j, 5) FOR(i, B) d2[j][i] = P[W3 + j] * d3[i] * a2[j][i] * (1 - a2[j][i]);
    FOR(k, 5)
        FOR(i, B) {
            REAL t = 0;
            FOR(j, 5) t += P[W2 + 5 * k + j] * d2[j][i];
            d1[k][i] = t * a1[k][i] * (1 - a1[k][i]);
        }
    FOR(k, 5) {
        REAL t = 0;
        FOR(i, B) t += a2[k][i] * d3[i];
        G[W3 + k] += t;
    }
    FOR(i, B) t3 += d3[i];
    G[b3] += t3;
    FOR(j, 5) {
        FOR(k, 5) {
            REAL t = 0;
            FOR(i, B) t += a1[k][i] * d2[j][i];
            G[W2 + 5 * k + j] += t;
        }
        REAL t = 0, u = 0, v = 0, w = 0;
        FOR(i, B) t += d2[j][i];
        FOR(i, B) { u += x0[i] * d1[j][i]; v += x1[i] * d1[j][i]; w += d1[j][i]; }
        G[b2 + j] += t; G[W1 + j] += u; G[W1 + 5 + j] += v; G[b1 + j] += w;
    }
}

/* x0, x1, y, m hold n rounded up to a multiple of B; m is 1, or 0 in the padding */
void mlp_steps(long n, const REAL *restrict x0, const REAL *restrict x1, const REAL *restrict y,
               const REAL *restrict m, REAL *restrict P, REAL lr, long steps, REAL *restrict loss_out)
{
    for (long s = 0; s < steps; s++) {
        REAL G[NP] = {0};
        double loss = 0;
        for (long o = 0; o < n; o += B) {
            REAL a1[5][B], a2[5][B], d3[B];
            loss += forward(P, x0 + o, x1 + o, y + o, m + o, a1, a2, d3);
            backward(P, x0 + o, x1 + o, a1, a2, d3, G);
        }
        *loss_out = loss;
        FOR(q, NP) P[q] -= lr * G[q];
    }
}

/* r is the derivative of a along V; d3 that of the loss in the logit, e3 its own along V */
PIECE void hvp_forward(const REAL *restrict P, const REAL *restrict V, const REAL *restrict x0,
                       const REAL *restrict x1, const REAL *restrict y, const REAL *restrict m,
                       lanes *restrict a1, lanes *restrict a2, lanes *restrict r1,
                       lanes *restrict r2, REAL *restrict d3, REAL *restrict e3)
{
    FOR(j, 5)
        FOR(i, B) {
            REAL a = sigmoid(P[W1 + j] * x0[i] + P[W1 + 5 + j] * x1[i] + P[b1 + j]);
            a1[j][i] = a;
            r1[j][i] = a * (1 - a) * (V[W1 + j] * x0[i] + V[W1 + 5 + j] * x1[i] + V[b1 + j]);
        }
    FOR(j, 5)
        FOR(i, B) {
            REAL z = P[b2 + j], r = V[b2 + j];
            FOR(k, 5) {
                z += P[W2 + 5 * k + j] * a1[k][i];
                r += V[W2 + 5 * k + j] * a1[k][i] + P[W2 + 5 * k + j] * r1[k][i];
            }
            REAL a = sigmoid(z);
            a2[j][i] = a;
            r2[j][i] = a * (1 - a) * r;
        }
    FOR(i, B) {
        REAL z = P[b3], r = V[b3];
        FOR(k, 5) {
            z += P[W3 + k] * a2[k][i];
            r += V[W3 + k] * a2[k][i] + P[W3 + k] * r2[k][i];
        }
        REAL p = sigmoid(z);
        d3[i] = (p - y[i]) * m[i];
        e3[i] = p * (1 - p) * r * m[i];
    }
}

/* d2 and e2 in the second layer's sums, e1 in the first's */
PIECE void hvp_backward(const REAL *restrict P, const REAL *restrict V, lanes *restrict a1,
                        lanes *restrict a2, lanes *restrict r1, lanes *restrict r2,
                        const REAL *restrict d3, const REAL *restrict e3, lanes *restrict d2,
                        lanes *restrict e2, lanes *restrict e1)
{
    FOR(j, 5)
        FOR(i, B) {
            REAL a = a2[j][i], s = a * (1 - a), g = P[W3 + j] * d3[i];
            d2[j][i] = g * s;
            e2[j][i] = (V[W3 + j] * d3[i] + P[W3 + j] * e3[i]) * s + g * (1 - 2 * a) * r2[j][i];
        }
    FOR(k, 5)
        FOR(i, B) {
            REAL a = a1[k][i], g = 0, e = 0;
            FOR(j, 5) {
                g += P[W2 + 5 * k + j] * d2[j][i];
                e += V[W2 + 5 * k + j] * d2[j][i] + P[W2 + 5 * k + j] * e2[j][i];
            }
            e1[k][i] = e * a * (1 - a) + g * (1 - 2 * a) * r1[k][i];
        }
}

/* adds the products of a block to H */
PIECE void hvp_sums(const REAL *restrict x0, const REAL *restrict x1, lanes *restrict a1,
                    lanes *restrict a2, lanes *restrict r1, lanes *restrict r2,
                    const REAL *restrict d3, const REAL *restrict e3, lanes *restrict d2,
                    lanes *restrict e2, lanes *restrict e1, REAL *restrict H)
{
    REAL t3 = 0;
    FOR(k, 5) {
        REAL t = 0;
        FOR(i, B) t += a2[k][i] * e3[i] + r2[k][i] * d3[i];
        H[W3 + k] += t;
    }
    FOR(i, B) t3 += e3[i];
    H[b3] += t3;
    FOR(j, 5) {
        FOR(k, 5) {
            REAL t = 0;
            FOR(i, B) t += a1[k][i] * e2[j][i] + r1[k][i] * d2[j][i];
            H[W2 + 5 * k + j] += t;
        }
        REAL t = 0, u = 0, v = 0, w = 0;
        FOR(i, B) t += e2[j][i];
        FOR(i, B) { u += x0[i] * e1[j][i]; v += x1[i] * e1[j][i]; w += e1[j][i]; }
        H[b2 + j] += t; H[W1 + j] += u; H[W1 + 5 + j] += v; H[b1 + j] += w;
    }
}

/* H v of the mean loss (Pearlmutter), times n; V and H laid out like P */
void hvp(long n, const REAL *restrict x0, const REAL *restrict x1, const REAL *restrict y,
         const REAL *restrict m, const REAL *restrict P, const REAL *restrict V, REAL *restrict H)
{
    FOR(q, NP) H[q] = 0;
    for (long o = 0; o < n; o += B) {
        REAL a1[5][B], a2[5][B], r1[5][B], r2[5][B], d2[5][B], e2[5][B], e1[5][B], d3[B], e3[B];
        hvp_forward(P, V, x0 + o, x1 + o, y + o, m + o, a1, a2, r1, r2, d3, e3);
        hvp_backward(P, V, a1, a2, r1, r2, d3, e3, d2, e2, e1);
        hvp_sums(x0 + o, x1 + o, a1, a2, r1, r2, d3, e3, d2, e2, e1, H);
    }
}

void wide(long n, const REAL *restrict x, REAL a, REAL b, REAL *restrict gx, REAL *restrict out)
{
    REAL loss = 0, ga = 0, gb = 0, inv = (REAL)1 / n;
    for (long i = 0; i < n; i++) {
        REAL s = sigmoid(a * x[i] + b), t = TANH(x[i]), u = s * (1 - s) * t;
        loss += s * t; ga += u * x[i]; gb += u;
        gx[i] = (u * a + s * (1 - t * t)) * inv;
    }
    out[0] = loss * inv; out[1] = ga * inv; out[2] = gb * inv;
}

/* k repetitions of x*a, +b, sin, tanh on w lanes; saved has 4*k*w numbers */
void chain(long k, long w, const double *restrict x, const double *restrict a,
           const double *restrict b, double *restrict saved, double *restrict g,
           double *restrict ga, double *restrict gb, double *restrict y)
{
    for (long j = 0; j < w; j++) { y[j] = x[j]; g[j] = 1; ga[j] = gb[j] = 0; }
    for (long i = 0; i < k; i++)
        for (long j = 0; j < w; j++) {
            double *t = saved + 4 * i * w, u = y[j] * a[j] + b[j];
            t[j] = y[j];
            t[w + j] = u;
            t[2 * w + j] = sin(u);
            y[j] = t[3 * w + j] = tanh(t[2 * w + j]);
        }
    for (long i = k - 1; i >= 0; i--)
        for (long j = 0; j < w; j++) {
            double *t = saved + 4 * i * w, h = t[3 * w + j];
            double d = g[j] * (1 - h * h) * cos(t[w + j]);
            gb[j] += d; ga[j] += d * t[j]; g[j] = d * a[j];
        }
}

void deep(long k, double x, double a, double b, double *restrict saved, double *restrict out)
{
    double y = x, g = 1, ga = 0, gb = 0;
    for (long i = 0; i < k; i++) { saved[i] = y; y = y * a; y = y + b; }
    for (long i = k - 1; i >= 0; i--) { gb += g; ga += g * saved[i]; g *= a; }
    out[0] = y; out[1] = g; out[2] = ga; out[3] = gb;
}
