"""Where a model's weights go, and in which precision: one device, or blocks spread over several."""

import gc
import importlib.util
import os
from collections.abc import Mapping
from typing import TypeAlias

import torch
from torch import nn

from harness.errors import ConfigError, ModelError, near_matches

DeviceMap: TypeAlias = str | Mapping[str, str | int]

_WORKING_BYTES = 1 << 29
_POLICIES = ("auto", "balanced", "balanced_low_0", "sequential")


DTYPES = {"float32": torch.float32, "float64": torch.float64, "bfloat16": torch.bfloat16, "float16": torch.float16}


def check_dtype(name: str) -> None:
    """Raises ConfigError unless weights can have the precision called `name`."""
    if name not in DTYPES:
        raise ConfigError(f"no dtype {name!r}. {near_matches(name, DTYPES)}", setting="dtype", value=name)


def free_memory() -> None:
    """Gives back what released models held: reference cycles first, then the GPU's cached blocks."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def working_memory(device: torch.device, weights: int) -> int:
    """Bytes that batches may take beside the weights: on a GPU two thirds of what these leave, elsewhere 0.5 GiB.

    It is told by the size of the GPU, not by what is free now: batches are to be the same in the next run. A processor
    gains nothing by more.

    Args:
        device: where the model lies; of a model that is spread over several, the first.
        weights: bytes of all weights.
    """
    if device.type != "cuda":
        return _WORKING_BYTES
    total = torch.cuda.get_device_properties(device).total_memory
    return max(_WORKING_BYTES, (total - weights) * 2 // 3)


def choose_device(name: str) -> torch.device:
    """The device called `name`; for `auto` a GPU if there is one.

    Raises:
        ConfigError: there is no such device.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ConfigError(f"no device {name!r}; try cpu, cuda or cuda:0", setting="device", value=name) from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ConfigError("no CUDA device is visible here; use --device cpu", setting="device", value=name)
    return device


def share_cores(processes: int) -> None:
    """Leaves this process its share of the host's cores, unless OMP_NUM_THREADS says how many it may use.

    Threads beyond the cores wait for each other by spinning, which takes the time from those that work.

    Args:
        processes: that run at the same time, this one among them.
    """
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // processes))


def check_device_map(device_map: DeviceMap, *, device: str) -> None:
    """Checks what can be checked before loading.

    Raises:
        ConfigError: an unknown policy, a device beside it, or accelerate is not installed.
    """
    if isinstance(device_map, str) and device_map not in _POLICIES:
        raise ConfigError(
            f"no device map {device_map!r}. {near_matches(device_map, _POLICIES)}",
            setting="device-map",
            value=device_map,
        )
    if device != "auto":
        raise ConfigError(
            f"--device-map {device_map} already says where the model goes; leave out --device {device}",
            setting="device-map",
            value=device_map,
        )
    if importlib.util.find_spec("accelerate") is None:
        raise ConfigError(
            "--device-map needs the package accelerate: pip install -e '.[device-map]'",
            setting="device-map",
            value=device_map,
        )


def check_placed(model: nn.Module, *, name: str) -> None:
    """Makes sure that every weight is on a device.

    Raises:
        ModelError: some do not fit and would be brought from the host or the disk for every block call.
    """
    homeless = [path for path, parameter in model.named_parameters() if parameter.is_meta]
    if homeless:
        raise ModelError(
            f"{name!r} does not fit on the devices that are visible ({len(homeless)} of its weights, such as "
            f"{homeless[0]}, found no place). Use more or larger ones, or --dtype bfloat16",
            model=name,
        )
