"""One comment of a pull request on GitHub for each page, made once and edited from then on.

    python3 -m operations.preview.comment --head SHA FOLDER...

Each folder holds `page.md` and the pull request's `number`, written by code that nobody has looked at: so
they are text here, and a pull request whose head is not SHA is not touched. Needs Python's own library only.
https://docs.github.com/en/rest/issues/comments
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.errors import GitHubFailed

SECONDS = 30
LONGEST = 60_000
"""Characters; GitHub refuses more than 65,536."""
MARK = re.compile(r"<!-- waqiti preview of [A-Za-z0-9._/-]{1,100} -->")
"""A page's first line (`operations.preview.page.MARK`)."""
_A_PAGE = 100


@dataclass(frozen=True)
class PullRequest:
    """A pull request, and the token to comment on it with."""

    api: str
    """For example https://api.github.com, without a slash at its end."""
    repository: str
    """owner/name"""
    number: int
    token: str = field(repr=False)

    def show(self, page: str) -> str:
        """Put `page` into the comment that has its mark, or into a new one; returns the comment's address.

        Raises GitHubFailed, also for a page without a mark.
        """
        mark, body = page.partition("\n")[0], as_comment(page)
        if not MARK.fullmatch(mark):
            raise GitHubFailed("the page has no mark in its first line; it is none of script/preview")
        there = next((one for one in self._comments() if _is_ours(one, mark)), None)
        if there is None:
            there = self._ask("POST", f"issues/{self.number}/comments", {"body": body})
        elif there.get("body") != body:
            there = self._ask("PATCH", f"issues/comments/{there['id']}", {"body": body})
        return str(there.get("html_url", ""))

    def head(self) -> str:
        """The commit that the pull request has now. Raises GitHubFailed."""
        return str(self._ask("GET", f"pulls/{self.number}")["head"]["sha"])

    def _comments(self) -> Iterator[dict[str, Any]]:
        page, full = 1, True
        while full:
            found = self._ask("GET", f"issues/{self.number}/comments?per_page={_A_PAGE}&page={page}")
            yield from found
            page, full = page + 1, len(found) == _A_PAGE

    def _ask(self, method: str, path: str, content: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(  # noqa: S310 - the runner's own address of the API
            f"{self.api}/repos/{self.repository}/{path}",
            method=method,
            data=None if content is None else json.dumps(content).encode(),
            headers={
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
                "X-GitHub-Api-Version": "2022-11-28",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            why = {401: "the token is not accepted", 403: "the token may not (pull-requests: write)"}
            said = why.get(error.code, error.reason)
            raise GitHubFailed(f"{method} {path.partition('?')[0]}: {error.code}, {said}") from None
        except (urllib.error.URLError, TimeoutError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise GitHubFailed(f"{self.api} does not answer ({reason})") from None


def as_comment(page: str) -> str:
    """The page as GitHub takes it: not too long, and calling nobody."""
    text = page.replace("@", "@\u200b")
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]}\n\n(cut here; the run's summary has the whole page)\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 shown, or nothing to show; 84 GitHub refused."""
    parser = argparse.ArgumentParser(prog="python3 -m operations.preview.comment")
    parser.add_argument("--head", required=True, help="the commit that was previewed")
    parser.add_argument("folders", nargs="*", type=Path, help="folders with page.md and number")
    options = parser.parse_args(arguments)
    try:
        for folder in options.folders:
            if (folder / "page.md").is_file():
                print(_show(folder, options.head))
    except GitHubFailed as error:
        print(f"error: {error}", file=sys.stderr)
        return GitHubFailed.exit_code
    return 0


def _show(folder: Path, head: str) -> str:
    number = (folder / "number").read_text(encoding="ascii", errors="replace").strip()
    if not re.fullmatch(r"[1-9][0-9]{0,9}", number):
        raise GitHubFailed(f"{folder}/number names no pull request")
    request = PullRequest(
        api=os.environ.get("GITHUB_API_URL", "https://api.github.com").rstrip("/"),
        repository=os.environ["GITHUB_REPOSITORY"],
        number=int(number),
        token=os.environ["GITHUB_TOKEN"],
    )
    if (now := request.head()) != head:
        raise GitHubFailed(f"pull request {number} is at {now[:12]}, and {head[:12]} was previewed")
    page = (folder / "page.md").read_text(encoding="utf-8", errors="replace")
    return f"pull request {number}: {request.show(page)}"


def _is_ours(comment: dict[str, Any], mark: str) -> bool:
    # Anyone may write the mark into a comment; only a bot's is edited.
    bot = (comment.get("user") or {}).get("type") == "Bot"
    return bot and str(comment.get("body", "")).startswith(mark)


if __name__ == "__main__":
    sys.exit(main())
