"""What stands in the cells of a CSV file (RFC 4180)."""

import json

DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
"""How text begins that spreadsheets take for a formula (OWASP, CSV Injection)."""


def cell(value: object) -> str | int | float:
    """Return what stands for a value of JSON in a cell.

    Nothing is an empty cell. Text that a spreadsheet would run gets an apostrophe before it, which
    spreadsheets do not show; numbers are left as they are.
    """
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | float():
            return value
        case str():
            return f"'{value}" if value.startswith(DANGEROUS) else value
        case _:
            return json.dumps(value, ensure_ascii=False)
