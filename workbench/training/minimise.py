"""One optimizer step, as models ask for it, and the guard that keeps what is not finite away from the weights."""

import torch
from torch import Tensor

from workbench.training.state import TrainingState
from workbench.training.team import ALONE, Team


class Minimiser:
    """What models get as `minimise`: backward, clipping, update.

    A loss or gradient that is not finite raises a flag on the device. Fused optimizers read the flag there and
    leave weights, moments and step count alone (the protocol of torch's GradScaler). So nothing waits for the
    device, and the weights stay as they were before the bad step until somebody reads the flag. For an optimizer
    without that protocol the flag is read before each of its steps, which waits for the device.

    Where several processes train, gradients are averaged here, the one place where they all pass.
    """

    def __init__(self, state: TrainingState, device: torch.device, clip: float | None, team: Team = ALONE) -> None:
        self._optimizers, self._team = state.optimizers, team
        self._device, self._clip = device, clip
        self.bad = torch.zeros((), device=device)  # the flag: 1 from the first bad loss or gradient on, else 0
        self._one = torch.ones((), device=device)
        self.flags: dict[str, Tensor] = {}  # by optimizer: 1 from its first bad loss or gradient on, else 0
        self._parameters: dict[str, list[Tensor]] = {}
        for name, optimizer in self._optimizers.items():
            self._parameters[name] = [p for group in optimizer.param_groups for p in group["params"]]
            if _heeds_flags(optimizer):
                optimizer.found_inf = self.bad  # type: ignore[attr-defined]

    def __call__(self, loss: Tensor, by: str = "model") -> None:
        """Lower `loss` by one step of the optimizer `by`. Gradients of its own parameters only are computed."""
        optimizer, parameters = self._optimizers[by], self._parameters[by]
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(self._device.type, enabled=False):
            loss.backward(inputs=parameters)
        gradients = [p.grad for p in parameters if p.grad is not None]
        self._check(self._team.average(gradients, loss), gradients, by)
        if self._clip is not None:
            torch.nn.utils.clip_grad_norm_(parameters, self._clip)
        if _heeds_flags(optimizer) or not self.bad.item():
            optimizer.step()

    @torch.no_grad()
    def _check(self, loss: Tensor, gradients: list[Tensor], by: str) -> None:
        """Raise the flag for good where something is not finite: one pass over the gradients, times one."""
        watched = [loss.detach().float(), *gradients]
        torch._amp_foreach_non_finite_check_and_unscale_(watched, self.bad, self._one)
        self.flags[by] = self.bad.clone()


def _heeds_flags(optimizer: torch.optim.Optimizer) -> bool:
    return bool(getattr(optimizer, "_step_supports_amp_scaling", False))
