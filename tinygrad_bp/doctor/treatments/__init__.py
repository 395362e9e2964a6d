"""Scale, start, rate and layers: causes that are proven by whole runs with something treated."""
