#!/usr/bin/env python3
"""Writes the fuzzers' starting inputs: seeds.py FOLDER -> FOLDER/{text,csv,idx,npy}/NN.

Valid files of every kind and files at, and one beyond, each limit. Standard library only; the same
bytes on every run.
"""
import os
import struct
import sys

TEXT = [
    "0", "-0", "1", "0.1", "1e22", "1e23", "9007199254740993", "9007199254740992.5",
    "2.2250738585072014e-308", "2.2250738585072011e-308", "4.9e-324", "2.4703282292062327e-324",
    "2.4703282292062328e-324", "1.7976931348623157e308", "1.7976931348623159e308", "inf",
    "-Infinity", "nan", "1e-400", "1e400", "7.2057594037927933e16", "1.", ".", ".5", "1e", "1e+",
    "+", "1.00000000000000011102230246251565404236316680908203125",
    "1.00000000000000011102230246251565404236316680908203126",
    "1.00000000000000011102230246251565404236316680908203125" + "0" * 800 + "1",
    "1" + "0" * 900, "0." + "0" * 900 + "1e901",
]
DOUBLES = [5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 0.3, 1e23, 9007199254740993.0,
           -0.0, float("inf"), float("nan"), 2.0 ** -1022, 2.0 ** 1023, 123456789.125, 1e17, 1e-5]

CSV = [
    b"a,b,label\n1,2,0\n3,4.5,1\n", b"1;2\r\n3;4\r\n", b"x\ty\n1\t\n?\tNA\n", b"1|2\r3|4",
    b"\xef\xbb\xbfname,v\n\"quoted, \"\"x\"\"\nnext\",1\n", b"# comment\n\na,b\n1,2\n\n#end\n3,4",
    b"1,2\n3\n", b"1,\"2", b"\"a\"b,1\n", b"1,2\x00,3\n", b"\xff\xfe1\x00", b"", b"\n\n", b"a",
    b" 1 , \" 2 \" ,\t3\t\n", b"1e400,-inf,nan,1e-400\n", b"'1,5';2\n\"1,5\";3\n",
]


def idx(kind, shape, data):
    return bytes([0, 0, kind, len(shape)]) + struct.pack(">%dI" % len(shape), *shape) + data


IDX = [
    idx(8, (2, 3), bytes(range(6))), idx(9, (3,), b"\x80\x00\x7f"), idx(0x0b, (2,), b"\x80\x00\x7f\xff"),
    idx(0x0c, (1,), b"\x80\x00\x00\x00"), idx(0x0d, (1, 1), struct.pack(">f", 1.5)),
    idx(0x0e, (1,), struct.pack(">d", -2.5)), idx(8, (), b"x"), idx(8, (1,) * 8, b"x"),
    idx(8, (1,) * 9, b"x"), idx(8, (2 ** 32 - 1,) * 8, b""), idx(0x0e, (2 ** 31, 2 ** 31), b""),
    idx(8, (0, 2 ** 32 - 1), b""), idx(8, (4,), b"abc"), idx(8, (4,), b"abcde"), idx(7, (1,), b"a"),
    b"\x1f\x8b\x08\x00", b"\x00\x00\x08", b"\x00\x00\x08\x02\x00\x00\x00\x01\x00",
]


def npy(text, data, major=1, length=None, minor=0):
    text = text.encode("latin-1")
    width = 2 if major == 1 else 4
    text += b" " * (-(9 + width + len(text)) % 64) + b"\n"
    size = len(text) if length is None else length
    return b"\x93NUMPY" + bytes([major, minor]) + size.to_bytes(width, "little") + text + data


def head(descr, shape, fortran="False"):
    return "{'descr': %s, 'fortran_order': %s, 'shape': %s, }" % (descr, fortran, shape)


NPY = [npy(head("'%s'" % d, "(2,)"), bytes(2 * s)) for d, s in (
    ("<f4", 4), ("<f8", 8), (">f4", 4), (">f8", 8), ("|i1", 1), ("<i2", 2), (">i4", 4), ("<i8", 8),
    ("|u1", 1), (">u2", 2), ("<u4", 4), ("|b1", 1), ("=f4", 4), ("<f2", 2), ("<u8", 8), ("|O", 8),
    ("<c8", 8), ("<U3", 12), ("|S3", 3), ("<M8[ns]", 8), ("|f4", 4), ("f4", 4))]
NPY += [
    npy(head("'<f4'", "()"), bytes(4)), npy(head("'<f4'", "(2, 3)", "True"), bytes(range(24))),
    npy(head("'<f4'", "(1, 1, 1, 1, 1, 1, 1, 1)"), bytes(4)),
    npy(head("'<f4'", "(1, 1, 1, 1, 1, 1, 1, 1, 1)"), bytes(4)),
    npy(head("'<f4'", "(4611686018427387904, 4)"), b""), npy(head("'<f4'", "(0, 99999999999)"), b""),
    npy(head("'<f4'", "(99999999999999999999,)"), b""), npy(head("'<f4'", "(2L, 1L)"), bytes(8)),
    npy(head("[('a', '<f4')]", "(1,)"), bytes(4)), npy(head("'<f4'", "(3)"), bytes(12)),
    npy(head("'<f4'", "(2,)"), bytes(8), 2), npy(head("'<f4'", "(2,)"), bytes(8), 3),
    npy(head("'<f4'", "(2,)"), bytes(8), 4), npy(head("'<f4'", "(2,)"), bytes(8), 1, None, 1),
    npy(head("'<f4'", "(2,)"), bytes(8), 1, 65535), npy(head("'<f4'", "(2,)"), bytes(8), 2, 2 ** 32 - 1),
    npy("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", bytes(8)),
    npy("{'shape': (2,), \"descr\": \"<f4\", 'fortran_order': False}", bytes(8)),
    npy("{'shape': (2,), 'fortran_order': False}", bytes(8)), npy(head("'<u4'", "(1,)"), b"\xff" * 4),
    npy(head("'<i8'", "(1,)"), b"\x00" * 7 + b"\x80"), npy(head("'|b1'", "(1,)"), b"\x02"),
    npy(head("'<f4'", "(2,)"), bytes(7)), npy(head("'<f4'", "(2,)"), bytes(9)), b"PK\x03\x04", b"\x93NUM",
]


def main():
    root = sys.argv[1]
    options = bytes([0x08, 0x10, 0x41, 0x0a])
    sets = {
        "text": [t.encode() for t in TEXT] + [struct.pack("<d", x) for x in DOUBLES],
        "csv": [bytes([o]) + c for c in CSV for o in options],
        "idx": IDX,
        "npy": NPY,
    }
    for name, items in sets.items():
        os.makedirs(os.path.join(root, name), exist_ok=True)
        for i, item in enumerate(items):
            with open(os.path.join(root, name, "%03d" % i), "wb") as f:
                f.write(item)


if __name__ == "__main__":
    main()
