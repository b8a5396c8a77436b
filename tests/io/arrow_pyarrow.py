#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads tables of pyarrow through io::read_arrow: arrow_pyarrow.py LIBRARY. Needs pyarrow."""
import ctypes
import datetime
import os
import sys
import tempfile

import pyarrow as pa
import pyarrow.parquet as pq

library = ctypes.CDLL(os.path.abspath(sys.argv[1]))
library.heed_read_arrow.restype = ctypes.c_char_p
library.heed_read_arrow.argtypes = [ctypes.c_void_p] + 5 * [ctypes.c_char_p] + [ctypes.c_bool]
ctypes.pythonapi.PyCapsule_GetPointer.restype = ctypes.c_void_p
ctypes.pythonapi.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]


def read(table, skip=False, **columns):
    """The report and the events; or the error as a text. `table` has an Arrow stream."""
    capsule = table.__arrow_c_stream__()
    stream = ctypes.pythonapi.PyCapsule_GetPointer(capsule, b"arrow_array_stream")
    names = [columns.get(column, "").encode() for column in ("user", "item", "time", "rating", "kind")]
    text = library.heed_read_arrow(stream, *names, skip).decode()
    if text.startswith("error: "):
        return text.removeprefix("error: ")
    lines = [line.split("\t") for line in text.split("\n")]
    return [int(n) for n in lines[0]], [(u, i, int(t), float(r), k) for u, i, t, r, k in lines[1:]]


def same(got, want):
    if got != want:
        raise SystemExit(f"wanted {want}\ngot    {got}")


def items(column, user=None):
    """The ids that the values of a column become."""
    user = pa.array([1] * len(column), pa.int8())
    log = read(pa.table({"u": user, "i": column}), user="u", item="i")
    return log if isinstance(log, str) else [event[1] for event in log[1]]


def times(column):
    one = pa.array([1] * len(column), pa.int8())
    log = read(pa.table({"u": one, "t": column}), user="u", item="u", time="t")
    return log if isinstance(log, str) else [event[2] for event in log[1]]


def test_types():
    for kind in ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"):
        same(items(pa.array([7, 100], kind)), ["7", "100"])
    texts = ["tea", "na\u00efve", "a text of more than twelve bytes"]
    kinds = [pa.string(), pa.large_string(), pa.binary(), pa.large_binary()]
    kinds += [pa.string_view()] if hasattr(pa, "string_view") else []
    for kind in kinds:
        same(items(pa.array(texts, kind)), texts)
        same(items(pa.array(texts, kind).slice(1)), texts[1:])
    for index in (pa.int8(), pa.uint16(), pa.int64()):
        for value in (pa.string(), pa.large_string()):
            column = pa.array(texts * 2).cast(value).dictionary_encode().cast(pa.dictionary(index, value))
            same(items(column), texts * 2)
            same(items(column.slice(2, 3)), (texts * 2)[2:5])
    same(items(pa.array([1.0, 2.0])),
         'read_arrow: column "i": wanted integers, texts or a dictionary of these, got float64 ("g")')
    same(items(pa.array(["tea", None])), 'read_arrow: column "i", row 1: it is null')


def test_times():
    second = 1396867869
    at = datetime.datetime.fromtimestamp(second, datetime.timezone.utc)
    for unit in ("s", "ms", "us", "ns"):
        for zone in (None, "UTC", "Europe/Berlin", "+05:30"):
            column = pa.array([at if zone else at.replace(tzinfo=None)], pa.timestamp(unit, zone))
            same(times(column), [second])
            same(times(pa.array([None] + column.to_pylist(), pa.timestamp(unit, zone)).slice(1)), [second])
    day = 16167 * 86400
    for kind in (pa.date32(), pa.date64()):
        same(times(pa.array([at.date()], kind)), [day])
    same(times(pa.array([3, 1, 2], pa.int32())), [1, 2, 3])
    same(times(pa.array([1398765432.25])), [139876543225])  # in hundredths of a second
    same(times(pa.array([at.time()], pa.time64("us"))),
         'read_arrow: column "t": wanted timestamps, dates, numbers, texts or a dictionary of these, '
         'got the format "ttu"')


def purchases():
    return pa.table({
        "customer": pa.chunked_array([["ann", "bob"], ["ann", None, "cat"]]),
        "price": pa.array([0.5] * 5),
        "product": pa.array([1, 2, 3, 4, 5], pa.int32()),
        "when": pa.array([30, 20, 10, 5, 7], pa.timestamp("s", "UTC")).cast(pa.timestamp("us", "UTC")),
        "stars": pa.array([5, 4, 3, 2, 1.5], pa.float32()),
        "how": pa.chunked_array([["bought", "seen"], ["seen", "seen", "bought"]]).dictionary_encode(),
    })


named = {"user": "customer", "item": "product", "time": "when", "rating": "stars", "kind": "how"}
events = [("ann", "3", 10, 3.0, "seen"), ("ann", "1", 30, 5.0, "bought"), ("bob", "2", 20, 4.0, "seen"),
          ("cat", "5", 7, 1.5, "bought")]


def test_tables():
    table = purchases()
    same(read(table, **named), 'read_arrow: column "customer", row 3: it is null')
    same(read(table, skip=True, **named), ([5, 1], events))
    same(read(table.slice(1, 2), **named), ([2, 0], [events[2], events[0]]))
    same(read(table.slice(0, 0), **named), "read_arrow: no interactions in the table: 0 rows, 0 without a user")
    batches = pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=1))
    same(read(batches, skip=True, **named), ([5, 1], events))

    def failing():
        yield table.to_batches()[0]
        raise ValueError("the disk is on fire")

    text = read(pa.RecordBatchReader.from_batches(table.schema, failing()), **named)
    if "the stream gave no batch: " not in text or "the disk is on fire" not in text:
        raise SystemExit(text)


def test_parquet():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "log.parquet")
        pq.write_table(purchases(), path, row_group_size=2)
        file = pq.ParquetFile(path, read_dictionary=["customer"])
        batches = file.iter_batches(batch_size=3, columns=list(named.values()))
        reader = pa.RecordBatchReader.from_batches(file.schema_arrow.empty_table().select(list(named.values())).schema,
                                                   batches)
        same(read(reader, skip=True, **named), ([5, 1], events))


def test_memory():
    """Everything that a table holds is released, also after an error."""
    before = pa.total_allocated_bytes()
    for _ in range(3):
        for skip in (True, False):
            read(purchases(), skip=skip, **named)
    same(pa.total_allocated_bytes(), before)


for name, test in list(globals().items()):
    if name.startswith("test_"):
        test()
        print(name, "passed")
