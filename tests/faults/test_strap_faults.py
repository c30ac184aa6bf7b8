"""What a strap and its radio do to the coach (faults.md rows 21–23), with bleak's own code on a real D-Bus.

Every figure is measured by `benchmarks/bench_strap.py`; here only what happens is judged, and in which order.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from bleak import BleakClient
from msgspec.structs import replace

from coach.kiosk.strap_choice import StrapScene
from firmware.sensors.adapter import BluetoothAdapter
from firmware.sensors.ble_strap import MEASUREMENT, BluetoothStrap
from firmware.sensors.scanner import SharedScanner
from firmware.sensors.strap import Delivery, Measurement, SelectedStrap, SignalSourceLost
from firmware.sensors.strap_identity import POLAR
from firmware.sensors.timings import StrapTimings
from tests.support.bluez.fake_bluez import FakeBlueZ, Peripheral, strap, treadmill
from tests.support.bluez.private_bus import HAS_DAEMON, private_bus

pytestmark = pytest.mark.skipif(not HAS_DAEMON, reason="dbus-daemon is not installed: run scripts/set-up.sh")
PATIENCE_S = 60.0
QUICK = StrapTimings(
    silent_s=PATIENCE_S,
    grace_s=PATIENCE_S,
    connect_s=20.0,
    first_connect_s=20.0,
    ask_s=20.0,
    retry_s=0.02,
    settle_s=0.2,
    gone_s=1.0,
    tell_every_s=0.05,
    not_found_s=PATIENCE_S,
    look_anew_every_s=0.5,
    let_go_unheard_s=PATIENCE_S,
    power_on_every_s=0.1,
    power_cycle_every_s=0.1,
    power_cycle_unheard_every_s=1.0,
    restart_every_s=0.1,
)
"""Patient where a busy machine could be taken for a silent strap; each test is impatient about its own fault alone."""

SILENT = replace(QUICK, silent_s=0.5, silent_most_s=1.0)
AWAY = replace(QUICK, grace_s=0.1, not_found_s=0.3)
MINE = SelectedStrap("serial:8F3A2B1C", "Polar H10 8F3A2B1C")


@pytest.fixture(autouse=True)
def _bus() -> Iterator[None]:
    with private_bus():
        yield


class Worn:
    """A strap of the coach's in use, and what came of it."""

    def __init__(self, bluez: FakeBlueZ, adapter: BluetoothStrap) -> None:
        """Listen to all that it tells."""
        self.bluez, self.adapter = bluez, adapter
        self.heard: list[Delivery] = []
        self.scenes: list[StrapScene] = []
        self.bonds: list[SelectedStrap] = []
        adapter.shown_to(self.scenes.append, self.bonds.append)

    @property
    def scene(self) -> StrapScene:
        """What a person sees now."""
        return self.scenes[-1] if self.scenes else StrapScene()

    @property
    def lost(self) -> list[str]:
        """Every reason that was told, in order."""
        return [delivery.reason for delivery in self.heard if isinstance(delivery, SignalSourceLost)]

    async def until(self, there: Callable[[], object], beating: Peripheral | None = None) -> None:
        """Wait until it is so, with a strap that goes on beating."""
        async with asyncio.timeout(PATIENCE_S):
            while not there():
                if beating is not None:
                    self.bluez.beat(beating)
                await asyncio.sleep(0.01)

    async def measured(self, one: Peripheral) -> None:
        """Until another measurement of this strap has come."""
        count = len(self.heard)
        await self.until(lambda: any(isinstance(delivery, Measurement) for delivery in self.heard[count:]), beating=one)


@asynccontextmanager
async def coach(
    bluez: FakeBlueZ, bond: SelectedStrap | None = MINE, timings: StrapTimings = QUICK, rfkill: Path = Path("/nowhere")
) -> AsyncIterator[Worn]:
    radio = BluetoothAdapter(rfkill=rfkill)
    adapter = BluetoothStrap(radio, SharedScanner(radio), bond=bond, timings=timings)
    worn = Worn(bluez, adapter)
    task = asyncio.create_task(adapter.run(worn.heard.append))
    try:
        yield worn
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def run(main: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        await main()

    asyncio.run(whole())


def test_a_strap_is_measured_without_scanning_on_and_its_battery_is_read() -> None:
    async def main() -> None:
        h10 = strap(battery=12)
        async with FakeBlueZ(h10) as bluez, coach(bluez) as worn:
            await worn.measured(h10)
            await worn.until(lambda: worn.scene == StrapScene(battery_low=True))
            await worn.until(lambda: not bluez.scanning)
            bluez.scanned_while_connected = False
            for _ in range(5):
                await worn.measured(h10)
            assert (worn.adapter.battery_percent, worn.adapter.serial, worn.lost) == (12, "8F3A2B1C", [])
            assert not bluez.scanned_while_connected
            bluez.notify(h10, "00002a19-0000-1000-8000-00805f9b34fb", b"\x64")
            await worn.until(lambda: worn.scene == StrapScene())
            assert worn.adapter.battery_percent == 100

    run(main)


def test_a_strap_that_is_back_within_seconds_was_never_lost() -> None:
    async def main() -> None:
        h10 = strap()
        async with FakeBlueZ(h10) as bluez, coach(bluez) as worn:
            for drop in range(1, 4):
                await worn.measured(h10)
                bluez.hang_up(h10)
                await worn.until(lambda count=drop: h10.connections == count + 1)  # type: ignore[misc]
            await worn.measured(h10)
            assert worn.lost == []

    run(main)


def test_a_strap_out_of_reach_is_told_once_for_each_reason_and_measured_again_when_it_returns() -> None:
    async def main() -> None:
        h10 = strap()
        async with FakeBlueZ(h10) as bluez, coach(bluez, timings=AWAY) as worn:
            await worn.measured(h10)
            # On a busy machine it may have been looked for in vain before.
            worn.heard.clear()
            bluez.take_away(h10)
            await worn.until(lambda: "not_found" in worn.lost)
            assert worn.scene.trouble == "not_found"
            bluez.bring_back(h10)
            await worn.measured(h10)
            assert worn.lost in (["disconnected", "not_found"], ["not_found"])
            assert worn.scene.trouble is None

    run(main)


def test_a_strap_that_is_connected_and_silent_is_connected_anew_then_forgotten_then_the_adapter_switched() -> None:
    """Row 21, the whole ladder: each rung in its order, and a measurement is the way down."""

    async def main() -> None:
        h10 = strap()
        async with FakeBlueZ(h10) as bluez, coach(bluez, timings=SILENT) as worn:
            await bluez.serve_systemd()
            await worn.measured(h10)
            await worn.until(lambda: h10.connections >= 2)
            assert (h10.removals, bluez.power_changes) == (0, [])
            await worn.until(lambda: h10.removals)
            assert bluez.power_changes == []
            await worn.until(lambda: bluez.power_changes)
            assert (bluez.power_changes[0], bluez.unit_restarts) == (False, [])
            await worn.until(lambda: bluez.unit_restarts)
            assert bluez.unit_restarts == ["bluetooth.service"]
            await worn.measured(h10)

    run(main)


def test_a_silent_strap_that_the_kernel_holds_on_to_is_freed_by_switching_the_adapter_and_not_by_a_restart() -> None:
    """As Linux 6.1 and bluetoothd 5.66 did in the virtual machine: ended for bluetoothd, and not on the air again."""

    async def main() -> None:
        h10 = strap()
        h10.kernel_keeps = True
        never = {"look_anew_every_s": PATIENCE_S, "power_cycle_unheard_every_s": PATIENCE_S}
        timings = replace(SILENT, let_go_unheard_s=0.3, **never)
        async with FakeBlueZ(h10) as bluez, coach(bluez, timings=timings) as worn:
            await bluez.serve_systemd()
            await worn.measured(h10)
            await worn.until(lambda: bluez.power_changes)
            assert (h10.connections, h10.removals, bluez.power_changes[0]) == (1, 0, False)
            await worn.measured(h10)
            assert (h10.connections, h10.removals, bluez.power_changes) == (2, 0, [False, True])
            assert bluez.unit_restarts == []

    run(main)


@pytest.mark.parametrize("payload", ["00 48 00 00", "10 48 00 03 FF", "08 48", "00 48 00 03"])
def test_a_strap_whose_reports_only_partly_fit_is_measured_and_noted_once(payload: str) -> None:
    async def main() -> None:
        h10 = strap()
        async with FakeBlueZ(h10) as bluez, coach(bluez, timings=replace(SILENT, silent_s=1.0)) as worn:
            await bluez.serve_systemd()
            for _ in range(300):
                bluez.notify(h10, MEASUREMENT, bytes.fromhex(payload))
                await asyncio.sleep(0.01)
            rates = {delivery.bpm for delivery in worn.heard if isinstance(delivery, Measurement)}
            assert (rates, worn.lost, h10.connections) == ({72.0}, [], 1)
            ((code, detail),) = worn.adapter.noted
            assert code == "strap_odd_data"
            assert detail.split("first ")[1].startswith(payload)

    run(main)


def test_a_strap_whose_reports_cannot_be_read_is_told_so_and_climbs_no_ladder() -> None:
    async def main() -> None:
        h10 = strap()
        async with FakeBlueZ(h10) as bluez, coach(bluez, timings=SILENT) as worn:
            await bluez.serve_systemd()
            for _ in range(400):
                bluez.notify(h10, MEASUREMENT, b"\x01\x48")
                await asyncio.sleep(0.01)
            assert (worn.lost, worn.scene.trouble) == (["unreadable"], "unreadable")
            assert (h10.connections, h10.removals, bluez.power_changes, bluez.unit_restarts) == (1, 0, [], [])
            await worn.measured(h10)
            assert worn.scene.trouble is None

    run(main)


def test_a_strap_that_reports_more_seldom_than_others_is_not_connected_anew() -> None:
    """Its own pace is learned; until then it is given time."""

    async def main() -> None:
        h10 = strap()
        async with FakeBlueZ(h10) as bluez, coach(bluez, timings=replace(SILENT, silent_most_s=PATIENCE_S)) as worn:
            await worn.until(lambda: bluez.beat(h10))
            for _ in range(6):
                await asyncio.sleep(0.7)
                bluez.beat(h10)
            await worn.until(lambda: len(worn.heard) >= 7)
            assert (h10.connections, worn.lost) == (1, [])

    run(main)


def test_what_is_no_measurement_costs_nothing_but_itself() -> None:
    async def main() -> None:
        h10 = strap()
        async with FakeBlueZ(h10) as bluez, coach(bluez) as worn:
            await worn.measured(h10)
            for payload in (b"", b"\x16", bytes.fromhex("01 FF")):
                bluez.notify(h10, MEASUREMENT, payload)
            await worn.measured(h10)
            assert (h10.connections, worn.lost) == (1, [])

    run(main)


def test_what_nobody_foresaw_in_a_falling_radio_is_logged_and_begun_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    connect = BleakClient.connect
    stumbles = iter([KeyError("/org/bluez/hci0")])

    async def stumbling(client: BleakClient) -> None:
        for stumble in stumbles:
            raise stumble
        await connect(client)

    async def main() -> None:
        h10 = strap()
        monkeypatch.setattr(BleakClient, "connect", stumbling)
        async with FakeBlueZ(h10) as bluez, coach(bluez) as worn:
            await worn.measured(h10)
            assert worn.lost == []

    run(main)
    assert "The strap's adapter stumbled, and begins again" in caplog.messages


def test_an_adapter_that_is_pulled_out_is_told_and_the_strap_measured_again_when_it_is_back() -> None:
    async def main() -> None:
        h10 = strap()
        async with FakeBlueZ(h10) as bluez, coach(bluez) as worn:
            await worn.measured(h10)
            bluez.remove_adapter()
            await worn.until(lambda: worn.lost == ["no_adapter"])
            assert worn.scene.trouble == "no_adapter"
            bluez.insert_adapter()
            await worn.measured(h10)
            assert worn.scene.trouble is None

    run(main)


def test_a_bluetoothd_that_is_killed_is_told_and_the_strap_measured_again_by_the_next() -> None:
    async def main() -> None:
        h10 = strap()
        async with FakeBlueZ(h10) as bluez, coach(bluez) as worn:
            for times in (1, 2):
                await worn.measured(h10)
                await bluez.kill()
                await worn.until(lambda count=times: worn.lost == ["no_bluetoothd"] * count)  # type: ignore[misc]
                assert worn.scene.trouble == "no_bluetoothd"
                await bluez.start()
            await worn.measured(h10)
            assert worn.scene.trouble is None

    run(main)


def test_bluetooth_that_is_off_is_switched_on() -> None:
    async def main() -> None:
        h10 = strap()
        async with FakeBlueZ(h10, powered=False) as bluez, coach(bluez) as worn:
            await worn.measured(h10)
            assert worn.lost == ["bluetooth_off"]
            assert bluez.power_changes == [True]

    run(main)


def test_bluetooth_that_is_blocked_is_told_as_blocked_and_not_fought(tmp_path: Path) -> None:
    async def main() -> None:
        h10 = strap()
        async with FakeBlueZ(h10, powered=False) as bluez:
            bluez.power_state = "off-blocked"
            async with coach(bluez) as worn:
                await worn.until(lambda: worn.lost == ["bluetooth_blocked"])
                assert (worn.scene.trouble, bluez.power_changes) == ("bluetooth_blocked", [])
                bluez.switch(on=True)
                await worn.measured(h10)
        (tmp_path / "rfkill0").mkdir()
        for name, value in (("type", "bluetooth"), ("soft", "1"), ("hard", "0")):
            (tmp_path / "rfkill0" / name).write_text(f"{value}\n")
        async with FakeBlueZ(h10, powered=False) as older, coach(older, rfkill=tmp_path) as worn:
            await worn.until(lambda: worn.lost == ["bluetooth_blocked"])

    run(main)


def test_a_strap_that_something_else_holds_is_told_apart_from_one_that_is_not_there() -> None:
    async def main() -> None:
        h10 = strap()
        h10.refuses = "le-connection-refused"
        async with FakeBlueZ(h10) as bluez, coach(bluez) as worn:
            await worn.until(lambda: worn.scene.trouble == "held_elsewhere")
            assert "not_found" not in worn.lost
            h10.refuses = None
            await worn.measured(h10)
            assert worn.scene.trouble is None

    run(main)


def test_a_strap_that_wants_pairing_is_told_so_and_no_rung_is_climbed() -> None:
    async def main() -> None:
        band = strap()
        band.refuses_notify = "org.bluez.Error.NotPermitted Notify not permitted"
        async with FakeBlueZ(band) as bluez, coach(bluez, timings=replace(QUICK, wait_s=0.3)) as worn:
            await bluez.serve_systemd()
            await worn.until(lambda: worn.lost == ["pairing_wanted"])
            await asyncio.sleep(1.0)
            assert worn.scene.trouble == "pairing_wanted"
            assert band.connections <= 6
            assert (band.removals, bluez.power_changes, bluez.unit_restarts) == (0, [], [])
            assert worn.adapter.noted == (
                ("strap_pairing_wanted", "[org.bluez.Error.NotPermitted] Notify not permitted"),
            )
            band.refuses_notify = None
            await worn.measured(band)
            assert (worn.scene.trouble, worn.adapter.noted) == (None, ())

    run(main)


@pytest.mark.parametrize(
    ("said", "trouble"),
    [
        ("org.bluez.Error.InProgress Operation already in progress", "radio_busy"),
        ("le-connection-timeout", "too_far"),
        ("le-connection-refused", "held_elsewhere"),
        ("Input/output error", "radio_stumbled"),
        ("something that is not known", "refused"),
    ],
)
def test_each_refusal_of_a_connection_is_told_by_its_own_cause(said: str, trouble: str) -> None:
    async def main() -> None:
        h10 = strap()
        h10.refuses = said
        async with FakeBlueZ(h10) as bluez, coach(bluez, timings=replace(QUICK, pause_s=0.05, wait_s=0.3)) as worn:
            await bluez.serve_systemd()
            await worn.until(lambda: worn.scene.trouble == trouble)
            assert worn.lost == [trouble]
            assert bool(bluez.power_changes) == (trouble == "radio_stumbled")
            h10.refuses = None
            await worn.measured(h10)
            assert worn.scene.trouble is None

    run(main)


@pytest.mark.parametrize("bond", [None, MINE])
def test_a_look_around_that_is_refused_again_and_again_is_told_and_the_radio_helped_up(
    bond: SelectedStrap | None,
) -> None:
    """A controller that is stuck scanning refuses every other scan until it is switched off and on."""

    async def main() -> None:
        h10 = strap()
        async with FakeBlueZ(h10) as bluez:
            await bluez.serve_systemd()
            bluez.refuses_scan = "org.bluez.Error.InProgress Operation already in progress"
            timings = replace(QUICK, pause_s=0.05, not_found_s=PATIENCE_S)
            async with coach(bluez, bond, timings) as worn:
                if bond is None:
                    worn.adapter.look()
                await worn.until(lambda: worn.scene.trouble == "radio_busy")
                await worn.until(lambda: bluez.power_changes)
                bluez.refuses_scan = None
                if bond is None:
                    await worn.until(lambda: worn.scene.seen and worn.scene.trouble is None)
                else:
                    await worn.measured(h10)
                    assert worn.scene.trouble is None

    run(main)


def test_no_strap_but_the_bound_one_is_ever_connected() -> None:
    """Rows 22 and 23: the neighbour's is nearer, and mine is away."""

    async def main() -> None:
        mine, theirs = strap(), strap("Polar H10 A90C77E2", "A0:9E:1A:00:00:02", rssi=-30)
        mine.advertises = False
        async with FakeBlueZ(mine, theirs) as bluez, coach(bluez, timings=AWAY) as worn:
            await worn.until(lambda: worn.lost == ["not_found"])
            assert (theirs.connections, worn.heard) == (0, [SignalSourceLost("not_found")])
            bluez.bring_back(mine)
            await worn.measured(mine)
            assert theirs.connections == 0

    run(main)


def test_a_strap_with_a_new_address_is_the_same_strap() -> None:
    async def main() -> None:
        before, after = strap(), strap(address="C8:00:00:00:00:77")
        after.advertises = False
        async with FakeBlueZ(before, after) as bluez, coach(bluez) as worn:
            await worn.measured(before)
            bluez.take_away(before)
            bluez.bring_back(after)
            await worn.measured(after)

    run(main)


def test_a_strap_known_by_its_address_must_carry_the_serial_it_had() -> None:
    async def main() -> None:
        plain = strap("HR Strap", serial="S-778")
        bond = SelectedStrap(f"address:{plain.address}", "HR Strap")
        async with FakeBlueZ(plain) as bluez, coach(bluez, bond) as worn:
            await worn.measured(plain)
            assert worn.bonds == [SelectedStrap(bond.key, bond.name, "S-778")]
            assert worn.adapter.serial == "S-778"
        async with FakeBlueZ(plain) as bluez, coach(bluez, SelectedStrap(bond.key, bond.name, "S-1")) as worn:
            await worn.until(lambda: worn.lost == ["wrong_strap"])
            assert not bluez.beat(plain)

    run(main)


def test_another_strap_at_the_same_address_is_never_measured_after_a_reconnect_in_the_same_run() -> None:
    """H4: the serial is compared at each connection, and what the first one taught holds for the next."""

    async def main() -> None:
        plain = strap("HR Strap", serial="AAAA1111")
        bond = SelectedStrap(f"address:{plain.address}", "HR Strap")
        async with FakeBlueZ(plain) as bluez, coach(bluez, bond) as worn:
            await worn.measured(plain)
            assert worn.bonds == [SelectedStrap(bond.key, bond.name, "AAAA1111")]
            plain.services = strap("HR Strap", serial="BBBB2222").services
            bluez.hang_up(plain)
            await worn.until(lambda: "wrong_strap" in worn.lost)
            count = len(worn.heard)
            for _ in range(20):
                assert not bluez.beat(plain)
                await asyncio.sleep(0.01)
            assert (worn.bonds, len(worn.heard)) == ([SelectedStrap(bond.key, bond.name, "AAAA1111")], count)
            assert worn.scene.trouble == "wrong_strap"
            plain.services = strap("HR Strap", serial="AAAA1111").services
            await worn.measured(plain)

    run(main)


def test_a_strap_with_its_serial_in_its_name_is_compared_by_its_device_serial_as_well() -> None:
    async def main() -> None:
        h10 = strap(serial="DEV-77801")
        async with FakeBlueZ(h10) as bluez, coach(bluez) as worn:
            await worn.measured(h10)
            assert worn.bonds == [SelectedStrap(MINE.key, MINE.name, "DEV-77801", h10.address)]
            h10.services = strap(serial="DEV-90310").services
            bluez.hang_up(h10)
            await worn.until(lambda: "wrong_strap" in worn.lost)

    run(main)


def test_a_serial_that_was_known_and_is_gone_is_another_strap() -> None:
    async def main() -> None:
        plain = strap("HR Strap")
        bond = SelectedStrap(f"address:{plain.address}", "HR Strap", "S-778")
        async with FakeBlueZ(plain) as bluez, coach(bluez, bond) as worn:
            await worn.until(lambda: worn.lost == ["wrong_strap"])

    run(main)


def test_a_name_that_comes_after_the_choice_leads_to_the_bond_that_was_made() -> None:
    async def main() -> None:
        late = strap(None)
        async with FakeBlueZ(late) as bluez, coach(bluez, None) as worn:
            worn.adapter.look()
            await worn.until(lambda: worn.scene.seen)
            seen = worn.scene.seen[0]
            assert (seen.key, seen.name, seen.on_band) == (f"address:{late.address}", "", False)
            late.name = "Polar H10 8F3A2B1C"
            bluez.tell_name(late)
            await worn.until(lambda: worn.scene.seen[0].on_band)
            # The row keeps its place under the thumb, and shows what is printed.
            named = worn.scene.seen[0]
            assert (len(worn.scene.seen), named.key, named.printed) == (1, seen.key, "8F3A2B1C")
            worn.adapter.bind(SelectedStrap(seen.key, seen.name))
            await worn.measured(late)
            assert worn.bonds == [SelectedStrap(seen.key, "Polar H10 8F3A2B1C")]
            assert worn.adapter.serial == "8F3A2B1C"

    run(main)


def test_a_strap_of_an_unknown_maker_survives_a_new_random_address_by_its_serial() -> None:
    async def main() -> None:
        moved = strap("HR Strap", "C8:00:00:00:00:77", serial="SN4471903")
        twin = strap("HR Strap", "C8:00:00:00:00:88", serial="SN4471904", rssi=-30)
        bond = SelectedStrap("address:A0:9E:1A:00:00:01", "HR Strap", "SN4471903")
        async with FakeBlueZ(moved, twin) as bluez, coach(bluez, bond, AWAY) as worn:
            await worn.measured(moved)
            assert worn.bonds == [SelectedStrap(bond.key, bond.name, "SN4471903", "C8:00:00:00:00:77")]
            assert twin.connections <= 1
            assert "wrong_strap" not in worn.lost
            assert not bluez.beat(twin)

    run(main)


@pytest.mark.parametrize("serial", ["12345678", "000000001", "N/A", None])
def test_a_serial_that_a_whole_series_shares_leads_to_no_other_strap(serial: str | None) -> None:
    async def main() -> None:
        other = strap("HR Strap", "C8:00:00:00:00:77", serial=serial)
        bond = SelectedStrap("address:A0:9E:1A:00:00:01", "HR Strap", serial)
        async with FakeBlueZ(other) as bluez, coach(bluez, bond, AWAY) as worn:
            await worn.until(lambda: worn.lost == ["not_found"])
            await asyncio.sleep(0.5)
            assert other.connections == 0

    run(main)


def test_a_connection_that_a_killed_coach_left_is_ended_so_that_the_strap_is_heard_again() -> None:
    async def main() -> None:
        h10 = strap()
        async with FakeBlueZ(h10) as bluez:
            bluez.hold_phantom(h10)
            async with coach(bluez) as worn:
                await worn.measured(h10)
            assert (h10.removals, h10.connections) == (1, 2)

    run(main)


def test_where_no_strap_is_on_the_air_the_person_is_told_to_wet_it() -> None:
    async def main() -> None:
        cold = strap()
        cold.advertises = False
        async with FakeBlueZ(cold) as bluez, coach(bluez, None, AWAY) as worn:
            worn.adapter.look()
            await worn.until(lambda: worn.scene == StrapScene(trouble="not_found"))
            bluez.bring_back(cold)
            await worn.until(lambda: len(worn.scene.seen) == 1)
            assert (worn.scene.trouble, worn.heard) == (None, [])

    run(main)


def test_those_on_the_air_are_listed_while_somebody_chooses_and_none_is_connected() -> None:
    async def main() -> None:
        near = strap(rssi=-48, manufacturer={POLAR: bytes((0x02, 0x2A, 84, 85))})
        far = strap("HRM-Pro:123456", "A0:9E:1A:00:00:02", rssi=-84)
        async with FakeBlueZ(near, far, treadmill()) as bluez, coach(bluez, None) as worn:
            worn.adapter.look()
            await worn.until(lambda: len(worn.scene.seen) == 2)
            seen = {one.printed: one for one in worn.scene.seen}
            assert set(seen) == {"8F3A2B1C", "123456"}
            assert (seen["8F3A2B1C"].bpm, seen["123456"].bpm) == (85.0, None)
            assert seen["8F3A2B1C"].signal_dbm > seen["123456"].signal_dbm
            bluez.take_away(far)
            await worn.until(lambda: [one.printed for one in worn.scene.seen] == ["8F3A2B1C"])
            assert (near.connections, far.connections) == (0, 0)
            worn.adapter.bind(MINE)
            await worn.measured(near)
            worn.adapter.release()
            await worn.until(lambda: not near.connected)
            assert not bluez.scanning

    run(main)
