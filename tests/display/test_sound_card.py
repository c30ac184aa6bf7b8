"""Which card is meant by hdmi, usb and i2s, on the machines that there are."""

from pathlib import Path

import pytest

from display.connectors import DisplayConnector, connectors_in, hdmi_connector, used_connector
from display.sound.cards import alsa_name, cards_here, cards_in, passed_over
from display.sound.sound_card import NO_DRIVER, signs_of

PI_4 = """\
 0 [Headphones     ]: bcm2835_headpho - bcm2835 Headphones
                      bcm2835 Headphones
 1 [vc4hdmi0       ]: vc4-hdmi - vc4-hdmi-0
                      vc4-hdmi-0
 2 [vc4hdmi1       ]: vc4-hdmi - vc4-hdmi-1
                      vc4-hdmi-1
"""
PI_5_WITH_BOARD = """\
 0 [vc4hdmi0       ]: vc4-hdmi - vc4-hdmi-0
                      vc4-hdmi-0
 1 [sndrpihifiberry]: HifiberryDacp - snd_rpi_hifiberry_dacplus
                      snd_rpi_hifiberry_dacplus
"""
PI_ZERO_WITH_AMPLIFIER = """\
 0 [vc4hdmi        ]: vc4-hdmi - vc4-hdmi
                      vc4-hdmi
 1 [MAX98357A      ]: simple-card - MAX98357A
                      MAX98357A
"""
WITH_STICK = (
    PI_4
    + """\
 3 [Device         ]: USB-Audio - USB Audio Device
                      C-Media Electronics Inc. USB Audio Device at usb-0000:01:00.0-1.2, full speed
"""
)


@pytest.mark.parametrize(
    ("listed", "device", "name"),
    [
        (PI_4, "hdmi", "default:CARD=vc4hdmi0"),
        (PI_4, "usb", None),
        (PI_4, "i2s", None),
        (WITH_STICK, "usb", "plughw:CARD=Device"),
        (PI_5_WITH_BOARD, "i2s", "plughw:CARD=sndrpihifiberry"),
        (PI_ZERO_WITH_AMPLIFIER, "i2s", "plughw:CARD=MAX98357A"),
        (PI_ZERO_WITH_AMPLIFIER, "hdmi", "default:CARD=vc4hdmi"),
        ("--- no soundcards ---\n", "hdmi", None),
        (" 2 [UAC2Gadget     ]: UAC2_Gadget - UAC2_Gadget\n", "i2s", None),
        (" 3 [RAVENNA        ]: MergingRavennaALSA - Merging RAVENNA\n", "i2s", None),
        (" 1 [sndrpihifiberry]: sndrpihifiberry - snd_rpi_hifiberry_dacplushd\n", "i2s", "plughw:CARD=sndrpihifiberry"),
        ("", "usb", None),
        (PI_4, "plughw:CARD=Headphones", "plughw:CARD=Headphones"),
        (PI_4, "default", "default"),
    ],
)
def test_the_first_card_of_the_kind_is_meant(listed: str, device: str, name: str | None) -> None:
    assert alsa_name(device, cards_in(listed)) == name


def test_a_card_that_comes_and_goes_is_noticed_and_named_to_sdl(tmp_path: Path) -> None:
    cards, environment = tmp_path / "cards", {}
    look = signs_of("usb", environment, cards)
    without = look()
    assert environment == {"SDL_AUDIODRIVER": NO_DRIVER, "AUDIODEV": ""}
    cards.write_text(WITH_STICK)
    with_it = look()
    assert environment == {"SDL_AUDIODRIVER": "alsa", "AUDIODEV": "plughw:CARD=Device"}
    assert without != with_it == look()
    cards.unlink()
    assert look() == without


USB_CARDS = """\
 1 [Microphone     ]: USB-Audio - Webcam C525
                      Webcam C525
 2 [Device         ]: USB-Audio - USB Audio Device
                      USB Audio Device
 3 [UMONE          ]: USB-Audio - UM-ONE
                      Roland UM-ONE at usb-0000:01:00.0-1.4, full speed
 4 [rpii2smic      ]: simple-card - rpi-i2s-mic
                      rpi-i2s-mic
"""


def asound(folder: Path, listed: str, *pcms: str) -> Path:
    """Lay out the kernel's folder: a list of cards, a folder for each, and in them their devices."""
    folder.mkdir()
    (folder / "cards").write_text(listed)
    for number in range(9):
        if f" {number} [" in listed:
            (folder / f"card{number}").mkdir()
    for pcm in pcms:
        (folder / pcm).mkdir(parents=True)
    return folder


def test_a_card_that_cannot_play_is_no_loudspeaker(tmp_path: Path) -> None:
    """A webcam's microphone, a MIDI cable and a microphone on I²S stand before the loudspeaker, or in its place."""
    folder = asound(tmp_path / "asound", USB_CARDS, "card1/pcm0c", "card2/pcm0p", "card2/pcm0c", "card4/pcm0c")
    cards = cards_here(folder)
    assert [card.plays for card in cards] == [False, True, False, False]
    assert alsa_name("usb", cards) == "plughw:CARD=Device"
    assert alsa_name("i2s", cards) is None
    assert [(one.card.name, one.reason) for one in passed_over("usb", cards)] == [
        ("Microphone", "it cannot play"),
        ("UMONE", "it cannot play"),
    ]


@pytest.mark.parametrize(
    ("connector", "name", "passed"),
    [
        ("HDMI-A-2", "vc4hdmi1", "vc4hdmi0"),
        ("HDMI-A-1", "vc4hdmi0", "vc4hdmi1"),
        ("DSI-1", "vc4hdmi0", "vc4hdmi1"),
        (None, "vc4hdmi0", "vc4hdmi1"),
    ],
)
def test_sound_goes_to_the_port_that_has_the_display(connector: str | None, name: str, passed: str) -> None:
    cards = cards_in(PI_4)
    assert alsa_name("hdmi", cards, connector) == f"default:CARD={name}"
    assert [one.card.name for one in passed_over("hdmi", cards, connector)] == [passed]


def test_the_ports_of_the_firmwares_own_driver_are_counted_by_their_titles() -> None:
    cards = cards_in(
        " 0 [b1             ]: bcm2835_hdmi - bcm2835 HDMI 1\n"
        "                      bcm2835 HDMI 1\n"
        " 1 [b2             ]: bcm2835_hdmi - bcm2835 HDMI 2\n"
        "                      bcm2835 HDMI 2\n"
    )
    assert alsa_name("hdmi", cards, "HDMI-A-2") == "default:CARD=b2"
    assert alsa_name("hdmi", cards, "HDMI-A-1") == "default:CARD=b1"


def drm(folder: Path, **states: str) -> Path:
    """Lay out the kernel's folder of connectors: `card1_HDMI_A_2="connected 44"`, with the number that it has."""
    for name, state in states.items():
        word, _, number = state.partition(" ")
        at = folder / name.replace("_", "-")
        at.mkdir(parents=True)
        (at / "status").write_text(f"{word}\n")
        if number:
            (at / "connector_id").write_text(f"{number}\n")
    return folder


@pytest.mark.parametrize(
    ("states", "wanted", "display", "picture", "sound"),
    [
        ({"card1_HDMI_A_1": "disconnected 32", "card1_HDMI_A_2": "connected 41"}, "", 0, "HDMI-A-2", "HDMI-A-2"),
        ({"card1_HDMI_A_1": "connected 32", "card1_HDMI_A_2": "connected 41"}, "", 0, "HDMI-A-1", "HDMI-A-1"),
        ({"card1_HDMI_A_1": "connected 32", "card1_HDMI_A_2": "connected 41"}, "", 1, "HDMI-A-2", "HDMI-A-2"),
        ({"card1_HDMI_A_1": "connected", "card1_HDMI_A_2": "connected"}, "HDMI-A-2", 0, "HDMI-A-2", "HDMI-A-2"),
        ({"card1_HDMI_A_1": "connected", "card1_HDMI_A_2": "disconnected"}, "HDMI-A-2", 0, "HDMI-A-1", "HDMI-A-1"),
        ({"card1_DSI_1": "connected 30", "card1_HDMI_A_2": "connected 41"}, "", 0, "DSI-1", "HDMI-A-2"),
        ({"card0_HDMI_A_1": "disconnected", "card1_HDMI_A_1": "connected"}, "", 0, "HDMI-A-1", "HDMI-A-1"),
        ({"card1_HDMI_A_2": "connected 32", "card1_DSI_1": "connected 41"}, "", 0, "HDMI-A-2", "HDMI-A-2"),
        ({"card1_HDMI_A_1": "disconnected", "card1_Writeback_1": "unknown"}, "", 0, None, None),
        ({}, "", 0, None, None),
    ],
)
def test_the_connector_in_use_is_found(
    tmp_path: Path, states: dict[str, str], wanted: str, display: int, picture: str | None, sound: str | None
) -> None:
    connectors = connectors_in(drm(tmp_path / "drm", **states))
    used = used_connector(connectors, wanted, display)
    assert (None if used is None else used.name) == picture
    assert hdmi_connector(connectors, wanted, display) == sound


def test_a_connector_that_cannot_be_read_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "card1-HDMI-A-1" / "status").mkdir(parents=True)
    assert connectors_in(tmp_path) == (DisplayConnector("card1", "HDMI-A-1", "unknown"),)


def test_sound_follows_the_display_to_its_other_port(tmp_path: Path) -> None:
    folder, environment, at = asound(tmp_path / "asound", PI_4), {}, ["HDMI-A-1"]
    for number in (0, 1, 2):
        (folder / f"card{number}" / "pcm0p").mkdir()
    look = signs_of("hdmi", environment, folder / "cards", lambda: at[0])
    before = look()
    assert environment["AUDIODEV"] == "default:CARD=vc4hdmi0"
    at[0] = "HDMI-A-2"
    assert look() != before
    assert environment["AUDIODEV"] == "default:CARD=vc4hdmi1"
