"""A page of the service in a browser, watched. Knows no test."""

from dataclasses import dataclass, field

from playwright.sync_api import Page


@dataclass
class Watched:
    """A page, and all that it said and asked for."""

    page: Page
    url: str
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def open(self, query: str = "") -> Page:
        """The gallery, once its images have come."""
        self.page.goto(f"{self.url}/{query}")
        self.page.wait_for_selector("#results[aria-busy=false]", state="attached")
        return self.page
