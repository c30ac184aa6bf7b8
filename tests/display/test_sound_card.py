"""Which card is meant by hdmi, usb and i2s, on the machines that there are."""

from pathlib import Path

import pytest

from display.sound.sound_card import NO_DRIVER, alsa_name, cards_in, signs_of

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
