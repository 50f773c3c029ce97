"""The page docs/problems.md: `python -m api.problems_page > docs/problems.md`."""

import sys

from api.app import NOUNS
from api.problems import catalogue, meaning_of, status_of

HEAD = """\
# Problems

Every refusal is a problem document (RFC 9457, `application/problem+json`). Its `type` is
`/problems/` and one of these codes, which never change; the service explains the same at that
address. `title` and `status` go with the code, `detail` says what was wrong this time, and
`field` names the member or parameter at fault as a JSON Pointer (RFC 6901), where there is one.

This page is generated: `python -m api.problems_page > docs/problems.md`.

| code | status | title | meaning |
| --- | --- | --- | --- |
"""


def page() -> str:
    """Return the page, with a row for each problem there is."""
    # The routes' modules define refusals of their own, so they must have been imported.
    assert NOUNS  # noqa: S101
    rows = [
        f"| `{code}` | {status_of(error)} | {error.title} | {meaning_of(error)} |\n"
        for code, error in catalogue().items()
    ]
    return HEAD + "".join(rows)


if __name__ == "__main__":
    sys.stdout.write(page())
