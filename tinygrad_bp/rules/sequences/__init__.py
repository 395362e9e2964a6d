"""Rules of sequences: calculus on grids, convolutions, interpolation, polynomials, transforms."""
