"""The simulator's memory, in SQLite: voice calls, the journal, the tokens' ids.

Several orgs share it, and see nothing of each other's voice calls: see `Store.of`.

One connection guarded by one lock: a caller that has to look before it writes holds `lock` over
both. A journal entry is written when its request has been read and gets its status just before
the answer leaves, so a client that has its answer finds it in the journal.
"""

import copy
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import Any, Literal

from simulator.salesforce.ids import is_voice_call_id, long_id, new_voice_call_id

Source = Literal["POST", "PATCH", "SEED"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS voice_calls (
    number INTEGER PRIMARY KEY AUTOINCREMENT, voice_call_id TEXT NOT NULL UNIQUE,
    vendor_call_key TEXT NOT NULL, parent TEXT, fields TEXT NOT NULL,
    created_at REAL NOT NULL, source TEXT NOT NULL, active INTEGER NOT NULL,
    org TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS by_vendor_call_key ON voice_calls (vendor_call_key);
CREATE INDEX IF NOT EXISTS by_creation ON voice_calls (source, created_at);
CREATE INDEX IF NOT EXISTS by_activity ON voice_calls (active);
CREATE TABLE IF NOT EXISTS exchanges (
    number INTEGER PRIMARY KEY AUTOINCREMENT, method TEXT NOT NULL, path TEXT NOT NULL,
    headers TEXT NOT NULL, body TEXT NOT NULL, status INTEGER, fault TEXT NOT NULL,
    at REAL NOT NULL, answer TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS actions (
    number INTEGER PRIMARY KEY AUTOINCREMENT, vendor_call_key TEXT NOT NULL,
    operation TEXT NOT NULL, body TEXT NOT NULL, answer TEXT NOT NULL, at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS by_call ON actions (vendor_call_key, operation);
CREATE INDEX IF NOT EXISTS by_moment ON actions (operation, at);
CREATE TABLE IF NOT EXISTS token_ids (jti TEXT PRIMARY KEY);
"""


@dataclass(frozen=True)
class NewVoiceCall:
    """A VoiceCall record before it has an id; its members are those of `VoiceCallRecord`."""

    vendor_call_key: str
    fields: Mapping[str, Any]
    created_at: float
    source: Source
    parent: str | None = None
    active: bool = True


@dataclass(frozen=True)
class VoiceCallRecord:
    """A VoiceCall record.

    `parent` is the vendor call key of the call this one was transferred from; for an unknown
    parent that a PATCH names, the name as given. `fields` is the body as stored, PATCHes merged
    into it. `created_at` in epoch seconds. `active` says whether its conversation is open.
    `org` is the id of the org it lies in.
    """

    voice_call_id: str
    vendor_call_key: str
    parent: str | None
    fields: dict[str, Any]
    created_at: float
    source: Source
    active: bool
    org: str = ""


@dataclass(frozen=True)
class Exchange:
    """One request and what was answered.

    `path` as received, query included. `headers` by Title-Case name, with the token's claims (not
    verified) in place of Authorization. `body` is the JSON value, else the text; None when empty.
    `status` is None as long as nothing is answered. `fault` is its kind, "" when none was applied.
    `at` in epoch seconds. `answer` is the text that was answered, as far as it is kept.
    `number` is its place in the journal.
    """

    method: str
    path: str
    headers: dict[str, Any]
    body: Any
    status: int | None
    fault: str
    at: float
    answer: str = ""
    number: int = 0


@dataclass(frozen=True)
class ActionRecord:
    """An action on a voice call: the operation as the path names it, the body, the answer.

    `at` in epoch seconds.
    """

    vendor_call_key: str
    operation: str
    body: dict[str, Any]
    answer: dict[str, Any]
    at: float


class Store:
    """The simulator's memory.

    Args:
        database: ":memory:", or a file that outlives the simulator.
        home: the org of what an earlier edition has left in the file, when there was one.

    Raises:
        sqlite3.Error: the file cannot be opened or is not a database.
    """

    def __init__(self, database: str | Path, home: str = "") -> None:
        self.lock = RLock()
        self._org = ""
        self._connection = sqlite3.connect(
            database, isolation_level=None, check_same_thread=False, timeout=5.0
        )
        self._connection.row_factory = sqlite3.Row
        try:
            # A simulator may lose its last writes in a power cut; it must not wait for the disk.
            self._connection.execute("PRAGMA synchronous = OFF")
            self._connection.execute("PRAGMA journal_mode = MEMORY").fetchall()
            self._connection.executescript(_SCHEMA)
            self._bring_up_to_date(home)
        except sqlite3.Error:
            self._connection.close()
            raise

    def of(self, org: str) -> "Store":
        """This memory as an org sees it: with its own voice calls only."""
        view = copy.copy(self)
        view._org = org
        return view

    def close(self) -> None:
        """Close the database; nothing can be asked afterwards."""
        with self.lock:
            self._connection.close()

    def clear(self) -> None:
        """Forget the voice calls, what was done about them, the journal and the tokens' ids."""
        with self.lock:
            self._connection.executescript(
                "DELETE FROM voice_calls; DELETE FROM actions; DELETE FROM exchanges;"
                " DELETE FROM token_ids;"
            )

    def voice_calls(self) -> list[VoiceCallRecord]:
        """Every voice call, in the order of creation."""
        sql = "SELECT * FROM voice_calls WHERE (? = '' OR org = ?) ORDER BY number"
        return [_call(row) for row in self._query(sql, *self._seen)]

    def by_key(self, vendor_call_key: str) -> VoiceCallRecord | None:
        """The first voice call with this vendor call key."""
        sql = (
            "SELECT * FROM voice_calls WHERE (? = '' OR org = ?) AND vendor_call_key = ?"
            " ORDER BY number LIMIT 1"
        )
        return _first_call(self._query(sql, *self._seen, vendor_call_key))

    def by_id_or_key(self, name: str) -> VoiceCallRecord | None:
        """The voice call with this record id (15 or 18 characters) or vendor call key."""
        if is_voice_call_id(name):
            record_id = long_id(name) if len(name) == 15 else name
            sql = "SELECT * FROM voice_calls WHERE (? = '' OR org = ?) AND voice_call_id = ?"
            found = _first_call(self._query(sql, *self._seen, record_id))
            if found is not None:
                return found
        return self.by_key(name)

    def add_call(self, new: NewVoiceCall) -> VoiceCallRecord:
        """Store a new voice call under a new record id."""
        record = VoiceCallRecord(
            new_voice_call_id(),
            new.vendor_call_key,
            new.parent,
            dict(new.fields),
            new.created_at,
            new.source,
            new.active,
            self._org,
        )
        texts = (record.voice_call_id, new.vendor_call_key, new.parent, json.dumps(record.fields))
        with self.lock:
            self._connection.execute(
                "INSERT INTO voice_calls (voice_call_id, vendor_call_key, parent, fields,"
                " created_at, source, active, org) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (*texts, new.created_at, new.source, new.active, self._org),
            )
        return record

    def update_call(
        self, voice_call_id: str, *, parent: str | None, fields: Mapping[str, Any], active: bool
    ) -> None:
        """Replace the fields, the parent and the activity of a voice call."""
        with self.lock:
            self._connection.execute(
                "UPDATE voice_calls SET parent = ?, fields = ?, active = ? WHERE voice_call_id = ?",
                (parent, json.dumps(fields), active, voice_call_id),
            )

    def add_action(
        self,
        vendor_call_key: str,
        operation: str,
        body: Mapping[str, Any],
        answer: Mapping[str, Any],
        at: float,
    ) -> None:
        """Remember what was done about a voice call."""
        stored = (vendor_call_key, operation, json.dumps(body), json.dumps(answer), at)
        with self.lock:
            self._connection.execute(
                "INSERT INTO actions (vendor_call_key, operation, body, answer, at)"
                " VALUES (?, ?, ?, ?, ?)",
                stored,
            )

    def has_action(self, vendor_call_key: str, operation: str, name: str, value: str) -> bool:
        """Whether such an operation about a call was done with this member of its body."""
        sql = (
            "SELECT 1 FROM actions WHERE vendor_call_key = ? AND operation = ?"
            " AND json_extract(body, ?) = ? LIMIT 1"
        )
        return bool(self._query(sql, vendor_call_key, operation, f"$.{name}", value))

    def count_actions_after(self, operation: str, moment: float) -> int:
        """How often an operation was done after the moment, in epoch seconds."""
        sql = "SELECT COUNT(*) FROM actions WHERE operation = ? AND at > ?"
        return int(self._query(sql, operation, moment)[0][0])

    def actions(self) -> list[ActionRecord]:
        """Everything that was done about voice calls, in order."""
        return [_action(row) for row in self._query("SELECT * FROM actions ORDER BY number")]

    def count_posted_after(self, moment: float) -> int:
        """How many voice calls a POST created after the moment, in epoch seconds."""
        sql = (
            "SELECT COUNT(*) FROM voice_calls WHERE (? = '' OR org = ?)"
            " AND source = 'POST' AND created_at > ?"
        )
        return int(self._query(sql, *self._seen, moment)[0][0])

    def count_active(self) -> int:
        """How many conversations are open."""
        sql = "SELECT COUNT(*) FROM voice_calls WHERE (? = '' OR org = ?) AND active = 1"
        return int(self._query(sql, *self._seen)[0][0])

    def first_sight(self, jti: str) -> bool:
        """Remember a token's id; False when it was known already."""
        with self.lock:
            cursor = self._connection.execute("INSERT OR IGNORE INTO token_ids VALUES (?)", (jti,))
            return cursor.rowcount == 1

    def open_exchange(self, exchange: Exchange) -> int:
        """Write a request into the journal; its number there."""
        headers, body = json.dumps(exchange.headers), json.dumps(exchange.body)
        rest = (exchange.status, exchange.fault, exchange.at)
        with self.lock:
            cursor = self._connection.execute(
                "INSERT INTO exchanges (method, path, headers, body, status, fault, at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (exchange.method, exchange.path, headers, body, *rest),
            )
            return int(cursor.lastrowid or 0)

    def set_status(self, number: int, status: int, answer: str = "") -> None:
        """Note how a journal entry was answered; one that was cleared meanwhile stays away."""
        with self.lock:
            self._connection.execute(
                "UPDATE exchanges SET status = ?, answer = ? WHERE number = ?",
                (status, answer, number),
            )

    def journal(self, after: int = 0) -> list[Exchange]:
        """Every request received behind that number, in order."""
        sql = "SELECT * FROM exchanges WHERE number > ? ORDER BY number"
        return [_exchange(row) for row in self._query(sql, after)]

    @property
    def _seen(self) -> tuple[str, str]:
        """For `? = '' OR org = ?`: all voice calls, or those of one org."""
        return self._org, self._org

    def _bring_up_to_date(self, home: str) -> None:
        columns = [row["name"] for row in self._query("PRAGMA table_info(voice_calls)")]
        if "org" not in columns:
            self._query("ALTER TABLE voice_calls ADD COLUMN org TEXT NOT NULL DEFAULT ''")
        self._query("UPDATE voice_calls SET org = ? WHERE org = ''", home)
        columns = [row["name"] for row in self._query("PRAGMA table_info(exchanges)")]
        if "answer" not in columns:
            self._query("ALTER TABLE exchanges ADD COLUMN answer TEXT NOT NULL DEFAULT ''")

    def _query(self, sql: str, *values: str | float) -> list[sqlite3.Row]:
        with self.lock:
            return self._connection.execute(sql, values).fetchall()


def _first_call(rows: list[sqlite3.Row]) -> VoiceCallRecord | None:
    return _call(rows[0]) if rows else None


def _call(row: sqlite3.Row) -> VoiceCallRecord:
    return VoiceCallRecord(
        voice_call_id=row["voice_call_id"],
        vendor_call_key=row["vendor_call_key"],
        parent=row["parent"],
        fields=json.loads(row["fields"]),
        created_at=row["created_at"],
        source=row["source"],
        active=bool(row["active"]),
        org=row["org"],
    )


def _action(row: sqlite3.Row) -> ActionRecord:
    return ActionRecord(
        vendor_call_key=row["vendor_call_key"],
        operation=row["operation"],
        body=json.loads(row["body"]),
        answer=json.loads(row["answer"]),
        at=row["at"],
    )


def _exchange(row: sqlite3.Row) -> Exchange:
    return Exchange(
        method=row["method"],
        path=row["path"],
        headers=json.loads(row["headers"]),
        body=json.loads(row["body"]),
        status=row["status"],
        fault=row["fault"],
        at=row["at"],
        answer=row["answer"],
        number=row["number"],
    )
