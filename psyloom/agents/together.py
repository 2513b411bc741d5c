"""Asking at the same time."""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar, overload

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
T = TypeVar("T")


@overload
async def gather(a: Awaitable[A], b: Awaitable[B], /) -> tuple[A, B]: ...
@overload
async def gather(a: Awaitable[A], b: Awaitable[B], c: Awaitable[C], /) -> tuple[A, B, C]: ...
@overload
async def gather(*all_: Awaitable[T]) -> list[T]: ...
async def gather(*all_: Awaitable[Any]) -> Any:
    """What all of them give, in their order.

    Unlike asyncio's, it lets every one come to its end before the first failure in order is raised: what was sent is
    paid for, so its answer has to reach the journal.
    """
    found = await asyncio.gather(*all_, return_exceptions=True)
    for one in found:
        if isinstance(one, BaseException):
            raise one
    return found
