"""The declarations against the header, the C compiler and the library."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from jotrack import _abi
from jotrack._library import library

EXAMPLES = Path(__file__).resolve().parents[2]
INCLUDE = EXAMPLES.parent / "include"
CC = os.environ.get("CC", "cc")


def structs() -> list[type[ctypes.Structure]]:
    return [
        one
        for one in vars(_abi).values()
        if isinstance(one, type)
        and issubclass(one, ctypes.Structure)
        and one is not ctypes.Structure
    ]


class Declarations(unittest.TestCase):
    def test_are_as_the_header_wants_them(self) -> None:
        checked = subprocess.run(
            [sys.executable, str(EXAMPLES / "declarations.py"), "--check"],
            capture_output=True,
            text=True,
        )

        self.assertEqual(checked.returncode, 0, checked.stderr)

    def test_have_a_function_each_in_the_library(self) -> None:
        for name, (result, parameters) in _abi.FUNCTIONS.items():
            function = library().raw(name[len("jotrack_") :])
            self.assertEqual(len(function.argtypes), len(parameters), name)
            self.assertIs(function.restype, result, name)
        self.assertGreater(len(_abi.FUNCTIONS), 60)

    @unittest.skipUnless(shutil.which(CC), f"there is no {CC}")
    def test_lay_structs_out_as_the_compiler_does(self) -> None:
        lines = ["#include <stdio.h>", '#include "jotrack.h"', "int main(void) {"]
        expected = []
        for struct in structs():
            name = struct.__name__
            lines.append(f'printf("{name} %zu\\n", sizeof({name}));')
            expected.append(f"{name} {ctypes.sizeof(struct)}")
            for member in struct._fields_:
                lines.append(
                    f'printf("{name}.{member[0]} %zu %zu\\n", offsetof({name}, {member[0]}),'
                    f" sizeof((({name} *)0)->{member[0]}));"
                )
                place = getattr(struct, member[0])
                expected.append(f"{name}.{member[0]} {place.offset} {place.size}")
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder, "layout.c")
            source.write_text("\n".join([*lines, "return 0; }", ""]), encoding="utf-8")
            program = str(Path(folder, "layout"))
            subprocess.run([CC, "-I", str(INCLUDE), str(source), "-o", program], check=True)
            printed = subprocess.run([program], capture_output=True, text=True, check=True)

        self.assertEqual(printed.stdout.splitlines(), expected)
        self.assertGreater(len(expected), 150)

    @unittest.skipUnless(shutil.which(CC), f"there is no {CC}")
    def test_have_the_numbers_of_the_header(self) -> None:
        from_header = subprocess.run(
            [CC, "-dM", "-E", str(INCLUDE / "jotrack.h")],
            capture_output=True,
            text=True,
            check=True,
        )
        macros = dict(
            line.split(" ", 2)[1:]
            for line in from_header.stdout.splitlines()
            if line.count(" ") == 2
        )

        self.assertEqual(int(macros["JOTRACK_ENTITY_ACCOUNT"]), _abi.Entity.ACCOUNT)
        self.assertEqual(int(macros["JOTRACK_JOB_FIELD_SOURCE"]), _abi.JobField.SOURCE)
        for code in _abi.StatusCode:
            told = library().raw("status_name")(code).decode()
            self.assertEqual(told, code.name)

    def test_know_numbers_of_a_newer_library(self) -> None:
        newer = _abi.JobStatus(77)

        self.assertEqual((newer, newer.name, newer.value), (77, "UNKNOWN_77", 77))
        self.assertNotIn(newer, list(_abi.JobStatus))


if __name__ == "__main__":
    unittest.main()
