"""Between the desk, where a person chooses, and the strap, which is looked for, bound and released (hazard H4)."""

from collections.abc import Callable

from msgspec.structs import replace

from coach.kiosk import strap_choice
from coach.kiosk.flow import KioskState
from coach.kiosk.strap_choice import StrapChoice, StrapScene
from coach.model.strap_advertisement import StrapSeen
from coach.session.state import SessionState
from firmware.participants.last_strap import StrapMemory
from firmware.sensors.strap import ChosenStrap, SelectedStrap
from firmware.sensors.strap_identity import identity, keys_of


class StrapChoosing:
    """The strap of whoever is at the machine. Each call gives the desk as it is afterwards."""

    def __init__(self, strap: ChosenStrap, memory: StrapMemory) -> None:
        """Nobody is here."""
        self._strap, self._memory = strap, memory
        self._participant: str | None = None
        self._wrong: str | None = None

    def shown_to(self, on_scene: Callable[[StrapScene], None]) -> None:
        """Tell `on_scene` what a person should see when it has changed."""
        self._strap.shown_to(on_scene, self._told_serial)

    def began(self, desk: KioskState, participant: str) -> KioskState:
        """Somebody has come: list those on the air, theirs of last time first."""
        self._participant, self._wrong = participant, None
        last = self._memory.of(participant)
        self._strap.look()
        return replace(desk, strap=StrapChoice(asked=True, last=None if last is None else last.key))

    def restored(self, desk: KioskState, state: SessionState) -> KioskState:
        """Go on after a restart with the strap that the session had."""
        self._participant = state.plan.participant
        if state.strap_key is None:
            return replace(desk, strap=StrapChoice(asked=True))
        known, _, printed = state.strap_key.partition(":")
        had = StrapSeen(state.strap_key, state.strap_name, printed, on_band=known == "serial")
        self._strap.bind(self._bond(had))
        return replace(desk, strap=strap_choice.chosen_again(StrapChoice(asked=True), had))

    def chosen_or_not(self, desk: KioskState) -> None:
        """Take the person's press: this one is mine, or it was the wrong one."""
        chosen = desk.strap.chosen
        if chosen is None:
            self._strap.look()
            return
        bond = self._bond(chosen)
        self._strap.bind(bond)
        self._keep(bond)

    def started(self, desk: KioskState) -> None:
        """Begin the session; for a person who trains by perceived exertion, without a strap, none is looked for."""
        if desk.strap.chosen is None:
            self._strap.release()

    def left(self) -> None:
        """Nobody is here any more: let others have the strap."""
        self._participant = None
        self._strap.release()

    def looked(self, desk: KioskState, scene: StrapScene) -> KioskState:
        """Another look around."""
        choice = desk.strap
        if scene.trouble == "wrong_strap" and choice.chosen is not None:
            self._wrong = choice.chosen.key
        known = self._known()
        if known is not None:
            # Last time's strap may be seen under another form of its identity.
            choice = replace(choice, last=next((one.key for one in scene.seen if _is(known, one)), choice.last))
        return replace(desk, strap=strap_choice.with_scene(choice, scene))

    def _known(self) -> SelectedStrap | None:
        return None if self._participant is None else self._memory.of(self._participant)

    def _bond(self, strap: StrapSeen) -> SelectedStrap:
        """Return what is known of this strap. After another one answered for it, a new press begins with nothing."""
        known = self._known()
        if known is None or not _is(known, strap) or strap.key == self._wrong:
            return SelectedStrap(strap.key, strap.name)
        return SelectedStrap(strap.key, strap.name or known.name, known.device_serial, known.address)

    def _told_serial(self, bond: SelectedStrap) -> None:
        self._keep(bond)

    def _keep(self, bond: SelectedStrap) -> None:
        if self._participant is not None:
            self._memory.keep(self._participant, bond)


def _is(bond: SelectedStrap, strap: StrapSeen) -> bool:
    keys = keys_of(bond)
    return strap.key.casefold() in keys or identity(strap.name, "").key.casefold() in keys
