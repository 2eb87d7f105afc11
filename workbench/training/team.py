"""The processes that train one run together: what they tell each other, and how they learn that one is gone.

The first one leads. It announces how many steps all take before they meet again, and between two meetings nothing
is exchanged but what the steps themselves need: gradients, and moments that are of the whole batch. So stopping,
pausing, saving and drawing are decided by the leader alone, at meetings, while the others wait for its next word.
"""

import itertools
import json
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from safetensors.torch import load, save
from torch import Tensor

from models.errors import InputError
from models.sharing import Part
from workbench.processes import Place, place
from workbench.runs.checkpoint import Checkpoint
from workbench.training.state import TrainingState

if TYPE_CHECKING:  # a torch that was built without it has none of these
    from torch.distributed.distributed_c10d import ProcessGroup, Store

PATIENCE = timedelta(days=30)  # of who waits for the leader's word: a run may be paused
ANSWER_SECONDS = 10.0  # after which who was told to end, and waits for others, believes that they are gone
LOOK_SECONDS = 0.5  # between looks for news of a failure
_FAILED, _TROUBLE = "failed", "trouble"

_sittings = itertools.count()


class LostError(Exception):
    """The work with the other processes cannot go on."""


class Team:
    """This process and those it trains with; of one process alone every method does nothing."""

    def __init__(self, where: Place, store: "Store | None" = None, words: "ProcessGroup | None" = None) -> None:
        """`store` is where a failure is told, `words` the group for what the leader says."""
        self.place = where
        self.part = Part(where.index, where.count)
        self._store, self._words = store, words

    @property
    def many(self) -> bool:
        """Whether there are others."""
        return self.place.count > 1

    def devices(self, device: torch.device) -> str:
        """What all of them compute on: cuda:0, or 4 x cuda."""
        return f"{self.place.count} x {device.type}" if self.many else str(device)

    def check_batch(self, size: int) -> None:
        """Raise `InputError` where a batch of `size` images has no equal parts."""
        count = self.place.count
        if size % count:
            near = max(size - size % count, count)
            raise InputError(
                f"{count} processes cannot share a batch of {size} images equally. "
                f"Choose a --batch-size that is a multiple of {count}, such as {near} or {near + count}."
            )

    # Before the first step.

    def tell(self, content: bytes = b"") -> bytes:
        """What the leader gives, at every process."""
        if not self.many:
            return content
        length = torch.tensor([len(content)])
        dist.broadcast(length, 0, group=self._words)
        data = torch.frombuffer(bytearray(content) or bytearray(1), dtype=torch.uint8)
        data = data if self.place.leads else torch.empty(max(int(length), 1), dtype=torch.uint8)
        dist.broadcast(data, 0, group=self._words)
        return bytes(data[: int(length)].numpy())

    def gather(self, facts: Mapping[str, Any]) -> None:
        """The leader tells what it trains, as JSON values. Raises `InputError` where another one cannot."""
        self.tell(json.dumps(facts).encode())
        self.wait_for_all()
        if trouble := self.agree():
            raise InputError(trouble)

    def wait_for_all(self) -> None:
        """Until every process is here."""
        if self.many:
            dist.barrier(group=self._words)

    def agree(self, trouble: str = "") -> str:
        """One sentence of trouble at all processes where any of them has one; else ""."""
        if not self.many:
            return trouble
        assert self._store is not None
        if trouble:
            self._store.set(_TROUBLE, trouble)
        found = torch.tensor([bool(trouble)], dtype=torch.int64)
        dist.all_reduce(found, group=self._words)
        return self._store.get(_TROUBLE).decode() if found else ""

    def share_state(self, state: TrainingState) -> None:
        """Let every process's weights, moments and step be the leader's."""
        if not self.many:
            return
        known, content = b"", b""
        if self.place.leads:
            saved = state.to_checkpoint(0.0)
            needed = {name: t for name, t in saved.tensors.items() if not name.startswith("average/")}
            tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in needed.items()}
            known, content = json.dumps([saved.step, saved.facts]).encode(), save(tensors)
        known, content = self.tell(known), self.tell(content)
        if not self.place.leads:
            step, facts = json.loads(known)
            state.restore(Checkpoint(step, load(content), facts))

    # While they train.

    def announce(self, steps: int) -> None:
        """The leader's word: so many steps until all meet again."""
        if self.many:
            dist.broadcast(torch.tensor([steps]), 0, group=self._words)

    def hear(self) -> int:
        """Wait for that word; 0 where training is over."""
        steps = torch.zeros(1, dtype=torch.int64)
        dist.broadcast(steps, 0, group=self._words)
        return int(steps)

    def average(self, gradients: Sequence[Tensor], loss: Tensor) -> Tensor:
        """Replace gradients by their means over all processes, and return that of the loss: one message.

        What is not finite anywhere is so everywhere afterwards, so all guards of the weights see the same.
        """
        if not self.many:
            return loss
        whole = torch.cat([*(g.flatten() for g in gradients), loss.detach().float().reshape(1)])
        dist.all_reduce(whole)
        whole /= self.place.count
        *parts, mean = whole.split([*(g.numel() for g in gradients), 1])
        torch._foreach_copy_(list(gradients), [p.view_as(g) for p, g in zip(parts, gradients, strict=True)])
        return mean[0]

    def mean(self, rows: Tensor, hurried: Callable[[], bool]) -> Tensor:
        """The mean of a tensor over all processes, where all meet.

        Waits in steps, so that signals are heard meanwhile. Raises `LostError` where one has failed, or none
        answers though this process is `hurried`.
        """
        if not self.many:
            return rows
        work = dist.all_reduce(rows, async_op=True)
        assert work is not None
        looked = time.monotonic()
        hurried_at: float | None = None
        while not work.is_completed():
            time.sleep(0.0005)
            now = time.monotonic()
            if now - looked > LOOK_SECONDS:
                looked = now
                hurried_at = (hurried_at or now) if hurried() else None
                if self._failure() or (hurried_at and now - hurried_at > ANSWER_SECONDS):
                    raise LostError
        work.wait()
        return rows / self.place.count

    def end(self) -> None:
        """The leader's last word: training is over, and the others leave."""
        if self.many and self._words is not None:
            self.announce(0)
            self.part_ways()

    def part_ways(self) -> None:
        """From here on each is alone."""
        self._words = None
        dist.destroy_process_group()

    # Where one fails.

    def fail(self, error: BaseException) -> None:
        """Tell the others why this process ends."""
        if self._store is not None:
            said = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
            facts = [self.place.index, said.rstrip("."), "".join(traceback.format_exception(error))]
            with suppress(RuntimeError):
                self._store.set(_FAILED, json.dumps(facts))

    def lost(self, error: BaseException) -> bool:
        """Whether an error only says that another process is gone."""
        return self.many and (isinstance(error, LostError | dist.DistError) or "gloo" in str(error))

    def reason(self) -> tuple[str, str]:
        """Why another process is gone, in a sentence, and its traceback where it left one."""
        for _ in range(10):  # who fails says so first, but the line breaks sooner
            if facts := self._failure():
                index, said, trace = facts
                return f"Process {index + 1} of {self.place.count} failed: {said}.", trace
            time.sleep(0.1)
        return f"One of the {self.place.count} processes is gone: killed, or out of memory.", ""

    def _failure(self) -> Any:
        """What `fail` told, as [index, sentence, traceback]; None where nothing is known."""
        try:
            if self._store is not None and self._store.check([_FAILED]):
                return json.loads(self._store.get(_FAILED))
        except RuntimeError:  # whoever kept it is gone as well
            pass
        return None


ALONE = Team(Place())


@contextmanager
def joined() -> Iterator[Team]:
    """The team of this process, as torchrun's environment says; of one where there is no torchrun.

    Raises `InputError` where the processes do not find each other.
    """
    where = place()
    if where.count == 1:
        yield Team(where)
        return
    from torch.distributed.distributed_c10d import PrefixStore, ProcessGroup
    from torch.distributed.rendezvous import rendezvous

    gpus = torch.cuda.device_count()
    if where.local < gpus:
        torch.cuda.set_device(where.local)
    try:
        store = next(rendezvous("env://", where.index, where.count))[0]
        # A process may train several runs, one after another: each has keys of its own.
        store = PrefixStore(f"sitting {next(_sittings)}", store)
        dist.init_process_group(
            "cpu:gloo,cuda:nccl" if gpus else "gloo", store=store, rank=where.index, world_size=where.count
        )
        words = dist.new_group(backend="gloo", timeout=PATIENCE)
    except (RuntimeError, ValueError) as error:
        raise InputError(
            f"The {where.count} processes did not find each other ({str(error).splitlines()[0]}). "
            "Start them anew with torchrun; on several machines give the same --rdzv-endpoint to all."
        ) from None
    assert isinstance(words, ProcessGroup)
    yield Team(where, store, words)
