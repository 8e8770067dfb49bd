"""Rows of standing orders and firings as values."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from sqlalchemy import RowMapping

from tasks.orders.order import Firing, MessageSource, Order, OrderKind, OrderState

#: The fields of an order that are columns of the same name and type.
_SAME_NAME = [f.name for f in fields(Order) if f.name not in ("kind", "source", "state", "task")]


def firing_row(firing: Firing) -> dict[str, Any]:
    values = {field.name: getattr(firing, field.name) for field in fields(Firing) if field.name != "order"}
    return {**values, "order_id": firing.order, "claimed_at": firing.at}


def order_row(order: Order) -> dict[str, Any]:
    """A new order's row; it counts as changed when it was created."""
    return {name: getattr(order, name) for name in _SAME_NAME} | {
        "kind": order.kind.value, "source": order.source.value, "state": order.state.value,
        "task_text": order.task, "changed_at": order.created_at,
    }  # fmt: skip


def to_order(row: RowMapping) -> Order:
    values = {name: row[name] for name in _SAME_NAME}
    return Order(
        kind=OrderKind(row["kind"]), source=MessageSource(row["source"]), state=OrderState(row["state"]),
        task=row["task_text"], **values,
    )  # fmt: skip


def to_firing(row: RowMapping) -> Firing:
    names = ("occasion", "at", "missed", "ts", "task", "result", "reason")
    return Firing(order=row["order_id"], **{name: row[name] for name in names})
