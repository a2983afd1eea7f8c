"""Reads a data folder as somebody does who has just written it: all that is wrong with it, or what it gives."""

from dataclasses import dataclass
from pathlib import Path

from harness.data.facts import Dataset, Pattern
from harness.data.folder import load_folder
from harness.data.lines import find_layout, read_facts, read_patterns
from harness.errors import DataError


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderCheck:
    """What was found in a data folder.

    Attributes:
        dataset: what it gives; None if there is a problem.
        patterns: relation -> all its patterns, usable or not, bad lines left out.
        n_facts: relation -> how many facts were read for it, bad lines left out.
        problems: bad lines and files that cannot be read, by file and line; or why nothing is left to work with.
    """

    dataset: Dataset | None
    patterns: dict[str, tuple[Pattern, ...]]
    n_facts: dict[str, int]
    problems: tuple[DataError, ...]

    @property
    def unusable_patterns(self) -> tuple[Pattern, ...]:
        """Patterns whose answer does not come last."""
        return tuple(pattern for patterns in self.patterns.values() for pattern in patterns if pattern.stem is None)

    @property
    def repeated_patterns(self) -> tuple[tuple[Pattern, Pattern], ...]:
        """Usable patterns that ask the same as an earlier one of their relation, each with that one.

        Equal queries have equal knowledge neurons, so they make every fact look more consistent than it is.
        """
        first: dict[tuple[str, str], Pattern] = {}
        repeated: list[tuple[Pattern, Pattern]] = []
        for relation, patterns in self.patterns.items():
            for pattern in patterns:
                if pattern.stem is not None and first.setdefault((relation, pattern.stem), pattern) is not pattern:
                    repeated.append((pattern, first[relation, pattern.stem]))
        return tuple(repeated)


def check_folder(folder: Path) -> FolderCheck:
    """Reads every line of every file, also of relations that will be skipped.

    Raises:
        DataError: no such folder, or it has no layout that is known.
    """
    patterns_dir, facts_dir = find_layout(folder)
    problems: list[DataError] = []
    owner: dict[str, Path] = {}
    patterns = {
        path.stem: tuple(read_patterns(path, path.stem, problems.append))
        for path in sorted(patterns_dir.glob("*.jsonl"))
    }
    n_facts = {
        path.stem: sum(1 for _ in read_facts(path, path.stem, owner, problems.append))
        for path in sorted(facts_dir.glob("*.jsonl"))
    }
    dataset = None
    if not problems:
        try:
            dataset = load_folder(folder)
        except DataError as nothing_left:
            problems.append(nothing_left)
    return FolderCheck(dataset=dataset, patterns=patterns, n_facts=n_facts, problems=tuple(problems))
