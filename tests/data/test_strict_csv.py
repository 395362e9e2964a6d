"""The strict CSV reader: lawful spellings, and every fault by line and column."""

from __future__ import annotations

import bz2
import csv
import difflib
import gzip
import lzma
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygrad_bp import data
from tinygrad_bp.data import strict_csv
from tinygrad_bp.data.faults import line_ranges
from tinygrad_bp.errors import DataError

GOOD = b"x1,x2,kind\n1,2,a\n3,4,b\n"


@pytest.fixture
def write(tmp_path):
    def write_file(content: bytes | str):
        path = tmp_path / "table.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write_file


def read(path, **options):
    return data.read_csv(path, ["x1", "x2"], "kind", **options)


def message_of(path, **options) -> str:
    with pytest.raises(DataError) as caught:
        read(path, **options)
    assert str(path) in str(caught.value)  # whatever is wrong, the file is named
    return str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        b"\xef\xbb\xbf" + GOOD,
        GOOD.replace(b"\n", b"\r\n"),
        GOOD.replace(b"\n", b"\r"),
        GOOD.rstrip(b"\n"),
        GOOD + b"\n\r\n\n",
        b' x1 ,"x2",kind\n 1 ,\t2,a \n3.,"4",b\n',
        b'"x1",x2,kind\n+1e0,.2E+1,a\n30e-1,4.0,b\n',
    ],
    ids=["plain", "bom", "crlf", "cr", "no-end", "blank-end", "blanks", "exponents"],
)
def test_same_table_from_every_lawful_spelling(write, content):
    table = read(write(content))
    np.testing.assert_array_equal(table.X, [[1.0, 2.0], [3.0, 4.0]], strict=True)
    np.testing.assert_array_equal(table.y, [0.0, 1.0], strict=True)
    assert table.feature_names == ("x1", "x2")
    assert table.class_names == ("a", "b")
    assert (table.name, table.rows_used, table.rows_dropped) == ("table", 2, 0)


SEPARATED = ("x1,x2,kind\n", "1,2,a\n", '"3",4,"b,c;d\te"\n')


@pytest.mark.parametrize(("mark", "name"), [(";", "';'"), ("\t", "tabs")])
def test_semicolons_and_tabs_are_recognised_and_said(write, mark, name):
    def separated(line):
        return line.replace(",", mark).replace(f"b{mark}c", "b,c")

    table = read(write("".join(map(separated, SEPARATED))))
    np.testing.assert_array_equal(table.X, [[1.0, 2.0], [3.0, 4.0]], strict=True)
    assert table.class_names == ("a", "b,c;d\te")
    assert table.separator == mark
    quoted = f'"x1"{mark}"x2"{mark}"kind"\n1{mark}2{mark}"a"\n1{mark}2{mark}b\n'
    assert read(write(quoted)).separator == mark
    for lines, reason in (
        (f"x1{mark}x3{mark}kind\n", "no column 'x2'"),
        (f"x1{mark}x2{mark}kind\n1{mark}2\n", "line 2, column 'kind': no value"),
        (f"x1{mark}x2{mark}kind\n1{mark}1,5{mark}a\n", "number such as -1.5 or 2e3 (write 1.5)"),
        (f'x1{mark}x2{mark}kind\n1{mark}"2"2{mark}a\n', "column 'x2': text after a closing quote"),
        (f'x1{mark}x2{mark}kind\n1{mark}"2{mark}a\n', "column 'x2': the quote that opens here"),
    ):
        message = message_of(write(lines))
        assert f"table.csv (columns separated by {name}): " in message
        assert reason in message


def test_commas_separate_where_they_give_the_names(write):
    table = data.read_csv(write("a;b,x\ty,k\n1,2,p\n3,4,q\n"), ["a;b", "x\ty"], "k")
    assert (table.feature_names, table.separator) == (("a;b", "x\ty"), ",")
    message = message_of(write("x1,x;3,kind\n1,2,a\n"))
    assert "separated" not in message
    assert "the columns are 'x1', 'x;3', 'kind'" in message


NUMBER = "a plain decimal number such as -1.5 or 2e3"
BAD_VALUES = [
    (b"", "missing value (empty)"),
    (b"   ", "missing value (empty)"),
    (b"NA", "missing value (NA)"),
    (b"nan", "'nan' is not a plain decimal number"),
    (b"inf", "'inf' is not a plain decimal number"),
    (b"-Infinity", "'-Infinity' is not a plain decimal number"),
    (b"1e400", "'1e400' is beyond the range of float64"),
    (b"-1e400", "'-1e400' is beyond the range of float64"),
    (b"9" * 400, "'" + "9" * 40 + "'... is beyond the range of float64"),
    (b"1_000", "'1_000' is not a plain decimal number"),
    (b"0x10", "'0x10' is not a plain decimal number"),
    (b"1 2", "'1 2' is not a plain decimal number"),
    (b"--1", "'--1' is not a plain decimal number"),
    (b".", "'.' is not a plain decimal number"),
    (b"1e", "'1e' is not a plain decimal number"),
    (b"abc", "'abc' is not a plain decimal number"),
    (b'"1,5"', f"'1,5' is not {NUMBER} (write 1.5)"),
    (b'"0,035"', f"'0,035' is not {NUMBER} (write 0.035)"),
    (b'"1.035,5"', f"'1.035,5' is not {NUMBER} (write 1035.5)"),
    (
        b'"-1,035"',
        f"'-1,035' is not {NUMBER} (write -1035 if the comma groups thousands, -1.035 if",
    ),
    (b'"1,035,000"', f"'1,035,000' is not {NUMBER} (write 1035000)"),
    (b'"1,035.5"', f"'1,035.5' is not {NUMBER} (write 1035.5)"),
    (b"#N/A", f"'#N/A' is not {NUMBER} (leave the field empty where a value is missing)"),
    ("٣".encode(), "'٣' is not a plain decimal number"),
    (b"x" * 99, "'" + "x" * 40 + "'... is not a plain decimal number"),
    (b"1\x002", "a NUL byte"),
    (b"1\xff", "byte 0xff is not UTF-8"),
    (b"\xed\xa0\x80", "byte 0xed is not UTF-8"),
    (b'"1"2', "text after a closing quote"),
]


@pytest.mark.parametrize(("value", "reason"), BAD_VALUES)
def test_bad_value_is_named_by_line_and_column(write, value, reason):
    path = write(b"x1,x2,kind\n1,2,a\n3," + value + b",b\n5,6,a\n")
    message = message_of(path)
    assert message.startswith(f"{path}: 1 fault; ")
    assert f"\n  line 3, column 'x2': {reason}" in message


@pytest.mark.parametrize(
    ("content", "where", "reason"),
    [
        (b"x1,x2,kind\n1,2\n", "line 2, column 'kind'", "no value: the row has 2 fields"),
        (b"x1,x2,kind\n1,2,a,\n", "line 2, column 'kind'", "more values follow it: the row has 4"),
        (b"x1,x2,kind\n1,2,\n", "line 2, column 'kind'", "missing label (empty)"),
        (b"x1,x2,kind\n1,2,NA\n", "line 2, column 'kind'", "missing label (NA)"),
        (b"x1,x2,kind\n1,2,NaN\n", "line 2, column 'kind'", "'NaN' is not a class label"),
        (b"x1,x2,kind\n\n1,2,a\n3,4,b\n\n", "line 2", "blank line between rows"),
        (b'x1,x2,kind\n1,"2,a\n3,4,b\n', "line 2, column 'x2'", "the quote that opens here"),
        (b'x1,x2,kind\n1,2,"a\n', "line 2, column 'kind'", "the quote that opens here"),
        (b'x1,"x2,kind\n1,2,a\n', "line 1", "the quote that opens here is never closed"),
        (b'x1,"x2"z,kind\n1,2,a\n', "line 1", "text after a closing quote"),
        (b"x1,x2,kind,x1\n1,2,a,3\n", "line 1, column 'x1'", "the name stands twice"),
        (b"x1,x2,kind, x2 \n1,2,a,3\n", "line 1, column 'x2'", "the name stands twice"),
        (b"x1,x2,kind,n\xff\n1,2,a,3\n", "line 1, column 'n\\udcff'", "byte 0xff is not UTF-8"),
        (b"x1,x2,kind,n\n1,2,a,\xfe\n", "line 2, column 'n'", "byte 0xfe is not UTF-8"),
        (b"x1,x2,kind,n\n1,2,a,\0\n", "line 2, column 'n'", "a NUL byte"),
        (b'x1,x2,kind,n\n1,2,a,"p\nq"\n1,z,a,n\n', "line 4, column 'x2'", "'z' is not a plain"),
    ],
)
def test_bad_row_is_named_by_line_and_column(write, content, where, reason):
    message = message_of(write(content))
    assert ": 1 fault; " in message
    assert f"\n  {where}: {reason}" in message


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (gzip.compress(b"x1,x2,kind\n", mtime=0), "the file is compressed by gzip; unpack it"),
        (bz2.compress(b"x1,x2,kind\n"), "the file is compressed by bzip2; unpack it"),
        (lzma.compress(b"x1,x2,kind\n"), "the file is compressed by xz; unpack it"),
        (b"PK\x03\x04\x14\0\x08\n", "the file is an Excel workbook or a zip archive; save its"),
        ("x1,x2,kind\n1,2,a\n".encode("utf-16"), "text; save it as UTF-8"),
        ("x1,x2,kind\n1,2,a\n".encode("utf-16-le"), "the file is UTF-16 text; save it as UTF-8"),
        ("x1,x2,kind\n1,2,a\n".encode("utf-16-be"), "the file is UTF-16 text; save it as UTF-8"),
        (
            "größe,x2,kind\n".encode("latin-1"),
            "byte 0xf6 is not UTF-8; save the file as UTF-8 text",
        ),
        (b"BZh,x2,kind\n1,2,a\n", "no column 'x1'"),  # which is text, and has these letters
        (b"x1|x2|kind\n", "the columns are 'x1|x2|kind' (',', ';', tabs separate columns"),
    ],
)
def test_what_is_no_table_is_told_with_its_remedy(write, content, reason):
    assert reason in message_of(write(content))


def test_every_fault_of_a_file_is_reported_at_once(write):
    path = write('x1,x2,kind\n1,,a\n1,2\n3,4,b\ninf,z,\n5,"6"x,a\n7,8,"b\n9,9,a\n')
    assert message_of(path).splitlines() == [
        f"{path}: 7 faults; expected none",
        "  line 2, column 'x2': missing value (empty)",
        "  line 3, column 'kind': no value: the row has 2 fields, the header has 3",
        "  line 5, column 'x1': 'inf' is not a plain decimal number such as -1.5 or 2e3",
        "  line 5, column 'x2': 'z' is not a plain decimal number such as -1.5 or 2e3",
        "  line 5, column 'kind': missing label (empty)",
        "  line 6, column 'x2': text after a closing quote; a quote inside quotes is written twice",
        "  line 7, column 'kind': the quote that opens here is never closed",
    ]


def test_twenty_faults_are_told_in_full_and_the_others_by_line_and_column(write):
    rows = ["1,z,a\n"] * 1000 + ["p,2,a\n", "1,2,a\n", "q,2,a\n"]
    lines = message_of(write("x1,x2,kind\n" + "".join(rows))).splitlines()
    assert "1002 faults" in lines[0]
    assert lines[20].startswith("  line 21, column 'x2': ")
    assert lines[21:] == [
        "  ... and 982 more:",
        "    column 'x2': lines 22-1001",
        "    column 'x1': lines 1002, 1004",
    ]


def test_a_message_has_an_end(write):
    rows = "".join("1,z,a\n1,2,a\n" for _ in range(5000))
    message = message_of(write("x1,x2,kind\n" + rows))
    assert message.endswith(", 2040 and 3980 more")
    assert len(message) < 20_000


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ([7], "line 7"),
        ([7, 7], "line 7"),
        ([7, 8], "lines 7-8"),
        ([2, 5, 6, 7, 9], "lines 2, 5-7, 9"),
    ],
)
def test_lines_are_named_in_ranges(lines, text):
    assert line_ranges(lines) == text


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (b"", ["the file is empty"]),
        (b"\xef\xbb\xbf", ["the file is empty"]),
        (b"\nx1,x2,kind\n", ["line 1 is blank"]),
        (b"x1,x2,kind\n", ["only a header line"]),
        (b"x1,x2,kind", ["only a header line"]),
        (
            b"x1,X2,kinds\n1,2,a\n",
            [
                "line 1: no column 'x2' (did you mean 'X2'?), 'kind' (did you mean 'kinds'?)",
                "columns are 'x1', 'X2', 'kinds'",
            ],
        ),
        (b"p,q,r\n1,2,a\n", ["no column 'x1', 'x2', 'kind'; the columns are 'p', 'q', 'r'"]),
        (b"x1,x2,kind\n1,2,a\n3,4,a\n", ["column 'kind'", "2 classes or more, found 1: 'a'"]),
        (b"x1,x2,kind\n1,2,1\n3,4,1.0\n", ["column 'kind'", "'1' and '1.0' are the same number"]),
    ],
)
def test_file_that_is_no_table_of_classes(write, content, parts):
    message = message_of(write(content))
    for part in parts:
        assert part in message


def test_any_number_of_classes(write):
    table = read(write("x1,x2,kind\n" + "".join(f"1,2,{i % 12}\n" for i in range(36))))
    assert table.class_names == tuple(map(str, range(12)))
    assert table.y.tolist() == [i % 12 for i in range(36)]


def test_a_column_of_numbers(write):
    path = write("x1,x2,mass\n1,2,3.5\n4,5,NA\n6,7,-1e3\n")
    table = data.read_csv(path, ["x1", "x2"], target="mass", missing="drop")
    assert (table.y.tolist(), table.class_names, table.target_name) == ([3.5, -1e3], (), "mass")
    assert table.X.tolist() == [[1.0, 2.0], [6.0, 7.0]]
    assert table.dropped == (data.Dropped(3, "missing value in column 'mass'"),)
    with pytest.raises(DataError, match="line 3, column 'mass'"):
        data.read_csv(path, ["x1", "x2"], target="mass")
    with pytest.raises(DataError, match="one column"):
        data.read_csv(path, ["x1", "x2"], "mass", target="mass")
    with pytest.raises(DataError, match="list of column names"):
        data.read_csv(path, "x1", target="mass")


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (("b", "a"), ("a", "b")),
        (("10", "9"), ("9", "10")),
        (("1e0", "-1"), ("-1", "1e0")),
        (("10", "9a"), ("10", "9a")),
        (("yes", "no"), ("no", "yes")),
    ],
)
def test_classes_are_sorted_as_numbers_where_both_are(write, labels, names):
    table = read(write(f"x1,x2,kind\n1,2,{labels[0]}\n3,4,{labels[1]}\n"))
    assert table.class_names == names
    assert [table.class_names[int(label)] for label in table.y] == list(labels)


@pytest.mark.parametrize(
    ("features", "label", "part"),
    [
        ([], "kind", "no column named"),
        ("x1", "kind", "expected a list of column names: ['x1']"),
        (["x1", "x1"], "kind", "'x1' named twice"),
        (["x1", "kind"], "kind", "label 'kind' is among the features"),
        (["x1", 2], "kind", "2 is not a column name"),
        (["x1"], None, "label=None"),
    ],
)
def test_bad_request(write, features, label, part):
    with pytest.raises(DataError, match=r"expected|name it once") as caught:
        data.read_csv(write(GOOD), features, label)
    assert part in str(caught.value)
    assert "table.csv: " in str(caught.value)


def test_unknown_missing_policy(write):
    assert "expected 'error' or 'drop'" in message_of(write(GOOD), missing="ignore")


def test_drop_leaves_out_missing_rows_alone(write):
    table = read(
        write("x1,x2,kind,n\n1,2,a,NA\n,NA,b,\n3,4,b,\n5,6,NA,\n"),
        missing="drop",
    )
    assert table.X.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert table.dropped == (
        data.Dropped(3, "missing value in column 'x1', 'x2'"),
        data.Dropped(5, "missing value in column 'kind'"),
    )
    message = message_of(write("x1,x2,kind\n1,2,a\n,z,b\n3,nan,a\n4,5,b\n1\n"), missing="drop")
    assert "3 faults" in message
    assert "line 3, column 'x2': 'z'" in message
    assert "line 4, column 'x2': 'nan'" in message
    assert "line 6, column 'x2': no value" in message
    assert "all 1 rows have missing" in message_of(write("x1,x2,kind\n1,,a\n"), missing="drop")


def test_long_field_and_long_row_name_their_line(write):
    limit = csv.field_size_limit()
    message = message_of(write("x1,x2,kind\n1,2,a\n3," + "4" * (limit + 1) + ",b\n"))
    assert f"line 3, column 'x2': the field is longer than {limit} characters" in message
    row = "1,2,a," + ",".join(["n" * 1000] * 1100)
    assert "line 2, column 'kind': more values" in message_of(write("x1,x2,kind\n" + row[:999_999]))
    message = message_of(write("x1,x2,kind\n1,2,a\n" + row + "\n3,4,b\n"))
    assert f"line 3: the row is longer than {strict_csv.ROW_LIMIT} characters" in message


def test_endless_line_takes_bounded_memory():
    tracemalloc.start()
    try:
        message = message_of("/dev/zero")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "line 1: the row is longer than" in message
    assert peak < 16 * strict_csv.ROW_LIMIT


def test_hostile_texts_take_linear_time(write, monkeypatch):
    text = '"' + '""' * 60_000 + "x" + "9" * 100
    assert "never closed" in message_of(write("x1,x2,kind\n1,2,a\n" + text))
    assert "not a plain" in message_of(write("x1,x2,kind\n" + "9" * 130_000 + "x,2,a\n"))
    header = ",".join(f"{'x' * 90}{i}" for i in range(10_000))
    compared, compare = [], difflib.get_close_matches

    def counted(word, possibilities, **options):
        compared.extend(len(word) * len(one) for one in possibilities)
        return compare(word, possibilities, **options)

    monkeypatch.setattr(difflib, "get_close_matches", counted)
    with pytest.raises(DataError, match="and 9980 more"):
        data.read_features(write(header + "\n"), ["x" * 95])
    most = strict_csv.SUGGESTION_POOL * strict_csv.SUGGESTION_LENGTH**2
    assert 0 < sum(compared) <= most  # not all the names


@pytest.mark.parametrize("name", ["", "absent.csv", "a\0b"])
def test_unreadable_path(tmp_path, name):
    with pytest.raises(DataError, match=r"cannot read the CSV file|not the path of a CSV file"):
        read(tmp_path / name)


def test_read_features_needs_no_label_and_gives_the_lines(write):
    X, lines = data.read_features(write('x2,n,x1\n2,"p\nq",1\n4,,3\n'), ["x1", "x2"])
    np.testing.assert_array_equal(X, [[1.0, 2.0], [3.0, 4.0]], strict=True)
    np.testing.assert_array_equal(lines, np.array([2, 4], dtype=np.int64), strict=True)
    with pytest.raises(DataError, match="line 3, column 'x1': missing value"):
        data.read_features(write("x1\n1\nNA\n"), ["x1"])


finite = st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=60)
@given(
    rows=st.lists(st.tuples(finite, finite), min_size=2, max_size=20),
    names=st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1).filter(
            lambda name: name.strip(" \t") == name and name.lower() not in ("na", "nan")
        ),
        min_size=2,
        max_size=2,
        unique=True,
    ),
)
def test_round_trip_through_csv(tmp_path_factory, rows, names):
    path = tmp_path_factory.mktemp("csv") / "table.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["kind", "x2", "x1"])
        writer.writerows([names[i % 2], y, x] for i, (x, y) in enumerate(rows))
    try:
        table = read(path)
    except DataError as error:
        assert "the same number" in str(error)  # noqa: PT017 - two spellings are drawn now and then
        return
    assert table.X.tobytes() == np.array(rows).tobytes()
    assert [table.class_names[int(label)] for label in table.y] == [
        names[i % 2] for i in range(len(rows))
    ]


@settings(max_examples=200)
@given(
    st.lists(
        st.sampled_from(
            [b"x1", b"x2", b"kind", b",", b"\n", b"\r", b'"', b"1", b"a", b"b", b"\xff"]
        )
        | st.binary(max_size=3)
    )
)
def test_any_bytes_give_a_table_or_a_data_error(tmp_path_factory, pieces):
    path = tmp_path_factory.mktemp("csv") / "table.csv"
    path.write_bytes(b"x1,x2,kind\n1,2,a\n1,2,b\n" + b"".join(pieces))
    try:
        table = read(path)
    except DataError:
        return
    assert np.isfinite(table.X).all()
    assert len(table.y) == len(table.X) >= 2
