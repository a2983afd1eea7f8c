from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest

from harness.errors import StoreError
from harness.execution.measuring import measure_missing, stored
from harness.execution.progress import Quiet
from harness.store.measurements import MeasurementStore, content_key


@dataclass(frozen=True)
class Number:
    value: int

    @property
    def key(self) -> str:
        return content_key("number", self.value)


class Squares:
    """Computes squares, counting, and breaks off before a number."""

    def __init__(self, break_before: int | None = None) -> None:
        self.computed: list[int] = []
        self.break_before = break_before

    def __call__(self, items):
        for item in items:
            if item.value == self.break_before:
                raise KeyboardInterrupt
            self.computed.append(item.value)
        return [{"excluded": None, "square": float(item.value**2)} for item in items]


def store_of(root: Path, **identity) -> MeasurementStore:
    return MeasurementStore(root, "squares", {"model": "m", **identity}, {"square": pa.float64()})


def measure(numbers, compute, store):
    rows = measure_missing([Number(n) for n in numbers], compute, store, Quiet(), label="squares", shard_items=3)
    return [row["square"] for row in rows]


def test_rows_come_in_the_items_order_and_are_computed_once(tmp_path):
    compute = Squares()
    assert measure([3, 1, 2, 1, 5], compute, store_of(tmp_path)) == [9, 1, 4, 1, 25]
    assert compute.computed == [3, 1, 2, 5]
    assert measure([5, 4, 3], compute, store_of(tmp_path)) == [25, 16, 9]
    assert compute.computed == [3, 1, 2, 5, 4]


def test_what_was_stored_before_it_broke_off_is_not_computed_again(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        measure(range(8), Squares(break_before=7), store_of(tmp_path))
    again = Squares()
    assert measure(range(8), again, store_of(tmp_path)) == [n**2 for n in range(8)]
    assert again.computed == [6, 7]


def test_another_identity_kind_or_column_shares_nothing(tmp_path):
    store = store_of(tmp_path)
    measure([1], Squares(), store)
    others = [
        store_of(tmp_path, seed=1),
        MeasurementStore(tmp_path, "cubes", {"model": "m"}, {"square": pa.float64()}),
        MeasurementStore(tmp_path, "squares", {"model": "m"}, {"cube": pa.float64()}),
    ]
    assert all(other.folder != store.folder and other.present() == set() for other in others)


def test_reading_what_is_not_there_says_so(tmp_path):
    with pytest.raises(StoreError, match="missing"):
        stored([Number(1)], store_of(tmp_path))


def test_a_number_may_be_missing_and_has_a_reason(tmp_path):
    store = store_of(tmp_path)
    items = [Number(1)]
    rows = measure_missing(
        items, lambda _: [{"excluded": "too small", "square": None}], store, Quiet(), label="x", shard_items=1
    )
    assert rows == [{"row_key": items[0].key, "excluded": "too small", "square": None}]
