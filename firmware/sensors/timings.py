"""How long the strap's adapter waits for what, in seconds. Tests run with shorter ones."""

from msgspec import Struct


class StrapTimings(Struct, frozen=True, kw_only=True):
    """What each timing is for.

    `silent_s`: a connection without a report for so long is taken for dead (the engine calls it stale at 5); up to
    `silent_most_s` for a strap whose own pace is slower, and for one whose pace is not known yet.
    `grace_s`: a strap that comes back within it was not lost; Polar straps drop for a moment now and then.
    `first_connect_s`: BlueZ asks a strap that it does not know for all it has. `settle_s`: from the first strap seen to
    the list, so that the nearest can be first. `gone_s`: a strap not heard for so long leaves the list. `not_found_s`:
    how long one is looked for before the person is told. `let_go_unheard_s`: a strap whose living connection was ended
    here is on the air at once; one that is not heard for so long is still held by the adapter. `pause_s`: a busy radio
    is left alone for so long; `wait_s`: a refusal that nothing here can mend.
    """

    silent_s: float = 6.0
    silent_most_s: float = 15.0
    grace_s: float = 5.0
    connect_s: float = 8.0
    first_connect_s: float = 15.0
    ask_s: float = 5.0
    retry_s: float = 0.5
    settle_s: float = 2.0
    gone_s: float = 15.0
    tell_every_s: float = 1.0
    not_found_s: float = 10.0
    look_anew_every_s: float = 20.0
    let_go_unheard_s: float = 4.0
    pause_s: float = 3.0
    wait_s: float = 20.0
    power_on_every_s: float = 10.0
    power_cycle_every_s: float = 60.0
    power_cycle_unheard_every_s: float = 120.0
    restart_every_s: float = 300.0
