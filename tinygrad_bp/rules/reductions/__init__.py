"""Rules of functions that make one number of many, along axes."""
