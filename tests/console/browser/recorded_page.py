"""A page of a browser whose errors, requests and layout shifts are recorded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Page

_RECORD_SHIFTS = """
window.layoutShift = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.layoutShift += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""
_RECORD_TEXTS = """
(selector) => {
  window.texts = {};
  const record = () => {
    for (const element of document.querySelectorAll(selector)) {
      window.texts[element.textContent.trim().replace(/\\s+/g, " ")] ??= Date.now() / 1000;
    }
  };
  record();
  const all = { subtree: true, childList: true, characterData: true, attributes: true };
  new MutationObserver(record).observe(document.querySelector("main"), all);
}
"""


@dataclass
class RecordedPage:
    """`errors` has script errors, failed requests and violations of the content security policy."""

    page: Page
    errors: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.add_init_script(_RECORD_SHIFTS)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on(
            "console", lambda message: self.errors.append(message.text) if message.type == "error" else None
        )


def layout_shift(page: Page) -> float:
    """Return the cumulative layout shift since the page was opened: https://web.dev/articles/cls."""
    return float(page.evaluate("window.layoutShift"))


def record_texts(page: Page, selector: str) -> None:
    """Record when each text of elements of that selector is seen for the first time."""
    page.evaluate(_RECORD_TEXTS, selector)


def recorded_texts(page: Page) -> dict[str, float]:
    """Return the texts, in the order in which they appeared, with their times in seconds since 1970."""
    texts: dict[str, Any] = page.evaluate("window.texts")
    return dict(sorted(((text, float(time)) for text, time in texts.items()), key=lambda each: each[1]))
