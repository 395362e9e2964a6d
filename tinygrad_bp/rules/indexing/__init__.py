"""Rules of functions that read, place, choose and order elements."""
