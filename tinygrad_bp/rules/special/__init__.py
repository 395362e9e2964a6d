"""SciPy's special functions, one module a family.

Their ufuncs reach Tensors by the same protocol as NumPy's.  The families import SciPy, and are
themselves imported when a function of SciPy first meets a Tensor, or a pickle asks for a row.
"""
