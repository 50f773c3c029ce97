"""Python functions made into machine code, for loops that arrays alone cannot take."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function when it is first called with such arguments.

    The machine code is kept on disk, where the next process finds it. While the function runs
    other threads do too.
    """
    return cast("Callable[P, R]", numba.njit(cache=True, nogil=True)(function))
