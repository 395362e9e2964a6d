"""Programs in machine code, made by LLVM."""
