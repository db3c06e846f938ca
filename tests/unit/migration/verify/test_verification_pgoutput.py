"""Messages of pgoutput are read as the server's documentation lays them out, and no others."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migration.catalog.tables import TableName
from migration.verify.pgoutput import Change, Decoder

pytestmark = pytest.mark.unit

# PostgreSQL's text holds no zero byte, and UTF-8 no lone surrogate.
text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
values = st.one_of(st.none(), text)


def relation(number: int, schema: str, name: str, columns: list[str]) -> bytes:
    parts = [b"R", struct.pack(">I", number), schema.encode() + b"\0", name.encode() + b"\0", b"d"]
    parts.append(struct.pack(">H", len(columns)))
    parts += [b"\1" + column.encode() + b"\0" + struct.pack(">II", 25, 0xFFFFFFFF) for column in columns]
    return b"".join(parts)


def row(marker: bytes, held: list[str | None]) -> bytes:
    parts = [marker, struct.pack(">H", len(held))]
    for value in held:
        encoded = b"" if value is None else value.encode()
        parts.append(b"n" if value is None else b"t" + struct.pack(">I", len(encoded)) + encoded)
    return b"".join(parts)


@given(schema=text, name=text, held=st.lists(values, min_size=1, max_size=6))
def test_any_row_comes_out_as_it_went_in(schema: str, name: str, held: list[str | None]) -> None:
    decoder = Decoder()
    columns = [f"c{index}" for index in range(len(held))]
    assert list(decoder.decode(relation(7, schema, name, columns))) == []
    message = b"I" + struct.pack(">I", 7) + row(b"N", held)
    table = TableName(schema or "pg_catalog", name)
    assert list(decoder.decode(message)) == [Change(table, dict(zip(columns, held, strict=True)))]


def test_an_update_of_a_key_names_the_old_and_the_new_one() -> None:
    decoder = Decoder()
    list(decoder.decode(relation(1, "s", "t", ["id", "v"])))
    message = b"U" + struct.pack(">I", 1) + row(b"K", ["1", None]) + row(b"N", ["2", "x"])
    assert list(decoder.decode(message)) == [Change(TableName("s", "t"), {"id": "2", "v": "x"}, {"id": "1"})]


def test_a_truncate_names_every_table() -> None:
    decoder = Decoder()
    for number, name in ((1, "a"), (2, "b")):
        list(decoder.decode(relation(number, "s", name, ["id"])))
    message = b"T" + struct.pack(">I", 2) + b"\0" + struct.pack(">II", 1, 2)
    assert [(c.table.name, c.truncated) for c in decoder.decode(message)] == [("a", True), ("b", True)]


def test_a_column_that_was_not_sent_is_left_out() -> None:
    decoder = Decoder()
    list(decoder.decode(relation(1, "s", "t", ["id", "large"])))
    message = b"U" + struct.pack(">I", 1) + b"N" + struct.pack(">H", 2) + b"t" + struct.pack(">I", 1) + b"5u"
    assert list(decoder.decode(message)) == [Change(TableName("s", "t"), {"id": "5"})]


def test_a_message_cut_short_is_an_error() -> None:
    decoder = Decoder()
    list(decoder.decode(relation(1, "s", "t", ["id"])))
    with pytest.raises(ValueError, match="ends 3 bytes early"):
        list(decoder.decode(b"I" + struct.pack(">I", 1) + row(b"N", ["1234"])[:-3]))
