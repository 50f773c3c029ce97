"""What never stands in a log."""

import json
from contextlib import redirect_stderr
from io import StringIO

import pytest
import structlog

from geoservices import logs
from geoservices.accounts.tokens import PREFIXES, TokenKind, make_token


@pytest.mark.parametrize("kind", PREFIXES)
def test_no_token_is_written_down(kind: TokenKind) -> None:
    """Neither in a field of its own, nor within other text, nor in an exception's lines."""
    token = make_token(kind)
    before, written = structlog.get_config(), StringIO()
    try:
        with redirect_stderr(written):
            logs.configure()
        log = structlog.get_logger()
        log.info("seen", token=token, password="hunter2", path=f"/v1/things/{token}/more")
        try:
            int(token)
        except ValueError:
            log.exception("failed", told=f"Bearer {token}")
    finally:
        structlog.configure(**before)

    said = written.getvalue()
    assert token not in said
    assert "hunter2" not in said
    assert f"/v1/things/{PREFIXES[kind]}[withheld]/more" in said
    assert said.count("\n") == 2


def test_a_line_stays_one_line() -> None:
    """Whoever sends the end of a line and a made-up line behind it has made neither."""
    before, written = structlog.get_config(), StringIO()
    try:
        with redirect_stderr(written):
            logs.configure()
        structlog.get_logger().info("seen", path='/v1/x\n{"event": "made up"}\r\u2028\x1b[2J')
    finally:
        structlog.configure(**before)

    [line] = written.getvalue().splitlines()
    assert json.loads(line)["event"] == "seen"
    assert line.isprintable()
