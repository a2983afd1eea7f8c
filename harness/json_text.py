"""Reads JSON that may be anything: Python's reader fails in more ways than one."""

import json


class NotJsonError(ValueError):
    """A text is not JSON, or nothing that fits into memory and numbers."""


def parse_json(text: str) -> object:
    """The value of a JSON text.

    Raises:
        NotJsonError: it is not JSON, nested too deeply, or holds a number of thousands of digits.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise NotJsonError("it is nested too deeply") from None
    except ValueError as error:
        raise NotJsonError(str(error).split(";")[0]) from None
