"""Plans roll-calls from the registry as it is now, the station's usual way and what was asked for."""

import secrets
from collections.abc import Mapping, Sequence
from random import Random

from gateway.clock import IdSource
from gateway.conduct.planning import Asked, Planned, plan_for
from gateway.publish.commands import RefusedCommand
from gateway.rollcallsettings import RollcallSettings
from gateway.store.store import Store


class Planner:
    """On the asyncio loop. `random` draws samples and orders; the operating system's when None."""

    def __init__(
        self,
        store: Store,
        settings: RollcallSettings,
        command_post: str,
        ids: IdSource,
        random: Random | None = None,
    ) -> None:
        self._store = store
        self._settings = settings
        self._command_post = command_post
        self._ids = ids
        self._random = random or secrets.SystemRandom()

    async def plan(self, asked: Asked, radios: Mapping[str, Sequence[str]]) -> Planned:
        """Plan a roll-call on these radios, each with its sub-districts.

        Raises:
            RefusedCommand: nobody is left to be called, and why.
        """
        units = await self._store.units()
        try:
            return plan_for(
                asked, radios, units, self._settings, self._command_post, self._ids.new, self._random
            )
        except ValueError as error:
            raise RefusedCommand("malformed", str(error)) from None
