"""Programs in machine code, made by LLVM.

The way of a program through this package, each step a module or a few of them.  Folders lean on
those before them: `llvm` is the language and what makes object code of it, `functions` such as exp
are written in it, `lowering` says what an instruction is made of, `loops` what runs together, and
`calls` is what is called.

1. `native` takes a family of programs, those of one function at any length of the batch.
2. `lowering` and `moves` say of each instruction whether there is machine code for it, or why not.
3. `schedule` puts instructions into segments, of machine code or of NumPy's calls in turn, and
   those of a segment of code into works: loops over the batch, over flat arrays, or no loop;
   `by_rows` says which go row by row, between products of large matrices.
4. `kernel` writes a segment as a function of LLVM's language.  `layout` says where values lie, and
   a work is written by one of two: `tiles`, in which each column has lines of its own (`expansion`
   and `work_values` make `cells`, `body` cuts them into stages), or `looped`, in which columns are
   loops as well (`nests`, `columns`, `products`).  `rows` brings arrays into registers.
5. Lines are written by `ir` (`values`, `arithmetic`, `memory`) and `operations`; functions such as
   exp by `elementary` and what is below it.
6. `machine` makes object code of the text and loads it, `cache` keeps it on disk.
7. `code` is a kernel to be called, `chained` a program of several parts on arrays that stay, and
   `bound` the whole at one length; `crew` has the threads.  `entry` is a function that CPython
   calls without Python in between.
8. `fused` has the rules that are called whole: `recurrent` runs networks along time, and
   `convolutions` has those of layers.
"""

from __future__ import annotations

from tinygrad_bp.errors import NativeUnavailable
from tinygrad_bp.native.calls.bound import Bound
from tinygrad_bp.native.native import Native, build, described, found

__all__ = ["Bound", "Native", "NativeUnavailable", "build", "described", "found"]
