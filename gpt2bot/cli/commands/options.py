"""What the options of commands share: limits of their values, and which were given."""

from __future__ import annotations

from typing import Annotated, Any

from annotated_types import Ge, Gt, Le

__all__ = ["AtLeastOne", "NotNegative", "Positive", "Rows", "Share", "given"]

AtLeastOne = Annotated[int, Ge(1)]
Rows = Annotated[int, Ge(1), Le(1_000_000)]  # SQLite takes no number of any size
NotNegative = Annotated[int, Ge(0)]
Positive = Annotated[float, Gt(0)]
Share = Annotated[float, Gt(0), Le(1)]


def given(**options: Any) -> dict[str, Any]:
    """The options that stand on the line."""
    return {name: value for name, value in options.items() if value is not None}
