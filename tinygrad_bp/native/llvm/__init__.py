"""LLVM's language written value by value, made into object code, loaded, and kept on disk."""
