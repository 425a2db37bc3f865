"""Cells that a spreadsheet shows and never calculates. Pure.

What was said on the air, and what a registry holds, is anybody's. A cell that begins like a formula gets an
apostrophe before it, which spreadsheets take for "this is text"; see OWASP's page on CSV injection.
"""

import re
from typing import Final

_DANGEROUS: Final = re.compile(r"'*[ \u00a0\u3000]*[=+\-@\t\r\n＝＋－＠]")


def harmless(cell: str) -> str:
    """Return a cell that begins no formula; `as_meant` gives the words back."""
    return f"'{cell}" if _DANGEROUS.match(cell) else cell


def as_meant(cell: str) -> str:
    """Take away the apostrophe that `harmless` put there; other cells stay as they are."""
    return cell[1:] if cell.startswith("'") and _DANGEROUS.match(cell) else cell
