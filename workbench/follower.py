"""A process that trains beside the one that leads: it takes the steps that it is told to, and writes nothing."""

import json
import time
from contextlib import suppress

from models.errors import InputError
from workbench import session
from workbench.config import RunConfig
from workbench.data.imageset import ImageSet
from workbench.processes import silence
from workbench.training import devices
from workbench.training.meter import DivergedError
from workbench.training.steps import Steps
from workbench.training.team import Team

DONE, FAILED = 0, 1
LAST_SECONDS = 0.5  # so that torchrun hears first of the process that failed, and reports that one


def follow(team: Team) -> int:
    """Train as the leader says, until it says that training is over. Returns the exit code."""
    silence()
    try:
        _follow(team)
    except InputError as error:  # the leader knows by now
        team.fail(error)
        return FAILED
    except Exception as error:  # noqa: BLE001 (the leader tells it, once for all)
        if team.lost(error):
            time.sleep(LAST_SECONDS)
        else:
            team.fail(error)
        return FAILED
    return DONE


def _follow(team: Team) -> None:
    facts = json.loads(team.tell())
    # The averaged weights are only looked at, and only the leader looks.
    config = RunConfig.from_json(facts["config"]).with_changes({"averaging": 0.0})
    images = _images(config, facts["fingerprint"], team)
    machine = devices.choose(config.training, before={"products": facts["products"]})
    state = session.first_state(config, images.shape, machine)
    team.share_state(state)
    steps = Steps(state, images, config.training, machine, team)
    state.model.train()
    with devices.computing_on(machine), devices.deterministic(config.training.deterministic):
        while ahead := team.hear():
            for _ in range(ahead):
                steps.take()
            with suppress(DivergedError):  # the leader has found the same, and says what follows
                steps.meter.read(state.step)
    team.part_ways()


def _images(config: RunConfig, fingerprint: str, team: Team) -> ImageSet:
    """The leader's images. The first process of each machine gets them, the others find them there.

    Raises `InputError`, here and at the leader, where one process cannot have them.
    """
    images, trouble = None, ""
    for turn in (True, False):
        if (team.place.local == 0) is turn:
            try:
                images = session.images_of(config)
                if images.fingerprint != fingerprint:
                    raise InputError(f"it finds other images under {config.data.dataset} than the first one")
            except InputError as error:
                trouble = f"Process {team.place.index + 1} of {team.place.count} cannot train: {error}"
        if turn:
            team.wait_for_all()
    if trouble := team.agree(trouble):
        raise InputError(trouble)
    assert images is not None
    return images
