"""JSON values, one after another, out of a text of any length, with the line each begins on."""

import json
import math
from collections.abc import Iterator

from geodata.sources.files import FileBroken

WHITESPACE = " \t\r\n"
LARGEST_VALUE = 1 << 26
"""A single value longer than this many characters is not read: it would fill the memory."""
NEAR_THE_END = 16
"""An error this near to the end of what was read may be nothing but the end."""
LONGEST_INTEGER = 400
"""Digits of the longest integer taken as one; a longer one is beyond any float."""


class Unreadable(ValueError):
    """The text cannot be read as JSON from a line on."""

    def __init__(self, line: int, reason: str) -> None:
        self.line = line
        self.reason = reason
        super().__init__(f"line {line}: {reason}")


class Repeated(dict[str, object]):
    """An object that gives a name twice; which of the values is meant, nobody can say."""


class Scanner:
    """A position in a text that is read as it is needed."""

    def __init__(self, texts: Iterator[str]) -> None:
        self._texts = texts
        self._buffer = ""
        self._at = 0
        self.line = 1

    def peek(self) -> str:
        """Skip white space and return the next character, or nothing at the end."""
        while True:
            start = self._at
            while self._at < len(self._buffer) and self._buffer[self._at] in WHITESPACE:
                self._at += 1
            self.line += self._buffer.count("\n", start, self._at)
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._read_more():
                return ""

    def skip(self, wanted: str) -> None:
        """Go past a character that must come next.

        Raises:
            Unreadable: Another one comes.
        """
        found = self.peek()
        if found != wanted:
            named = repr(found) if found else "the end of the file"
            raise Unreadable(self.line, f"expected {wanted!r}, found {named}")
        self._at += 1

    def value(self) -> object:
        """Read the next JSON value.

        Raises:
            Unreadable: What comes next is not JSON, or is too long.
        """
        self.peek()
        while True:
            try:
                found, end = DECODER.raw_decode(self._buffer, self._at)
            except json.JSONDecodeError as error:
                if self._may_be_cut(error) and self._read_more():
                    continue
                line = self.line + self._buffer.count("\n", self._at, error.pos)
                raise Unreadable(line, f"not JSON: {error.msg}") from error
            except RecursionError as error:
                raise Unreadable(self.line, "nested too deeply") from error
            # A number that ends where the buffer does may go on in the next piece.
            if end == len(self._buffer) and self._read_more():
                continue
            self.line += self._buffer.count("\n", self._at, end)
            self._at = end
            return found

    def members(self) -> Iterator[str]:
        """Yield the names of an object's members, standing at the value of each."""
        self.skip("{")
        if self.peek() != "}":
            while True:
                name = self.value()
                if not isinstance(name, str):
                    raise Unreadable(self.line, "a member's name is a string")
                self.skip(":")
                yield name
                if self.peek() != ",":
                    break
                self.skip(",")
        self.skip("}")

    def elements(self) -> Iterator[tuple[int, object]]:
        """Yield an array's elements, each with the line it begins on."""
        self.skip("[")
        if self.peek() != "]":
            while True:
                self.peek()
                line = self.line
                yield line, self.value()
                if self.peek() != ",":
                    break
                self.skip(",")
        self.skip("]")

    def until(self, separator: str) -> tuple[int, str]:
        """Return the text up to a separator or the end, and its line; go past the separator."""
        line, end = self.line, self._buffer.find(separator, self._at)
        while end < 0:
            looked_at = len(self._buffer) - self._at
            if not self._read_more():
                end = len(self._buffer)
                break
            end = self._buffer.find(separator, self._at + looked_at)
        text = self._buffer[self._at : end]
        self.line += self._buffer.count("\n", self._at, end + 1)
        self._at = min(end + 1, len(self._buffer))
        return line, text

    def _may_be_cut(self, error: json.JSONDecodeError) -> bool:
        near = error.pos >= len(self._buffer) - NEAR_THE_END
        return near or error.msg.startswith("Unterminated string")

    def _read_more(self) -> bool:
        """Read about as much again as is waiting, so that a long value is not tried too often."""
        waiting = self._buffer[self._at :]
        if len(waiting) > LARGEST_VALUE:
            raise Unreadable(self.line, f"one value is longer than {LARGEST_VALUE:,} characters")
        pieces, size = [waiting], 0
        try:
            while size <= len(waiting):
                piece = next(self._texts, None)
                if piece is None:
                    break
                pieces.append(piece)
                size += len(piece)
        except FileBroken as error:
            line = self.line + sum(text.count("\n") for text in pieces)
            raise Unreadable(line, str(error)) from error
        self._buffer, self._at = "".join(pieces), 0
        return size > 0


def decode(line: int, text: str) -> object:
    """Read a text that is one JSON value.

    Raises:
        Unreadable: It is not.
    """
    try:
        return DECODER.decode(text)
    except json.JSONDecodeError as error:
        at = line + text.count("\n", 0, error.pos)
        raise Unreadable(at, f"not JSON: {error.msg}") from error
    except RecursionError as error:
        raise Unreadable(line, "nested too deeply") from error


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else Repeated(found)


def _integer(digits: str) -> float:
    return int(digits) if len(digits) <= LONGEST_INTEGER else math.inf


DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer)
