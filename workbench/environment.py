"""What a run computes on and with, as its folder records it, and what a change of that means."""

from collections.abc import Mapping
from contextlib import suppress
from importlib import metadata
from typing import Any

import torch

from models.errors import InputError
from workbench.config import RunConfig
from workbench.processes import place
from workbench.runs import reading
from workbench.runs.folder import RunFolder
from workbench.training import devices


def before(folder: RunFolder) -> dict[str, Any]:
    """What the last sitting ran on; nothing where that cannot be read, since a run goes on without it."""
    with suppress(InputError):
        return reading.read_json(folder.environment_file)
    return {}


def other_bits(earlier: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """A notice where this sitting may differ in the last bits from what the one before would have computed."""
    torch_before = earlier.get("versions", {}).get("torch") if isinstance(earlier.get("versions"), dict) else None
    named = ("device", "precision", "threads", "products", "processes")
    pairs = [(name, earlier.get(name), now[name]) for name in named]
    pairs.append(("torch", torch_before, metadata.version("torch")))
    changed = [f"{name} {new} (before: {old})" for name, old, new in pairs if old is not None and old != new]
    if not changed:
        return []
    return [f"This sitting has {', '.join(changed)}: the last bits of its numbers may differ."]


def describe(config: RunConfig, machine: devices.Machine) -> dict[str, Any]:
    """What environment.json says beside versions: device, threads and the like."""
    gpu = machine.device.type == "cuda"
    return {
        "device": str(machine.device),
        "device_name": torch.cuda.get_device_name(machine.device) if gpu else "",
        "precision": machine.precision,
        "threads": machine.threads,
        "threads_from": machine.threads_from,
        "products": machine.products,
        "processes": place().count,
        "seed": config.training.seed,
    }
