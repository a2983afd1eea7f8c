"""`kntests fetch`: brings data from its public home into the cache."""

import argparse
from collections.abc import Callable
from typing import Final

from harness.data.download import HOME_VARIABLE, cache_folder, fetch
from harness.data.remote import RemoteData, pararel, wikitext2
from plugins.commands.download_bar import DownloadBar

DATA: Final[dict[str, Callable[[], RemoteData]]] = {"pararel": pararel, "wikitext2": wikitext2}
"""What can be fetched."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The name of the data, and how."""
    parser.add_argument("name", metavar="NAME", choices=sorted(DATA), help=f"what to fetch: {', '.join(sorted(DATA))}")
    parser.add_argument(
        "--mirror",
        metavar="URL",
        help="another address below which the same paths lie; contents are checked all the same",
    )
    parser.add_argument("--offline", action="store_true", help="only say whether everything is here")
    parser.epilog = f"The cache is the folder named by {HOME_VARIABLE}, else the platform's folder for caches."


def run(arguments: argparse.Namespace) -> int:
    """Fetches what the cache lacks; says where it is."""
    data = DATA[arguments.name]()
    folder = cache_folder(data)
    with DownloadBar() as bar:
        fetched = fetch(data, folder, mirror=arguments.mirror, offline=arguments.offline, on_bytes=bar.update)
    print(f"{data.name} ({data.licence}, {data.home}), commit {data.commit[:12]}")
    print(f"{len(data.files)} files, {data.size / 1e6:.1f} MB, {fetched} of them fetched now, all as pinned")
    print(folder)
    return 0
