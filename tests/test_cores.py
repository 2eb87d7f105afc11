"""How threads that wait behave is said before torch is imported, and is the user's where they have said it."""

import os
import subprocess
import sys

import pytest

from workbench.cores import share_cores


def test_waiting_threads_look_for_a_moment_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT"):
        monkeypatch.delenv(name, raising=False)
    share_cores()
    assert (os.environ["OMP_WAIT_POLICY"], os.environ["GOMP_SPINCOUNT"]) == ("passive", "3000")


def test_what_the_user_says_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    monkeypatch.setenv("GOMP_SPINCOUNT", "7")
    share_cores()
    assert (os.environ["OMP_WAIT_POLICY"], os.environ["GOMP_SPINCOUNT"]) == ("active", "7")


def test_it_is_said_without_torch() -> None:
    line = "import sys, workbench.cores; workbench.cores.share_cores(); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", line], check=True)
