"""Rules of matrices: products, systems, decompositions, norms."""
