"""The page: what was simulated, what every rule and interval came to, and why some of them fail."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any, Final

from tabulate import tabulate

from harness.atomic import write_atomically
from harness.statistics.bootstrap import CLOPPER_PEARSON, NO_SPREAD
from scripts.calibration.case import ABOVE, BELOW, BOOTSTRAP_DRAWS, COVERS, FACTS, RELATIONS, key_of
from scripts.calibration.criterion import (
    ENOUGH_RELATIONS,
    Proportion,
    covers_too_often,
    errs,
    is_blind,
    misses_too_often,
    most_errors,
    seldom_made,
)
from scripts.calibration.curves import draw_coverage, draw_power
from scripts.calibration.intervals import INTERVALS, Coverage
from scripts.calibration.results import Counted, all_cases
from scripts.calibration.rules import RULES, Rule
from scripts.calibration.wording import TEXT

COLUMNS: Final = (4, *RELATIONS)
AS_TEXT: Final[dict[str, Any]] = {"tablefmt": "pipe", "disable_numparse": True}


def proportion(counted: Mapping[str, Counted], topic: str, world: str, size: tuple[int, int], event: str) -> Proportion:
    """How often an event was counted in the populations of a case; of 0 draws if there is no result."""
    found = counted.get(key_of(topic, world, *size))
    return Proportion(0, 0) if found is None else Proportion(found.events[event], found.draws)


def coverage(counted: Mapping[str, Counted], interval: Coverage, world: str, size: tuple[int, int]) -> Proportion:
    """How often an interval covers, of the draws in which it exists."""
    found = counted.get(key_of(interval.topic, world, *size))
    if found is None:
        return Proportion(0, 0)
    hits, *misses = (found.events[f"{interval.name} {where}"] for where in (COVERS, ABOVE, BELOW))
    return Proportion(hits, hits + sum(misses))


def percent(value: float) -> str:
    """A share with one decimal."""
    return f"{100 * value:.1f}"


class Page:
    """Writes the parts of the page from what was counted."""

    def __init__(self, counted: Mapping[str, Counted]) -> None:
        self._counted = counted
        self._cases = list(all_cases().values())

    def text(self, curves: str) -> str:
        """The whole page.

        Args:
            curves: folder of the curves, as the page links to it.
        """
        return TEXT.format(
            bootstrap=BOOTSTRAP_DRAWS,
            draws=self._draws(),
            rules=self._verdicts_of_rules(),
            intervals=self._verdicts_of_intervals(),
            failures=self._failures() or "None.",
            errors=self._tables_of_rules("wrong"),
            power=self._tables_of_rules("right"),
            coverage=self._tables_of_intervals(),
            curves=curves,
        )

    def _draws(self) -> str:
        """How many populations stand behind the rows of each topic."""
        rows: list[list[str]] = []
        for topic in dict.fromkeys(case.topic for case in self._cases):
            cases = [case for case in self._cases if case.topic == topic]
            draws = sorted(self._counted[case.key].draws for case in cases if case.key in self._counted)
            if draws:
                shown = f"{draws[0]}" if draws[0] == draws[-1] else f"{draws[0]} to {draws[-1]}"
                errors = [percent(Proportion(round(share * draws[0]), draws[0]).error) for share in (0.05, 0.5)]
                rows.append([topic, f"{len(draws)} of {len(cases)}", shown, *errors])
        headers = ("topic", "cases drawn", "populations a case", "error of 5 %", "error of 50 %")
        return tabulate(rows, headers, colalign=("left", *["right"] * 4), **AS_TEXT)

    def _sizes(self, topic: str, world: str) -> list[tuple[int, int]]:
        return [(case.relations, case.facts) for case in self._cases if (case.topic, case.world) == (topic, world)]

    def cells(self, rule: Rule, worlds: Iterable[str]) -> list[tuple[str, tuple[int, int], Proportion]]:
        """World, size and count of every case of a rule that was drawn."""
        found = [
            (world, size, proportion(self._counted, rule.topic, world, size, rule.says))
            for world in worlds
            for size in self._sizes(rule.topic, world)
            if size[0] in RELATIONS
        ]
        return [cell for cell in found if cell[2].draws]

    def rejections(self, rule: Rule) -> list[str]:
        """Why a rule is rejected, a line a case; nothing if it is kept."""
        lines = [
            f"errs in {_where(world, size, counted)}; {percent(most_errors(size[0]))} % are allowed"
            for world, size, counted in self.cells(rule, rule.wrong)
            if errs(counted, size[0])
        ]
        return lines + [
            f"sees too little in {_where(world, size, counted)}"
            for world, size, counted in self.cells(rule, [rule.asked] if rule.asked else [])
            if size[0] >= ENOUGH_RELATIONS and size[1] == rule.facts and is_blind(counted)
        ]

    def _verdicts_of_rules(self) -> str:
        rows: list[list[str]] = []
        for rule in RULES:
            cells = self.cells(rule, rule.wrong)
            if not cells:
                continue
            shown: list[str] = []
            for few in (True, False):
                some = [cell for cell in cells if (cell[1][0] < ENOUGH_RELATIONS) == few]
                shown.append(_counted(max((cell[2] for cell in some), key=lambda found: found.value)) if some else "–")
            rows.append([rule.name, *shown, "**rejected**" if self.rejections(rule) else "kept"])
        headers = ("rule", "largest error, 8 and 12 relations", "largest error, 24 and 36", "verdict")
        return tabulate(rows, headers, **AS_TEXT)

    def _interval_cells(self, interval: Coverage) -> list[tuple[str, tuple[int, int], Proportion]]:
        found = [
            (world, size, coverage(self._counted, interval, world, size))
            for world in self._worlds(interval.topic)
            for size in self._sizes(interval.topic, world)
        ]
        return [cell for cell in found if cell[2].draws]

    def _worlds(self, topic: str) -> list[str]:
        return list(dict.fromkeys(case.world for case in self._cases if case.topic == topic))

    def _fails(self, interval: Coverage, world: str, size: tuple[int, int], counted: Proportion) -> bool:
        return misses_too_often(counted, self._populations(interval, world, size), size[0])

    def _seldom(self, interval: Coverage, world: str, size: tuple[int, int], counted: Proportion) -> bool:
        return seldom_made(counted, self._populations(interval, world, size))

    def _populations(self, interval: Coverage, world: str, size: tuple[int, int]) -> int:
        found = self._counted.get(key_of(interval.topic, world, *size))
        return 0 if found is None else found.draws

    def _verdicts_of_intervals(self) -> str:
        rows: list[list[str]] = []
        for interval in INTERVALS:
            cells = [cell for cell in self._interval_cells(interval) if cell[1][0] >= RELATIONS[0]]
            if not cells:
                continue
            seldom = sum(self._fails(interval, *cell) for cell in cells)
            usual = [cell for cell in cells if not self._seldom(interval, *cell)]
            often = sum(covers_too_often(cell[2]) for cell in usual)
            values = sorted(cell[2].value for cell in usual) or [float("nan")]
            verdict = f"**fails in {seldom} of {len(cells)} cases**" if seldom else "kept"
            if often:
                verdict += f"; cautious in {often}"
            if len(usual) < len(cells):
                verdict += f"; seldom made in {len(cells) - len(usual)}"
            lowest, middle, highest = (percent(values[i]) for i in (0, len(values) // 2, -1))
            decides = "yes" if interval.decides else "no"
            rows.append([interval.name, interval.truth, decides, lowest, middle, highest, verdict])
        headers = ("interval", "of", "decides", "lowest", "median", "highest", "verdict")
        return tabulate(rows, headers, colalign=(*["left"] * 3, *["right"] * 3, "left"), **AS_TEXT)

    def _failures(self) -> str:
        """Every failure with where the interval lies instead and how it was made, and why."""
        parts: list[str] = []
        for rule in RULES:
            lines = self.rejections(rule)
            if lines:
                parts.append(
                    f"### {rule.name}\n\n" + "\n".join(f"- {line}" for line in lines) + f"\n\n{fill(rule.why, 120)}"
                )
        for interval in INTERVALS:
            cells = [cell for cell in self._interval_cells(interval) if cell[1][0] >= RELATIONS[0]]
            rows = [self._failure(interval, *cell) for cell in cells if self._fails(interval, *cell)]
            if rows:
                headers = ("world", "relations x facts", "covers (99 % bounds)", "lies above", "lies below", "fallback")
                table = tabulate(rows, headers, **AS_TEXT)
                parts.append(f"### {interval.name}\n\n{table}\n\n{fill(interval.why, 120)}")
        return "\n\n".join(parts).strip()

    def _failure(self, interval: Coverage, world: str, size: tuple[int, int], counted: Proportion) -> list[str]:
        events = self._counted[key_of(interval.topic, world, *size)].events
        fallback = sum(events[f"{interval.name} made as: {method}"] for method in (CLOPPER_PEARSON, NO_SPREAD))
        sides = (percent(events[f"{interval.name} {where}"] / counted.draws) for where in (ABOVE, BELOW))
        return [world, f"{size[0]} x {size[1]}", _counted(counted), *sides, percent(fallback / counted.draws)]

    def _tables_of_rules(self, worlds: str) -> str:
        parts: list[str] = []
        for rule in RULES:
            rows: list[list[str]] = []
            for world in getattr(rule, worlds):
                sizes = self._sizes(rule.topic, world)
                for facts in dict.fromkeys(size[1] for size in sizes):
                    found = [
                        proportion(self._counted, rule.topic, world, (relations, facts), rule.says)
                        for relations in RELATIONS
                    ]
                    cells = (
                        _cell(one, rejected=worlds == "wrong" and one.draws > 0 and errs(one, relations))
                        for one, relations in zip(found, RELATIONS, strict=True)
                    )
                    rows.append([world, str(facts), *cells])
            parts.append(_table(rule.name, rule.note, rows, RELATIONS))
        return "\n\n".join(parts)

    def _tables_of_intervals(self) -> str:
        parts: list[str] = []
        for interval in INTERVALS:
            rows: list[list[str]] = []
            for world in self._worlds(interval.topic):
                for facts in FACTS:
                    sizes = [(relations, facts) for relations in COLUMNS]
                    found = [(size, coverage(self._counted, interval, world, size)) for size in sizes]
                    cells = (
                        _cell(
                            one,
                            rejected=one.draws > 0 and self._fails(interval, world, size, one),
                            aside=self._seldom(interval, world, size, one),
                        )
                        for size, one in found
                    )
                    rows.append([world, str(facts), *cells])
            parts.append(_table(interval.name, f"Of {interval.truth}.", rows, COLUMNS))
        return "\n\n".join(parts)

    def power_curves(self) -> dict[str, dict[int, list[tuple[int, float]]]]:
        """Power against relations of every rule in the world that is asked of it, by facts a relation."""
        found: dict[str, dict[int, list[tuple[int, float]]]] = {}
        for rule in RULES:
            world = rule.asked or rule.right[0]
            lines: dict[int, list[tuple[int, float]]] = {}
            for _, size, counted in self.cells(rule, [world]):
                lines.setdefault(size[1], []).append((size[0], counted.value))
            if lines:
                found[rule.name] = {facts: sorted(points) for facts, points in lines.items()}
        return found

    def coverage_curves(self) -> dict[str, list[list[tuple[int, float]]]]:
        """Coverage against relations of every interval, a line a world and number of facts."""
        found: dict[str, list[list[tuple[int, float]]]] = {}
        for interval in INTERVALS:
            lines: dict[tuple[str, int], list[tuple[int, float]]] = {}
            for world, size, counted in self._interval_cells(interval):
                if not self._seldom(interval, world, size, counted):
                    lines.setdefault((world, size[1]), []).append((size[0], counted.value))
            if lines:
                found[interval.name] = [sorted(points) for points in lines.values()]
        return found


def _counted(counted: Proportion) -> str:
    low, high = counted.bounds
    return f"{percent(counted.value)} ({percent(low)} to {percent(high)})"


def _where(world: str, size: tuple[int, int], counted: Proportion) -> str:
    return f"{_counted(counted)} % of the populations: {world}; {size[0]} relations of {size[1]} facts"


def _cell(counted: Proportion, *, rejected: bool, aside: bool = False) -> str:
    if not counted.draws:
        return "–"
    shown = f"({percent(counted.value)})" if aside else percent(counted.value)
    return f"**{shown}**" if rejected else shown


def _table(name: str, note: str, rows: Sequence[Sequence[str]], columns: Sequence[int]) -> str:
    headers = ("world", "facts", *(f"{n} relations" for n in columns))
    table = tabulate(rows, headers, colalign=("left", *["right"] * (len(columns) + 1)), **AS_TEXT)
    return "\n\n".join(part for part in (f"### {name}", note, table) if part)


def write_page(path: Path, counted: Mapping[str, Counted]) -> None:
    """Writes the page, and the curves into the folder of its name beside it."""
    page, folder = Page(counted), path.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    draw_power(page.power_curves(), folder / "power.svg")
    draw_coverage(page.coverage_curves(), folder / "coverage.svg")
    write_atomically(path, page.text(folder.name).encode())
