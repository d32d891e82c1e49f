"""A shop's tables (products, departments, aisles): things with names, synonyms and what is known about each."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import SettingsError
from providers.agent.faq.language import Language, Tokens

_SYNONYM_SEPARATOR = "|"


@dataclass(frozen=True, slots=True)
class Row:
    """One thing."""

    table: str
    """Name of its table."""

    values: Mapping[str, str]
    """By column; ``name`` is what it is called aloud."""

    names: tuple[str, ...]
    """All that it may be called."""

    line: int
    """Line in its file, 0 for none."""


@dataclass(frozen=True, slots=True)
class Table:
    """Things of one kind."""

    name: str
    """As in ``{product}``."""

    columns: frozenset[str]
    """What may be asked of a row, ``name`` included."""

    rows: tuple[Row, ...]
    """All of them."""

    file: str
    """Where it came from, for messages."""


def read_table(name: str, path: Path, name_column: str, synonym_column: str, language: Language) -> Table:
    """Read a CSV file with a head line; synonyms are separated by ``|``. Raises ``SettingsError``."""
    head, records = _records(path)
    for column in filter(None, (name_column, synonym_column)):
        if column not in head:
            raise SettingsError(
                f"{path}: there is no column {column!r}.", remedy=f"The head line has: {', '.join(head)}."
            )
    rows = []
    for line, record in records:
        called = record[name_column]
        if not called:
            raise SettingsError(f"{path}, line {line}: the column {name_column!r} is empty.")
        synonyms = record[synonym_column].split(_SYNONYM_SEPARATOR) if synonym_column else []
        names = tuple(filter(None, map(str.strip, [called, *synonyms])))
        rows.append(Row(name, record | {"name": called}, names, line))
    if not rows:
        raise SettingsError(f"{path}: the table is empty.")
    _refuse_doubles(path, rows, language)
    return Table(name, frozenset({*head, "name"}), tuple(rows), str(path))


def listed(name: str, items: Iterable[str]) -> Table:
    """A table of names alone; an item may have synonyms behind ``|``."""
    rows = []
    for item in items:
        names = tuple(filter(None, map(str.strip, item.split(_SYNONYM_SEPARATOR))))
        rows.append(Row(name, {"name": names[0]}, names, 0))
    return Table(name, frozenset({"name"}), tuple(rows), "")


def _records(path: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            file.seek(0)
            # Spreadsheets of countries with a decimal comma write semicolons.
            delimiter = ";" if first.count(";") > first.count(",") else ","
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            head = [cell.strip() for cell in next(reader, [])]
            if not head:
                raise SettingsError(f"{path}: the file is empty.", remedy="Its first line names the columns.")
            records = []
            for cells in reader:
                if not any(cell.strip() for cell in cells):
                    continue
                if len(cells) != len(head):
                    raise SettingsError(
                        f"{path}, line {reader.line_num}: {len(cells)} cells, but the head line has {len(head)}.",
                        remedy='Put text that has a comma in it between "quotes".',
                    )
                values = (cell.strip() for cell in cells)
                records.append((reader.line_num, dict(zip(head, values, strict=True))))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: is not UTF-8 text.", remedy="Save it as CSV UTF-8.") from error
    except csv.Error as error:
        raise SettingsError(f"{path}: is no CSV file ({error}).") from error
    return head, records


def _refuse_doubles(path: Path, rows: Iterable[Row], language: Language) -> None:
    seen: dict[Tokens, Row] = {}
    for row in rows:
        for called in row.names:
            other = seen.setdefault(language.tokens(called), row)
            if other is not row:
                raise SettingsError(f"{path}, line {row.line}: {called!r} is already in line {other.line}.")
