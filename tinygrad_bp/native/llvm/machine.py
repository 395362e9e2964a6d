"""The machine: what the processor can, text made into object code, object code made callable."""

from __future__ import annotations

import ctypes
import importlib
import itertools
import platform
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from tinygrad_bp.errors import NativeUnavailable
from tinygrad_bp.native.llvm.loading import Image, Unloadable

# What code may rely on: x86-64-v3 multiplies and adds in one rounding, as every aarch64 does.
NEEDED = {"x86_64": ("avx2", "bmi2", "fma"), "aarch64": ()}
_FAMILY = {"AMD64": "x86_64", "x86_64": "x86_64", "arm64": "aarch64", "aarch64": "aarch64"}
_numbers = itertools.count()  # a library of LLVM's needs a name that no other ever had


class Target(NamedTuple):
    """A kind of processor; `features` as LLVM writes them, `instructions` those that it has."""

    triple: str
    cpu: str
    features: str
    instructions: frozenset[str]


@cache
def _llvm() -> Any:
    """Return llvmlite's binding, ready for this machine."""
    try:
        llvm = importlib.import_module("llvmlite.binding")
    except (ImportError, OSError) as error:
        raise NativeUnavailable(
            f"machine code needs llvmlite, which cannot be imported ({error}): "
            "pip install 'tinygrad_bp[jit]'"
        ) from error
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm


@cache
def host() -> Target:
    """Return this machine's target.

    Raises
    ------
    NativeUnavailable
        If llvmlite is not installed, or the processor rounds a multiplication that it adds.
    """
    llvm = _llvm()
    family = _FAMILY.get(platform.machine())
    if family is None:
        raise NativeUnavailable(
            f"no machine code for a processor of the kind {platform.machine()}: "
            f"known are {', '.join(sorted(NEEDED))}"
        )
    known = llvm.get_host_cpu_features()
    instructions = frozenset(name for name, there in known.items() if there)
    missing = [name for name in NEEDED[family] if name not in instructions]
    if missing:
        raise NativeUnavailable(
            f"no machine code for this processor, which has no {', '.join(missing)}: "
            "needed is x86-64-v3 (Intel since 2013, AMD since 2015)"
        )
    features = ",".join(sorted(f"{'+' if there else '-'}{name}" for name, there in known.items()))
    return Target(llvm.get_process_triple(), llvm.get_host_cpu_name(), features, instructions)


@cache
def _generator(target: Target) -> Any:
    kind = _llvm().Target.from_triple(target.triple)
    return kind.create_target_machine(
        cpu=target.cpu, features=target.features, opt=2, codemodel="jitdefault", jit=True
    )


@cache
def _linker() -> Any:
    """Return what loads object code into this process."""
    # The older linker may lay sections further apart than an instruction of aarch64 can reach.
    modern = _FAMILY.get(platform.machine()) == "aarch64"
    return _llvm().create_lljit_compiler(_generator(host()), use_jit_link=modern)


def versions() -> tuple[str, str]:
    """Return the versions of llvmlite and of its LLVM."""
    llvm = _llvm()
    return importlib.import_module("llvmlite").__version__, str(llvm.llvm_version_info)


def compile_object(text: str, target: Target | None = None) -> bytes:
    """Make object code of a module's text: code generation alone, no passes that rewrite it.

    Parameters
    ----------
    text : str
        LLVM's intermediate language.
    target : Target, optional
        By default this machine.

    Raises
    ------
    NativeUnavailable
        As `host`.
    RuntimeError
        If the text is not well formed: a fault of its writer's.
    """
    llvm, generator = _llvm(), _generator(target or host())
    module = llvm.parse_assembly(text)
    module.triple = generator.triple
    module.data_layout = str(generator.target_data)
    module.verify()
    code: bytes = generator.emit_object(module)
    return code


class Code:
    """Object code in this process, which stays as long as this, or a function of it, does.

    Parameters
    ----------
    data : bytes
        What `compile_object` has made for this machine.
    names : sequence of str
        The functions to be called.

    Raises
    ------
    RuntimeError
        If it is no object code, or lacks one of the functions.
    """

    __slots__ = ("_library", "_linker")

    def __init__(self, data: bytes, names: Sequence[str]) -> None:
        self._linker = None
        try:
            self._library: Any = Image(data, names)
        except Unloadable:
            self._link(data, names)

    def _link(self, data: bytes, names: Sequence[str]) -> None:
        self._linker = _linker()  # kept: the library is a part of it
        builder = _llvm().JITLibraryBuilder().add_object_img(data).add_current_process()
        for name in names:
            builder.export_symbol(name)
        self._library = builder.link(self._linker, f"native-{next(_numbers)}")

    def address(self, name: str) -> int:
        """Return where a function lies; it is there as long as this object is."""
        address: int = self._library[name]
        return address

    def function(self, name: str, result: Any, *arguments: Any) -> Any:
        """Return a function to call, which keeps the code; the types are those of ctypes."""
        called: Any = ctypes.CFUNCTYPE(result, *arguments)(self.address(name))
        called.code = self  # ctypes knows no owner of an address
        return called
