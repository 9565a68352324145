"""Parses what a user searches for, and says why something matches.

Words are ANDed; `"two words"` are one. `status:failed` and `pipeline:app` compare that alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

_WORD: Final = re.compile(
    r'(?P<name>status|pipeline):(?P<value>"[^"]*"|\S+)|"(?P<quoted>[^"]*)"|(?P<word>\S+)'
)
_MAX_TERMS: Final = 10
_CONTEXT_CHARACTERS: Final = 80


class Compare(Enum):
    """How a word is compared with a text, without regard to case."""

    EQUAL = "equal"
    PREFIX = "prefix"
    PART = "part"


@dataclass(frozen=True)
class SearchedText:
    """A text that is searched. `what` says what it is, `where` to which action it belongs, if to one."""

    what: str
    text: str
    compare: Compare
    where: str = ""

    def contains(self, word: str) -> bool:
        text = self.text.lower()
        match self.compare:
            case Compare.EQUAL:
                return text == word
            case Compare.PREFIX:
                return text.startswith(word)
            case Compare.PART:
                return word in text

    def excerpt(self, word: str) -> str:
        """Return what is around the word."""
        begin = max(0, self.text.lower().find(word) - _CONTEXT_CHARACTERS)
        end = begin + len(word) + 2 * _CONTEXT_CHARACTERS
        return ("…" if begin else "") + self.text[begin:end] + ("…" if end < len(self.text) else "")


@dataclass(frozen=True)
class Term:
    """A word in lower case; `what` is the only thing that it is compared with, if it is not empty."""

    word: str
    what: str = ""

    def find(self, texts: Iterable[SearchedText]) -> SearchedText | None:
        return next(
            (each for each in texts if self.what in {"", each.what} and each.contains(self.word)), None
        )


@dataclass(frozen=True)
class Match:
    """Why something was found: the text that a word was found in."""

    what: str
    where: str
    excerpt: str


def parse_query(text: str) -> list[Term]:
    """Return the first ten terms."""
    terms = []
    for match in _WORD.finditer(text):
        word = (match["value"] or match["quoted"] or match["word"] or "").strip('"').strip().lower()
        if word:
            terms.append(
                Term(word.replace("_", " ") if match["name"] == "status" else word, match["name"] or "")
            )
    return terms[:_MAX_TERMS]


def match_all(terms: Sequence[Term], texts: Sequence[SearchedText]) -> list[Match] | None:
    """Return why each term matches, each reason once; None if a term does not."""
    matches: list[Match] = []
    for term in terms:
        found = term.find(texts)
        if found is None:
            return None
        match = Match(found.what, found.where, found.excerpt(term.word))
        if match not in matches:
            matches.append(match)
    return matches
