"""The fact explorer: controls and an empty table, which the page's script fills from the packed facts."""

from reports.classes import CLASS_NOTE
from reports.explanations import explain
from reports.html.hints import Hints
from reports.html.markup import Markup, element
from reports.html.queries import MOST_NEURONS, MOST_SHARED, holds_neurons
from reports.run import SavedRun


def explorer(run: SavedRun, hints: Hints) -> Markup:
    """Search, choices, a line that says how many facts there are, the table, and a button for more rows."""
    about = element(
        "p",
        "CS1 and CS2 are over all queries of a fact. ",
        CLASS_NOTE,
        " Choose a fact for its numbers under every model and localizer, its queries and their knowledge neurons (KN).",
        _left_out(run),
        class_="note",
    )
    return element(
        "div",
        about,
        element(
            "noscript", element("p", "Searching takes JavaScript; facts.csv beside this file has the same numbers.")
        ),
        element("form", *_controls(run), class_="controls", role="search", id="facts-form", hidden=True),
        element("p", "Unpacking the facts …", role="status", id="facts-status", hidden=True),
        _table(hints),
        element("p", element("button", "Show more", type="button", id="facts-more"), hidden=True),
        class_="card",
        id="explorer",
    )


def _left_out(run: SavedRun) -> str | None:
    """What of the queries the page does not hold, and how to get it."""
    if run.queries is None or holds_neurons(run):
        return None
    n = len(run.queries.sets.neurons)
    return (
        f" The neurons of single queries are left out, because the run has {n:,} of them and a page holds"
        f" {MOST_NEURONS:,}: here are their numbers, and of every fact the {MOST_SHARED} neurons that most of its"
        " queries have. kntests show prints all neurons of a fact; queries.parquet in the run's folder has those of all"
        " facts."
    )


def _controls(run: SavedRun) -> list[Markup]:
    cells = (
        element("option", f"{model} · {localizer}", value=str(place))
        for place, (model, localizer) in enumerate(run.cells())
    )
    search = element(
        "input",
        type="search",
        id="facts-search",
        autocomplete="off",
        spellcheck="false",
        placeholder="subject, relation, object or uid",
    )
    return [
        element("label", "Search a fact", search, class_="wide"),
        element("label", "Model and localizer", element("select", *cells, id="facts-cell")),
        element("label", "Relation", element("select", element("option", "all", value=""), id="facts-relation")),
        element("label", "Class", element("select", element("option", "all", value=""), id="facts-class")),
    ]


def _table(hints: Hints) -> Markup:
    columns = (
        ("subject", "subject", "", False),
        ("relation", "relation", "", False),
        ("object", "object", "", False),
        ("n_queries", "queries", "Queries of the fact: prompts that ask for its object in other words.", True),
        ("neurons_per_query", "KN a query", explain("mean_set_size"), True),
        ("cs1", "CS1", explain("cs1"), True),
        ("cs2", "CS2", explain("cs2"), True),
        ("classes", "class", explain("class"), False),
    )
    head = (
        element(
            "th",
            element("span", element("span", title, class_="label"), hints.button(title, text), class_="heading"),
            scope="col",
            class_="number" if numeric else None,
            data_column=key,
        )
        for key, title, text, numeric in columns
    )
    table = element(
        "table",
        element("caption", "Facts under the chosen model and localizer"),
        element("thead", element("tr", *head)),
        element("tbody"),
        id="facts-table",
    )
    return element("div", table, class_="scroll", role="group", tabindex=0, aria_label="Facts", hidden=True)
