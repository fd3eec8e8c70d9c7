"""Where to paint: which device there is, in which precision, and with how many threads."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

# Below so many weights the work of one thread is shorter than waking a second: tiny pipelines
# were measured 30 times slower with two threads on a busy machine than with one.
SMALL_MODEL = 50_000_000


class NoDevice(ValueError):
    """The device asked for is not there; the message is one plain sentence."""


def choose(wanted: str) -> tuple[torch.device, torch.dtype]:
    """The device, and the precision to paint in there.

    wanted: "auto" for whichever is there, or "cuda", "cuda:1", "mps", "cpu". Raises NoDevice.
    """
    import torch

    if wanted == "auto":
        wanted = (
            "cuda"
            if torch.cuda.is_available()
            else "mps"
            if torch.backends.mps.is_available()
            else "cpu"
        )
    kind = wanted.partition(":")[0]
    if kind == "cuda":
        if not torch.cuda.is_available():
            raise NoDevice("There is no graphics card that torch can use (CUDA or ROCm).")
        number = int(wanted.partition(":")[2] or 0)
        if number >= torch.cuda.device_count():
            raise NoDevice(f"There is no graphics card number {number}.")
        bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.device("cuda", number), torch.bfloat16 if bf16 else torch.float16
    if kind == "mps":
        if not torch.backends.mps.is_available():
            raise NoDevice("There is no Apple GPU that torch can use (MPS).")
        return torch.device("mps"), torch.bfloat16
    if kind == "cpu":
        return torch.device("cpu"), torch.float32
    raise NoDevice(f"There is no device “{wanted}”: use auto, cuda, mps or cpu.")


def name(device: torch.device) -> str:
    """The device as people know it, such as `cuda NVIDIA H100`."""
    import torch

    if device.type == "cuda":
        return f"cuda {torch.cuda.get_device_name(device)}"
    return device.type


Fit = Literal["whole", "parts", "no", "unknown"]


@dataclass(frozen=True)
class Memory:
    """What a model has to fit into.

    name: the device as people know it. gigabytes: all its memory. bytes_per_weight: 2 in half
    precision, 4 on the CPU.
    """

    name: str
    gigabytes: float
    bytes_per_weight: int = 2

    def fit(self, memory_gb: float | None, low_memory_gb: float | None = None) -> Fit:
        """Whether a model fits.

        memory_gb: with all parts resident, in half precision. low_memory_gb: with its parts moved
        in and out.
        Returns "whole", "parts" if only with its parts moved in and out, "no", or "unknown".
        """
        if memory_gb is None:
            return "unknown"
        larger = self.bytes_per_weight / 2
        if memory_gb * larger <= self.gigabytes:
            return "whole"
        # On the CPU there is nowhere to move parts to.
        if low_memory_gb is not None and larger == 1 and low_memory_gb <= self.gigabytes:
            return "parts"
        return "no"


def memory(wanted: str) -> Memory:
    """The memory of a device, named as for `choose`. Raises NoDevice."""
    import torch

    device, dtype = choose(wanted)
    if device.type == "cuda":
        size = torch.cuda.get_device_properties(device).total_memory
    elif device.type == "mps":
        size = torch.mps.recommended_max_memory()
    else:
        size = machine_memory()
    return Memory(name(device), size / 1e9, dtype.itemsize)


def limit_threads(weights: int) -> None:
    """Sets torch's threads for a model of so many weights on the CPU, unless the environment says.

    One for small models; else at most the CPUs that this process may really use, which in a
    container are fewer than torch counts.
    """
    import torch

    if "OMP_NUM_THREADS" in os.environ:
        return
    threads = 1 if weights < SMALL_MODEL else min(torch.get_num_threads(), _cpus())
    torch.set_num_threads(threads)


def _cpus() -> int:
    try:
        cpus = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        cpus = os.cpu_count() or 1
    try:
        with open("/sys/fs/cgroup/cpu.max") as file:
            quota, period = file.read().split()
        if quota != "max":
            cpus = min(cpus, max(1, int(quota) // int(period)))
    except (OSError, ValueError):
        pass  # no cgroup v2, no limit
    return cpus


def machine_memory() -> int:
    """The bytes that this process may use, which in a container are fewer than the machine has."""
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        with open("/sys/fs/cgroup/memory.max") as file:
            size = min(size, int(file.read()))
    except (OSError, ValueError):
        pass  # no cgroup v2, or "max"
    return size
