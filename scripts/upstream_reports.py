"""The files of docs/upstream-reports.md, each made from nothing.

    pip install pyarrow xlwt
    python scripts/upstream_reports.py FOLDER

With Python's polars installed, `--polars` also reads each Parquet and Arrow file in a process of its own that may take 8 GB, and prints how it ends.
"""

import argparse
import io
import pathlib
import struct
import subprocess
import sys


def varint(number):
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def signed(number):
    return varint(number << 1 ^ number >> 63)


def parquet(footer):
    return b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1"


def long_list():
    """A footer whose list of columns says that it has 2,147,483,647 entries."""
    return parquet(b"\x15\x02\x19\xfc\xff\xff\xff\xff\x07")


def deep_schema(depth):
    """A footer with as many groups, each the one column of the group before."""
    group = b"\x35" + signed(0) + b"\x18\x01a" + b"\x15" + signed(1) + b"\x00"
    leaf = b"\x15" + signed(1) + b"\x25" + signed(0) + b"\x18\x01a" + b"\x00"
    entries = b"\xfc" + varint(depth + 1) + group * depth + leaf
    return parquet(b"\x15" + signed(1) + b"\x19" + entries + b"\x16" + signed(0) + b"\x19\x0c" + b"\x00")


def workbook(far):
    import xlwt

    book = xlwt.Workbook()
    sheet = book.add_sheet("s")
    sheet.write(0, 0, "a")
    sheet.write(1, 0, 1.0)
    if far:
        sheet.write(65535, 200, 7.25)
    out = io.BytesIO()
    book.save(out)
    return bytearray(out.getvalue())


def false_dimensions():
    """A DIMENSIONS record that claims 4,294,967,295 rows of 65,535 columns; the sheet has two cells."""
    made = workbook(False)
    at = made.find(struct.pack("<HH", 0x200, 14))
    made[at + 4 : at + 18] = struct.pack("<IIHHH", 0, 0xFFFFFFFF, 0, 0xFFFF, 0)
    return made


def far_cell():
    """One of three cells says that it is in column 65,535, where a sheet has 256."""
    made = workbook(True)
    at = max(made.find(struct.pack("<HHHH", kind, length, 65535, 200)) for kind, length in ((0x203, 14), (0x27E, 10)))
    made[at + 6 : at + 8] = b"\xff\xff"
    return made


def views(out):
    import pyarrow
    import pyarrow.ipc
    import pyarrow.parquet

    lists = pyarrow.array([[1], [2, 3], None, []], pyarrow.list_view(pyarrow.int64()))
    runs = pyarrow.RunEndEncodedArray.from_arrays(pyarrow.array([2, 4], pyarrow.int32()), pyarrow.array(["a", "b"]))
    parts = [pyarrow.array([1, 2, 3, 4]), pyarrow.array(["a", "b", "c", "d"])]
    union = pyarrow.UnionArray.from_sparse(pyarrow.array([0, 0, 1, 1], pyarrow.int8()), parts)
    for name, column in {"list-view": lists, "runs": runs, "union": union}.items():
        table = pyarrow.table({"n": pyarrow.array([1, 2, 3, 4]), "x": column})
        with pyarrow.OSFile(str(out / f"{name}.arrow"), "wb") as file, pyarrow.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)
        if name == "list-view":
            pyarrow.parquet.write_table(table, out / f"{name}.parquet")


def try_polars(out):
    for path in sorted([*out.glob("*.parquet"), *out.glob("*.arrow")]):
        read = "read_parquet" if path.suffix == ".parquet" else "read_ipc"
        code = f"import polars; print(polars.__version__); polars.{read}({str(path)!r})"
        done = subprocess.run(["bash", "-c", f'ulimit -v 8000000; exec "{sys.executable}" -c "$0"', code], capture_output=True, text=True)
        said = [line for line in done.stderr.splitlines() if "Panic" in line or "memory allocation" in line]
        print(path.name, "exit", done.returncode, "polars", done.stdout.strip(), (said or [""])[-1][:120])


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=pathlib.Path)
    options.add_argument("--polars", action="store_true")
    given = options.parse_args()
    out = given.folder
    out.mkdir(parents=True, exist_ok=True)
    (out / "long-list.parquet").write_bytes(long_list())
    (out / "deep-schema.parquet").write_bytes(deep_schema(100_000))
    (out / "false-dimensions.xls").write_bytes(false_dimensions())
    (out / "far-cell.xls").write_bytes(far_cell())
    views(out)
    for path in sorted(out.iterdir()):
        print(path.name, path.stat().st_size, "bytes")
    if given.polars:
        try_polars(out)


if __name__ == "__main__":
    main()
