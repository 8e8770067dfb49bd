"""Rows of standing orders and firings as values."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from sqlalchemy import RowMapping

from tasks.orders.order import Firing, MessageSource, Order, OrderKind, OrderState

#: The fields of an order that are columns of the same name and type.
SAME_NAME = [f.name for f in fields(Order) if f.name not in ("kind", "source", "state", "task")]


def firing_row(firing: Firing) -> dict[str, Any]:
    values = {field.name: getattr(firing, field.name) for field in fields(Firing) if field.name != "order"}
    return {**values, "order_id": firing.order, "claimed_at": firing.at}


def to_order(row: RowMapping) -> Order:
    values = {name: row[name] for name in SAME_NAME}
    return Order(
        kind=OrderKind(row["kind"]), source=MessageSource(row["source"]), state=OrderState(row["state"]),
        task=row["task_text"], **values,
    )  # fmt: skip


def to_firing(row: RowMapping) -> Firing:
    names = ("occasion", "at", "missed", "ts", "task", "result", "reason")
    return Firing(order=row["order_id"], **{name: row[name] for name in names})
