"""What `--model` names: a built-in model, an alias, a hub id, a folder or a URL."""

from dataclasses import dataclass
from pathlib import Path

from harness.errors import ModelError, near_matches
from harness.models.files import missing_files
from harness.models.organisms.recipe import Planted
from harness.models.organisms.registry import PLANTED
from harness.models.remote import is_url, url_id
from harness.paths import existing_folder

BUILTIN_FOLDER = Path(__file__).parent / "builtin"

# Alias -> hub id. The paper studied gpt2, llama2 and llama3.
ALIASES: dict[str, str] = {
    "gpt2": "openai-community/gpt2",
    "gpt2-medium": "openai-community/gpt2-medium",
    "gpt2-large": "openai-community/gpt2-large",
    "gpt2-xl": "openai-community/gpt2-xl",
    "llama2": "meta-llama/Llama-2-7b-hf",
    "llama2-13b": "meta-llama/Llama-2-13b-hf",
    "llama3": "meta-llama/Meta-Llama-3-8B",
    "llama3.2-1b": "meta-llama/Llama-3.2-1B",
    "llama3.2-3b": "meta-llama/Llama-3.2-3B",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelName:
    """A name resolved, nothing read yet.

    Attributes:
        id: short name for test ids and records.
        folder: where the model lies, or None if it has to come from elsewhere or to be built.
        url: of a folder on another machine, or None.
        hub_id: its id on the hub, or None if it lies in a folder.
        revision: branch, tag or commit on the hub; the default branch if None.
        builtin: whether it came with this project.
        planted: what it is built from, or None if its weights lie somewhere.
        alias: whether the id is one of `ALIASES`, and so a model that others know by it.
    """

    id: str
    folder: Path | None = None
    url: str | None = None
    hub_id: str | None = None
    revision: str | None = None
    builtin: bool = False
    planted: Planted | None = None
    alias: bool = False


def builtin_models() -> dict[str, Path]:
    """Id and folder of the trained models that come with the project."""
    return {path.parent.name: path.parent for path in sorted(BUILTIN_FOLDER.glob("*/config.json"))}


def resolve_name(name: str) -> ModelName:
    """Finds what a name stands for: a built-in model or alias first, then a URL, a folder, a hub id.

    An alias wins over a folder of the same name; `./gpt2` is the folder. Behind an alias or a hub id may stand `@` and
    a revision: a branch, a tag or a commit.

    Raises:
        ModelError: nothing has that name, or the folder holds no model.
    """
    builtin = builtin_models()
    if name in builtin:
        return ModelName(id=name, folder=builtin[name], builtin=True)
    if name in PLANTED:
        return ModelName(id=name, builtin=True, planted=PLANTED[name])
    if is_url(name):
        if not url_id(name):
            raise ModelError(f"the URL {name!r} names no folder", model=name)
        return ModelName(id=url_id(name), url=name)
    plain, _, revision = name.partition("@")
    if plain in ALIASES:
        return ModelName(id=plain, hub_id=ALIASES[plain], revision=revision or None, alias=True)
    folder = existing_folder(name)
    if folder is not None:
        return ModelName(id=folder.resolve().name, folder=_checked(folder, name))
    owner, slash, repository = plain.partition("/")
    looks_like_path = name.startswith((".", "/", "~")) or name.endswith("/") or "\\" in name or "/" in repository
    if slash and owner and repository and not looks_like_path:
        return ModelName(id=repository, hub_id=plain, revision=revision or None)
    if looks_like_path:
        raise ModelError(f"no folder {name!r}; --model takes a name, a hub id or a model's folder", model=name)
    raise ModelError(
        f"no model {name!r}. {near_matches(name, [*builtin, *PLANTED, *ALIASES])} "
        f"A folder is written ./{name}, a hub id owner/{name}.",
        model=name,
    )


def _checked(folder: Path, name: str) -> Path:
    """The folder, if it holds a configuration and weights."""
    if missing := missing_files(folder):
        raise ModelError(
            f"the folder {name!r} holds no model that can be used: it lacks {', '.join(missing)}. "
            "A model's folder is what save_pretrained writes, with weights in safetensors",
            model=name,
        )
    return folder
