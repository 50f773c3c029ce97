"""Reading with the present key, or else with one of before; writing takes the present one."""

from collections.abc import Callable, Sequence
from typing import TypeVar

Read = TypeVar("Read")


def by_any(secrets: Sequence[bytes], read: Callable[[bytes], Read | None]) -> Read | None:
    """Return what the first secret makes of something, or None if none makes anything of it.

    Args:
        secrets: The present one first.
        read: Reads with one secret; None means that it was made with another.
    """
    return next((told for one in secrets if (told := read(one)) is not None), None)
