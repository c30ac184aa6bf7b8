"""Heart-rate (0x2A37) and treadmill (0x2ACD) reports as published documents and public logs show them.

Facts only: the bytes, what is certain in them, and where they were seen. «doc» is the Bluetooth SIG's own layout.
"""

from typing import NamedTuple


class HeartRateReport(NamedTuple):
    """`rr_ticks` in 1/1024 s; `fits`: whether the bytes fit their own flags."""

    source: str
    payload: str
    bpm: int
    rr_ticks: tuple[int, ...] = ()
    contact: bool | None = None
    energy_kj: int | None = None
    fits: bool = True


class TreadmillReport(NamedTuple):
    """What must be read of it. None: the report does not say, or what it says is not used."""

    source: str
    payload: str
    speed_kmh: float | None
    incline_percent: float | None = None
    distance_m: int | None = None
    elapsed_s: int | None = None
    fits: bool = True


HEART_RATE = (
    HeartRateReport("doc: 8 bits", "00 48", 72),
    HeartRateReport("doc: 16 bits", "01 48 00", 72),
    HeartRateReport("doc: contact supported, not detected", "04 48", 72, contact=False),
    HeartRateReport("doc: contact detected", "06 48", 72, contact=True),
    HeartRateReport("doc: contact detected without support says nothing", "02 48", 72),
    HeartRateReport("doc: energy", "08 48 D2 04", 72, energy_kj=1234),
    HeartRateReport("doc: one RR interval", "10 48 00 03", 72, (768,)),
    HeartRateReport("doc: all fields", "1F 48 00 D2 04 00 03 10 03", 72, (768, 784), contact=True, energy_kj=1234),
    HeartRateReport("doc: nine RR intervals fill a notification", "10 48" + " 00 03" * 9, 72, (768,) * 9),
    HeartRateReport("doc: RR announced, none since the last report", "10 48", 72),
    HeartRateReport("FleXoft/Polar-H7-HRM 1", "10 4E D2 02 C8 02", 78, (722, 712)),
    HeartRateReport("FleXoft/Polar-H7-HRM 1", "10 4F B7 02", 79, (695,)),
    HeartRateReport("FleXoft/Polar-H7-HRM 1", "10 50 C0 02", 80, (704,)),
    HeartRateReport("FleXoft/Polar-H7-HRM 1", "10 51 00 03 12 03", 81, (768, 786)),
    HeartRateReport("FleXoft/Polar-H7-HRM 1", "10 51 32 03", 81, (818,)),
    HeartRateReport("TrackMyIndoorWorkout 372: 4 bytes a second", "16 84 D0 01", 132, (464,), contact=True),
    HeartRateReport("TrackMyIndoorWorkout 372: 6 bytes", "16 84 D0 01 CE 01", 132, (464, 462), contact=True),
    HeartRateReport("polar-ble-sdk 83: contact false for a while", "14 50 00 03", 80, (768,), contact=False),
    HeartRateReport("tinygo-org/bluetooth 47: flags of nought", "00 41", 65),
    HeartRateReport("a strap without a rate", "00 00", 0),
    HeartRateReport("OpenStrap/protocol 34: an odd byte follows", "10 48 00 03 FF", 72, (768,), fits=False),
    HeartRateReport("OpenStrap/protocol 34: padded with noughts", "00 48 00 00", 72, fits=False),
    HeartRateReport("WebBluetoothCG/web-bluetooth 493", "10 3E B1 03 DE", 62, (945,), fits=False),
    HeartRateReport("WebBluetoothCG/web-bluetooth 493", "10 39 23 04 35", 57, (1059,), fits=False),
    HeartRateReport("RR intervals without their flag", "00 48 00 03", 72, fits=False),
    HeartRateReport("energy announced and not sent", "08 48", 72, fits=False),
    HeartRateReport("energy cut in half", "08 48 D2", 72, fits=False),
    HeartRateReport("energy cut, RR announced", "18 48 D2", 72, fits=False),
    HeartRateReport("padded to 20 bytes", "00 48" + " 00" * 18, 72, fits=False),
    HeartRateReport("only half of an RR interval", "16 48 54", 72, contact=True, fits=False),
    HeartRateReport("reserved bits set", "E0 48", 72),
)

TREADMILL = (
    TreadmillReport("doc: speed", "00 00 F4 01", 5.0),
    TreadmillReport("doc: speed and average", "02 00 F4 01 E0 01", 5.0),
    TreadmillReport("doc: distance of 24 bits", "04 00 F4 01 40 E2 01", 5.0, distance_m=123456),
    TreadmillReport("doc: incline and ramp", "08 00 80 02 32 00 1D 00", 6.4, 5.0),
    TreadmillReport("doc: incline downwards", "08 00 80 02 E2 FF 00 00", 6.4, -3.0),
    TreadmillReport("doc: incline not known", "08 00 80 02 FF 7F FF 7F", 6.4),
    TreadmillReport("doc: elevation gain", "18 00 80 02 0A 00 00 00 05 00 00 00", 6.4, 1.0),
    TreadmillReport("doc: pace of 8 bits, then elapsed time", "20 04 F4 01 78 3C 00", 5.0, elapsed_s=60),
    TreadmillReport("later edition: pace of 16 bits", "20 04 F4 01 D0 02 3C 00", 5.0, elapsed_s=60),
    TreadmillReport("later edition: two paces of 16 bits", "60 04 F4 01 D0 02 D8 02 3C 00", 5.0, elapsed_s=60),
    TreadmillReport(
        "a pace that fits neither edition", "28 04 F4 01 0A 00 00 00 D0 02 00 00 3C 00", 5.0, 1.0, fits=False
    ),
    TreadmillReport("doc: more data, without a speed", "09 00 28 00 00 00", None, 4.0),
    TreadmillReport("qdomyos-zwift 175: Horizon at rest", "84 04" + " 00" * 12, 0.0, distance_m=0, elapsed_s=0),
    TreadmillReport(
        "walkingpad-controller 6.2: KS-MC21, steps of three bytes",
        "84 24 F4 01 64 00 00 05 00 FF FF FF 3C 00 64 00 00",
        5.0,
        distance_m=100,
        elapsed_s=60,
        fits=False,
    ),
    TreadmillReport(
        "hughesjs/FitnessMachine: CITYSPORTS, 17 bytes",
        "84 24 2C 01 0A 00 00 01 00 FF FF FF 0A 00 0C 00 00",
        3.0,
        distance_m=10,
        elapsed_s=10,
        fits=False,
    ),
    TreadmillReport("qdomyos-zwift 4600: Technogym, energy cut", "80 00 20 03 05 00", 8.0, fits=False),
    TreadmillReport("TrackMyIndoorWorkout 320: surplus without a flag", "00 00 20 03 00 00", 8.0, fits=False),
    TreadmillReport("heart rate announced, not sent", "00 01 20 03", 8.0, fits=False),
    TreadmillReport("incline cut in half", "08 00 20 03 32 00", 8.0, fits=False),
    TreadmillReport("distance of two bytes", "04 00 20 03 64 00", 8.0, fits=False),
    TreadmillReport("reserved bits announce what comes last", "00 C0 20 03 01 02 03", 8.0),
    TreadmillReport("a speed that no treadmill has", "00 00 B9 0B", None, fits=False),
    TreadmillReport("the fastest that is used", "00 00 B8 0B", 30.0),
    TreadmillReport("an incline that no treadmill has", "08 00 20 03 C3 01 00 00", 8.0, fits=False),
)
