"""Names that a newer version takes for keywords, in what an older one printed."""

from __future__ import annotations

import re

_STRING = r"(?:E'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*')"
_QUOTED = r'"(?:[^"]|"")+"'

NEW_WORDS = {
    "json": 17, "json_array": 16, "json_arrayagg": 16, "json_exists": 17, "json_object": 16,
    "json_objectagg": 16, "json_query": 17, "json_scalar": 17, "json_serialize": 17, "json_table": 17,
    "json_value": 17, "merge_action": 17, "system_user": 16,
}  # fmt: skip
"""Names that a version up to 18 quotes, and from which on: in pg_get_keywords(), but for the unreserved."""
_WORD = re.compile(
    rf"{_STRING}|{_QUOTED}|\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$"
    rf"|(?<![\w$])(?P<word>{'|'.join(NEW_WORDS)})(?![\w$])",
    re.DOTALL,
)


def with_quotes(printed: str) -> str:
    """What a server printed, with the names quoted that are keywords in some version; harmless in all.

    A type `json` is quoted too, and stays the same type.
    """
    return _WORD.sub(lambda one: f'"{one["word"]}"' if one["word"] else one[0], printed)
