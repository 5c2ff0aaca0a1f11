"""Writes the raw declarations of the Python and the Node package from include/jotrack.h.

    declarations.py            writes the files
    declarations.py --check    says whether they are as the header wants them

A function that is new in the header is declared in both packages by running this; what is written
by hand on top of it goes on as before. Needs Python 3.9 and nothing else.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent
HEADER = EXAMPLES.parent / "include" / "jotrack.h"
PYTHON = EXAMPLES / "python" / "jotrack" / "_abi.py"
NODE = EXAMPLES / "node" / "abi.mjs"
NODE_TYPES = EXAMPLES / "node" / "abi.d.mts"

# Sets of bits are macros in the header; these are the names of the sets. Another prefix is named
# after its first word.
FLAGS = {
    "ENTITY": "Entity",
    "FEATURE": "Feature",
    "COMMIT": "CommitFlag",
    "JOB_FIELD": "JobField",
    "PAGE": "PageFlag",
    "VARIANT": "VariantFlag",
    "ANALYSIS": "AnalysisFlag",
}


@dataclass
class Declared:
    """A member or a parameter: its C type without `const` and `struct`, and its name."""

    type: str
    name: str
    const: bool
    count: int = 0


@dataclass
class Function:
    name: str
    result: Declared
    parameters: list[Declared]


@dataclass
class Callback:
    result: Declared
    parameters: list[Declared]


@dataclass
class Header:
    enums: dict[str, dict[str, int]] = field(default_factory=dict)
    flags: dict[str, dict[str, int]] = field(default_factory=dict)
    opaque: list[str] = field(default_factory=list)
    structs: dict[str, list[Declared]] = field(default_factory=dict)
    callbacks: dict[str, Callback] = field(default_factory=dict)
    #: Structs and callbacks in the order of the header, where each comes after what it needs.
    order: list[str] = field(default_factory=list)
    functions: list[Function] = field(default_factory=list)


# ---------------------------------------------------------------- reading


def read_header(path: Path = HEADER) -> Header:
    """Takes a header apart. A declaration that is not understood is an error, never left out."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", "", path.read_text(encoding="utf-8"), flags=re.S)
    header = Header()
    for name, number in re.findall(r"^#define JOTRACK_(\w+) (\d+)$", text, flags=re.M):
        if not name.startswith("VERSION_"):
            add_flag(header, name, int(number))
    text = re.sub(r"^\s*#.*?(?<!\\)$", "", text, flags=re.M)
    text = re.sub(r'extern "C" \{|^\}\s*$', "", text, flags=re.M)
    for statement in re.findall(r"[^;{]+(?:\{[^}]*\}[^;]*)?;", text):
        read_statement(header, " ".join(statement.rstrip(";").split()))
    return header


def add_flag(header: Header, name: str, number: int) -> None:
    known = [prefix for prefix in FLAGS if name.startswith(prefix + "_")]
    prefix = max(known, key=len) if known else name.split("_")[0]
    group = FLAGS.get(prefix, prefix.title() + "Flag")
    header.flags.setdefault(group, {})[name[len(prefix) + 1 :]] = number


def read_statement(header: Header, text: str) -> None:
    if match := re.fullmatch(r"typedef enum (\w+) \{(.*)\} \1", text):
        numbers = re.findall(r"(JOTRACK_\w+) = (\d+)", match[2])
        header.enums[match[1]] = {name: int(number) for name, number in numbers}
    elif match := re.fullmatch(r"typedef struct (\w+) \{(.*)\} \1", text):
        members = match[2].strip().rstrip(";").split(";")
        header.structs[match[1]] = [declared(member) for member in members]
        header.order.append(match[1])
    elif match := re.fullmatch(r"typedef struct (\w+) \1", text):
        header.opaque.append(match[1])
    elif match := re.fullmatch(r"typedef ([^(]*)\(\*(\w+)\)\((.*)\)", text):
        result = declared(match[1].strip() + " result")
        header.callbacks[match[2]] = Callback(result, parameters(match[3]))
        header.order.append(match[2])
    elif match := re.fullmatch(r"JOTRACK_API (.*?)(jotrack_\w+)\((.*)\)", text):
        result = declared(match[1].strip() + " result")
        header.functions.append(Function(match[2], result, parameters(match[3])))
    elif text != "typedef int32_t jotrack_status":
        raise ValueError(f"not understood: {text}")


def parameters(text: str) -> list[Declared]:
    return [] if text == "void" else [declared(parameter) for parameter in text.split(",")]


def declared(text: str) -> Declared:
    match = re.fullmatch(r"(.*?)(\w+)(?:\[(\d+)\])?", text.strip())
    if match is None:
        raise ValueError(f"not understood: {text}")
    words = re.sub(r"\b(const|struct)\b", " ", match[1]).replace("*", " * ").split()
    kind = words[0] + "".join(words[1:])
    return Declared(kind, match[2], match[1].strip().startswith("const "), int(match[3] or 0))


# ---------------------------------------------------------------- enums, in both languages


def enum_class(name: str) -> str:
    return "".join(word.title() for word in name.split("_")[1:])


def members(enum: dict[str, int]) -> dict[str, int]:
    """The members without the prefix that all of them have."""
    first, last = min(enum), max(enum)
    same = 0
    while same < min(len(first), len(last)) and first[same] == last[same]:
        same += 1
    start = first.rfind("_", 0, same) + 1
    return {name[start:]: number for name, number in enum.items()}


# ---------------------------------------------------------------- Python

CTYPES = {
    "void": "None",
    "void*": "c_void_p",
    "uint8_t*": "c_void_p",  # Bytes, with a length beside them.
    "bool": "c_bool",
    "double": "c_double",
    "int32_t": "c_int32",
    "uint32_t": "c_uint32",
    "int64_t": "c_int64",
    "uint64_t": "c_uint64",
    "size_t": "c_size_t",
    "jotrack_status": "c_int32",
}


def ctype(header: Header, item: Declared, callback: bool = False) -> str:
    kind = item.type
    if item.count:
        return f"c_char * {item.count}"
    if kind in CTYPES:
        return CTYPES[kind]
    if kind in header.structs or kind in header.callbacks:
        return kind
    # Only text that comes in with a NUL at its end is a c_char_p: ctypes reads one up to the NUL,
    # and drops the address that the library must be given back.
    if kind == "char*":
        return "c_char_p" if item.const and not callback else "c_void_p"
    if kind == "char**" and item.const:
        return "POINTER(c_char_p)"
    if kind.endswith("**"):
        return "POINTER(c_void_p)"
    pointee = kind[:-1]
    if pointee in header.opaque:
        return "c_void_p"
    if pointee in header.structs:
        return f"POINTER({pointee})"
    return f"POINTER({CTYPES[pointee]})"


def python(header: Header) -> str:
    lines = [
        '"""The declarations of include/jotrack.h for ctypes, as they are.',
        "",
        "Written by examples/declarations.py: run it when the header has changed.",
        '"""',
        "",
        "# ruff: noqa: N801",
        "",
        "from ctypes import (",
        "    CFUNCTYPE,",
        "    POINTER,",
        "    Structure,",
        "    c_bool,",
        "    c_char,",
        "    c_char_p,",
        "    c_double,",
        "    c_int32,",
        "    c_int64,",
        "    c_size_t,",
        "    c_uint32,",
        "    c_uint64,",
        "    c_void_p,",
        ")",
        "from enum import IntEnum, IntFlag",
        "from typing import Any",
        "",
        "",
        "class Known(IntEnum):",
        '    """An enum. A number that only a newer library knows is a member too."""',
        "",
        "    @classmethod",
        '    def _missing_(cls, value: object) -> "Known":',
        "        if not isinstance(value, int):",
        "            raise ValueError(value)",
        "        member = int.__new__(cls, value)",
        '        member._name_ = f"UNKNOWN_{value}"',
        "        member._value_ = value",
        "        return member",
    ]
    for name, enum in header.enums.items():
        lines += ["", "", f"class {enum_class(name)}(Known):"]
        lines += [f"    {member} = {number}" for member, number in members(enum).items()]
    for name, flags in header.flags.items():
        lines += ["", "", f"class {name}(IntFlag):"]
        lines += [f"    {member} = {number}" for member, number in flags.items()]
    for name in header.order:
        lines += ["", "", *python_type(header, name)]
    lines += ["", "", "#: The result and the parameters of every function."]
    lines += ["FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {"]
    for function in header.functions:
        result = ctype(header, function.result)
        kinds = [ctype(header, item) for item in function.parameters]
        tail = "," if len(kinds) == 1 else ""
        line = f'    "{function.name}": ({result}, ({", ".join(kinds)}{tail})),'
        if len(line) <= 100:
            lines.append(line)
        else:
            lines += [f'    "{function.name}": (', f"        {result},", "        ("]
            lines += [f"            {kind}," for kind in kinds]
            lines += ["        ),", "    ),"]
    return "\n".join([*lines, "}", ""])


def python_type(header: Header, name: str) -> list[str]:
    if name in header.callbacks:
        callback = header.callbacks[name]
        kinds = [callback.result, *callback.parameters]
        kinds_text = ", ".join(ctype(header, item, callback=True) for item in kinds)
        return [f"{name} = CFUNCTYPE({kinds_text})"]
    lines = [f"class {name}(Structure):", "    _fields_ = ["]
    for item in header.structs[name]:
        borrowed = name == "jotrack_str" and item.name == "data"
        kind = "c_void_p" if borrowed else ctype(header, item)
        lines.append(f'        ("{item.name}", {kind}),')
    return [*lines, "    ]"]


# ---------------------------------------------------------------- Node


def koffi(header: Header, item: Declared, place: str) -> str:
    """The type as koffi reads it, with the direction in which a parameter is copied."""
    kind = item.type
    if item.count:
        return f"char [{item.count}]"
    if kind == "jotrack_status":
        return "int32_t"
    if kind == "char*":
        # A pointer that is kept, to be read by its length or to be freed, must stay a pointer.
        return "const char *" if item.const and place != "borrowed" else "void *"
    if kind == "char**" and item.const:
        return "const char **"
    if kind.endswith("**"):
        return "_Out_ void **"
    if kind in header.callbacks:
        return f"{kind} *"
    if not kind.endswith("*"):
        return kind
    pointee = kind[:-1]
    if pointee in ("void", "uint8_t") or pointee in header.opaque:
        return "void *"
    if place == "callback":
        return "void *"
    if item.const:
        return f"const {pointee} *"
    return f"_Inout_ {pointee} *" if pointee in header.structs else f"_Out_ {pointee} *"


def node(header: Header) -> str:
    lines = [
        "// The declarations of include/jotrack.h for koffi, as they are. Written by",
        "// examples/declarations.py: run it when the header has changed.",
        "",
    ]
    for name, enum in header.enums.items():
        lines += node_numbers(enum_class(name), members(enum))
    for name, flags in header.flags.items():
        lines += node_numbers(name, flags)
    lines += ["/** The members of every struct, in their order. */", "export const structs = {"]
    for name, fields in header.structs.items():
        lines.append(f"  {name}: {{")
        for item in fields:
            place = "borrowed" if name == "jotrack_str" else "member"
            kind = koffi(header, item, place).replace("_Out_ ", "")
            lines.append(f"    {item.name}: '{kind}',")
        lines.append("  },")
    lines += ["};", "", "/** The callbacks. */", "export const callbacks = ["]
    for name, callback in header.callbacks.items():
        result = koffi(header, callback.result, "callback")
        kinds = [f"{koffi(header, one, 'callback')} {one.name}" for one in callback.parameters]
        lines.append(f"  '{result} {name}({', '.join(kinds)})',")
    lines += ["];", "", "/** The functions. */", "export const functions = ["]
    for function in header.functions:
        result = koffi(header, function.result, "")
        kinds = [f"{koffi(header, item, '')} {item.name}" for item in function.parameters]
        text = f"{result} {function.name}({', '.join(kinds) or 'void'})"
        lines.append(f"  '{text}',")
    return "\n".join([*lines, "];", ""])


def node_types(header: Header) -> str:
    lines = [
        "// The numbers of include/jotrack.h. Written by examples/declarations.py. A newer library may",
        "// tell others, so the types are those of any number.",
    ]
    enums = {enum_class(name): members(enum) for name, enum in header.enums.items()}
    for name, numbers in {**enums, **header.flags}.items():
        lines += ["", f"export type {name} = number;", f"export declare const {name}: Readonly<{{"]
        lines += [f"  {member}: {number};" for member, number in numbers.items()]
        lines.append("}>;")
    return "\n".join([*lines, ""])


def node_numbers(name: str, numbers: dict[str, int]) -> list[str]:
    lines = [f"export const {name} = Object.freeze({{"]
    lines += [f"  {member}: {number}," for member, number in numbers.items()]
    return [*lines, "});", ""]


def main() -> None:
    if sys.argv[1:] not in ([], ["--check"]):
        sys.exit(__doc__)
    header = read_header()
    stale = []
    written = {PYTHON: python(header), NODE: node(header), NODE_TYPES: node_types(header)}
    for path, text in written.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(str(path))
            if not sys.argv[1:]:
                path.write_text(text, encoding="utf-8")
    if sys.argv[1:] and stale:
        sys.exit(f"not as the header wants it, run {Path(__file__).name}: {', '.join(stale)}")
    print(f"{len(header.functions)} functions, {len(header.structs)} structs")


if __name__ == "__main__":
    main()
