#!/usr/bin/env python3
"""Writes seeds of the fuzz target elf: RV64IM programs in well-formed files.

    make-elf-seeds.py FOLDER      writes FOLDER/elf/*
"""
import pathlib
import struct
import sys

TEXT, DATA = 0x10000, 0x20000


def segment(flags, offset, address, size, memory):
    return struct.pack("<IIQQQQQQ", 1, flags, offset, address, address, size, memory, 8)


def elf(code, data):
    text = b"".join(struct.pack("<I", word) for word in code)
    text += bytes(-len(text) % 8)
    start = 64 + 2 * 56
    header = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack(
        "<HHIQQQIHHHHHH", 2, 243, 1, TEXT, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    return (header + segment(5, start, TEXT, len(text), len(text))
            + segment(6, start + len(text), DATA, len(data), len(data) + 64) + text + data)


def custom(funct3, rd=0, rs1=0, rs2=0, funct7=0):
    return 0x0B | rd << 7 | funct3 << 12 | rs1 << 15 | rs2 << 20 | funct7 << 25


LUI_X10 = 0x37 | 10 << 7 | DATA
PROGRAMS = {
    "halt": [custom(0)],
    "hint": [custom(1, rd=1), custom(1, rd=2), 0x022081B3, custom(0)],  # mul x3, x1, x2
    "commit": [custom(1, rd=1), custom(2, rs1=0, rs2=1), custom(0)],
    "poseidon": [LUI_X10, custom(3, rs1=10), 0x00053083, custom(0)],  # ld x1, 0(x10)
    "mulmod": [LUI_X10, custom(4, rd=10, rs1=10, rs2=10, funct7=1), 0x00153023, custom(0)],  # sd x1, 0(x10)
    "loop": [0x00108093, 0xFE101EE3],  # addi x1, x1, 1; bne x0, x1, .-4
}

folder = pathlib.Path(sys.argv[1]) / "elf"
folder.mkdir(parents=True, exist_ok=True)
for name, code in PROGRAMS.items():
    (folder / name).write_bytes(elf(code, bytes(range(1, 97))))
