"""Checks an environment with the bridge's own readers: `python -m simulator.settings_check`.

A process of its own, since the package is on the functions' path and not on the simulator's. It
ends with 0 and no word where the settings are sound, else with 1 and what is wrong with them.
"""

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Final

from simulator.sam.template import Template, TemplateError

ROOT: Final = Path(__file__).resolve().parent.parent


def refuse_wrong_settings(template: Template, settings: Mapping[str, str]) -> None:
    """Refuse what the simulator would start with, and every call of it end in a refusal.

    Args:
        template: of the functions that get the settings.
        settings: in place of the template's own.

    Raises:
        TemplateError: no function has such a setting, or the bridge cannot use its value.
        OSError: the check does not run.
    """
    if not settings:
        return
    functions = list(template.functions.values())
    known = {name for function in functions for name in function.environment}
    # A slip in a name would go unseen: the function would run on the template's value.
    if unknown := sorted(settings.keys() - known):
        raise TemplateError(
            f"no function has the setting {', '.join(unknown)}; known: {', '.join(sorted(known))}"
        )
    layers = dict.fromkeys(layer for function in functions for layer in function.layers)
    # One set for all: each function reads only the settings that it has.
    together = {k: v for function in functions for k, v in function.environment.items()}
    if faults := faults_in({**together, **settings}, layers):
        raise TemplateError(f"the settings cannot be used: {faults}")


def faults_in(environment: Mapping[str, str], layers: Iterable[Path]) -> str:
    """The faults of a function's settings, in the words of the package in its layers.

    Returns:
        Every fault, none with its value; empty where there is none.

    Raises:
        OSError: the check does not run, so nothing is known.
    """
    # Resolved names of the template only: nothing of the developer's own environment is checked.
    path = os.pathsep.join(str(layer) for layer in layers)
    checked = subprocess.run(
        [sys.executable, "-m", "simulator.settings_check"],
        cwd=ROOT,
        env={**environment, "PYTHONPATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if checked.returncode not in (0, 1) or bool(checked.stdout) != (checked.returncode == 1):
        raise OSError(f"the settings cannot be checked: {checked.stderr.strip()[-300:]}")
    return checked.stdout.strip()


def _main() -> int:
    # Imported here: the package is not on the path of those who only need `faults_in`.
    from voicecall_bridge.settings.shared import SettingsError  # noqa: PLC0415

    faults: dict[str, None] = {}  # several functions read the same variable
    for name in sorted(path.parent.name for path in ROOT.glob("functions/*/app.py")):
        module = import_module(f"voicecall_bridge.settings.{name}")
        settings = getattr(module, f"{name.title().replace('_', '')}Settings")
        try:
            read = settings.from_environment(os.environ)
            # Those of the stack, or a flow's own; redrive has no lists.
            items = getattr(getattr(read, "stack", read), "item_faults", ())
            # A deployed function goes on without these; CloudFormation would refuse most of them.
            faults |= {str(it): None for it in items if it.left_out}
        except SettingsError as error:
            faults |= dict.fromkeys(str(error).split("; "))
    print("; ".join(faults), end="")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(_main())
