"""Who is training: from a highlighted tile to somebody who has been let in (hazards H7, H12).

Theory of operation. Pointing at a tile makes an `SignIn`, which from then on names its participant by pseudonym, never
by a place in a list. It is asked «is it you?», then for a PIN where there is one, or a guest for their age; only the
last right answer admits. Which digits were typed is not known here: the keeper holds them, asks whoever keeps the PINs,
and brings back right or wrong. Each wrong PIN is followed by a longer wait, a minute at most, so that nobody is shut
out for the day.

    confirm ─► (pin ─► checking ─►) admitted        guest: confirm ─► guest_age ─► admitted
    confirm ─► not_today, where the plan has expired        stop, or nobody there: leaves, on every face
"""

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from coach.kiosk.view import Button, Choice, PinNow, ScreenId

PIN_DIGITS = 4
PIN_WAITS_S = (1.0, 2.0, 5.0, 15.0, 60.0)
"""The wait after the first wrong PIN, the second, …; the last one counts from then on."""

ASK_THERAPIST_FROM = len(PIN_WAITS_S)
"""So many wrong PINs, and the screen says to ask the therapist, who can give a new one."""

YOUNGEST, OLDEST, FIRST_AGE = 16, 90, 40
GUEST_CEILING_FRACTION = 0.95
"""A guest's ceiling as a share of the formula's HRmax: the upper end of the hardest target zone. Nobody has measured
this person, and the formula's SEE is 10.8 bpm (Nes 2013), so nothing asks for more (H7)."""

BUTTON_OF_DIGIT = {5: Button.START, 8: Button.UP, 2: Button.DOWN, 0: Button.STOP}
"""What a numeric keypad's digit presses on a face that takes no digits."""

AWAY_AFTER_S = 180.0
"""Without a press or a rate for so long before a session, whoever was there has gone (H12)."""

Outcome = Literal["stay", "leave", "check", "admit"]


class Tries(Struct, frozen=True, kw_only=True):
    """Wrong PINs for one participant since the last right one, and until when no other is taken."""

    participant: str
    wrong: int
    wait_until_t: float


class SignIn(Struct, frozen=True, kw_only=True):
    """Somebody who has pointed at a tile. `entered`: PIN digits or digits of an age; `closed`: why not today."""

    who: Choice
    face: ScreenId = ScreenId.CONFIRM
    entered: int = 0
    checking: bool = False
    closed: str | None = None


class SignInStep(Struct, frozen=True, kw_only=True):
    """What a press or a digit brought. `typed`: a digit for the keeper to hold; `untyped`: it forgets the last."""

    arrival: SignIn
    selected: int = 0
    outcome: Outcome = "stay"
    typed: int | None = None
    untyped: bool = False


def takes_digits(face: ScreenId) -> bool:
    """Whether a keypad's digits mean themselves on this face."""
    return face in (ScreenId.PIN, ScreenId.GUEST_AGE)


def press(arrival: SignIn, selected: int, button: Button, tries: Tries | None, t: float) -> SignInStep:
    """Return what a button means to somebody who is arriving."""
    if button is Button.STOP:
        if arrival.face is ScreenId.PIN and arrival.entered and not arrival.checking:
            return SignInStep(arrival=replace(arrival, entered=arrival.entered - 1), untyped=True)
        return SignInStep(arrival=arrival, outcome="leave")
    stay = SignInStep(arrival=arrival, selected=selected)
    match arrival.face:
        case ScreenId.CONFIRM:
            return _confirmed(arrival) if button is Button.START else stay
        case ScreenId.PIN if not _waits(arrival, tries, t):
            if button is Button.START:
                return _typed(arrival, selected)
            return replace(stay, selected=(selected + (1 if button is Button.UP else -1)) % 10)
        case ScreenId.GUEST_AGE:
            if button is Button.START:
                return SignInStep(arrival=arrival, selected=within_ages(selected), outcome="admit")
            age = within_ages(selected + (1 if button is Button.UP else -1))
            return SignInStep(arrival=replace(arrival, entered=0), selected=age)
        case _:
            return stay


def digit(arrival: SignIn, selected: int, typed: int, tries: Tries | None, t: float) -> SignInStep:
    """Return what a keypad's digit means on a face that takes digits."""
    if arrival.face is ScreenId.PIN and not _waits(arrival, tries, t):
        return _typed(arrival, typed)
    if arrival.face is ScreenId.GUEST_AGE:
        if arrival.entered == 0:
            return SignInStep(arrival=replace(arrival, entered=1), selected=typed * 10)
        return SignInStep(arrival=replace(arrival, entered=0), selected=within_ages(selected + typed))
    return SignInStep(arrival=arrival, selected=selected)


def within_ages(age: int) -> int:
    """Return the nearest age that a guest may have."""
    return min(max(age, YOUNGEST), OLDEST)


def _waits(arrival: SignIn, tries: Tries | None, t: float) -> bool:
    return arrival.checking or (tries is not None and t < tries.wait_until_t)


def _confirmed(arrival: SignIn) -> SignInStep:
    if arrival.who.expired:
        return SignInStep(arrival=replace(arrival, face=ScreenId.NOT_TODAY, closed="plan_expired"))
    if arrival.who.has_pin:
        return SignInStep(arrival=replace(arrival, face=ScreenId.PIN))
    if arrival.who.asks_age:
        return SignInStep(arrival=replace(arrival, face=ScreenId.GUEST_AGE), selected=FIRST_AGE)
    return SignInStep(arrival=arrival, outcome="admit")


def _typed(arrival: SignIn, typed: int) -> SignInStep:
    whole = arrival.entered + 1 == PIN_DIGITS
    after = replace(arrival, entered=arrival.entered + 1, checking=whole)
    return SignInStep(arrival=after, outcome="check" if whole else "stay", typed=typed)


def wrong_once_more(tries: tuple[Tries, ...], participant: str, t: float) -> tuple[Tries, ...]:
    """One wrong PIN more, with its wait."""
    before = tries_of(tries, participant)
    wrong = 1 if before is None else before.wrong + 1
    wait_s = PIN_WAITS_S[min(wrong, len(PIN_WAITS_S)) - 1]
    return (*forgiven(tries, participant), Tries(participant=participant, wrong=wrong, wait_until_t=t + wait_s))


def forgiven(tries: tuple[Tries, ...], participant: str) -> tuple[Tries, ...]:
    """Return the others' tries: this participant's PIN was right."""
    return tuple(one for one in tries if one.participant != participant)


def tries_of(tries: tuple[Tries, ...], participant: str) -> Tries | None:
    """Return the wrong PINs for one participant, if there are any."""
    return next((one for one in tries if one.participant == participant), None)


def pin_now(arrival: SignIn, tries: Tries | None, t: float) -> PinNow:
    """Return what the screen shows of a PIN."""
    wrong = 0 if tries is None else tries.wrong
    wait_s = 0.0 if tries is None else max(0.0, tries.wait_until_t - t)
    return PinNow(
        entered=arrival.entered,
        digits=PIN_DIGITS,
        wrong=wrong,
        wait_s=int(-(-wait_s // 1)),
        ask_therapist=wrong >= ASK_THERAPIST_FROM,
        checking=arrival.checking,
    )


def still_known(arrival: SignIn, choices: tuple[Choice, ...]) -> SignIn | None:
    """Return the arrival after the list has changed: gone with its tile, asked anew where the tile is another now."""
    now = next((one for one in choices if one.participant == arrival.who.participant), None)
    if now is None:
        return None
    return arrival if now == arrival.who else SignIn(who=now)
