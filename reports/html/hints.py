"""Short explanations at hand: a button beside a word opens one; all of them stand together at the end of the page."""

from dataclasses import dataclass, field

from reports.html.markup import Markup, element, join


@dataclass(slots=True)
class Hints:
    """The explanations that a page refers to, each once.

    Attributes:
        texts: explanation of every word, in the order of their first use.
    """

    texts: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])

    def button(self, word: str, explanation: str) -> Markup | None:
        """A button that opens the explanation of a word; None if there is no explanation."""
        if not explanation:
            return None
        name = self.texts.setdefault((word, explanation), f"hint-{len(self.texts) + 1}")
        return element("button", "?", type="button", class_="hint", popovertarget=name, aria_label=f"What is {word}?")

    def popovers(self) -> Markup:
        """What the buttons open; browsers close them with Escape, or a click anywhere else."""
        return join(
            element("div", element("b", word), " ", explanation, id=name, class_="popover", popover="auto")
            for (word, explanation), name in self.texts.items()
        )

    def glossary(self) -> Markup:
        """All explanations as a list, by word."""
        entries = sorted(self.texts, key=lambda entry: entry[0].casefold())
        return element(
            "dl",
            *(element("div", element("dt", word), element("dd", explanation)) for word, explanation in entries),
            class_="glossary",
        )
