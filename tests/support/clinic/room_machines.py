"""The machines of a room, in a process of its own: a picture a second from each, answers to commands.

python -m tests.support.clinic.room_machines FOLDER COUNT SECONDS [PEOPLE]
"""

import asyncio
import sys
import time
from pathlib import Path

from server.clinic_folder.settings import ClinicFolder, read_clinic
from sync.wire.codec import encode, read
from sync.wire.envelope import Unreadable
from sync.wire.messages import Command
from tests.support.broker.low_cost_load import connected, contexts, tell
from tests.support.broker.low_cost_machines import LightMachine
from tests.support.clinic.room_story import StoryMachine, room_of

EARLIER_S = 300


async def run(clinic: ClinicFolder, stories: list[StoryMachine], seconds: float) -> None:
    """Connect, tell the last minutes, then a picture a second."""
    code = clinic.settings.clinic
    machines: dict[str, LightMachine] = {}

    def heard(story: StoryMachine, payload: bytes) -> None:
        command = read(payload, Command)
        if not isinstance(command, Unreadable):
            result = encode(story.asked(command))
            machines[story.name].publish(f"ic/1/{code}/{story.name}/result", result)

    for story in stories:
        machines[story.name] = LightMachine(
            story.name, heard=lambda _topic, payload, story=story: heard(story, payload)
        )
    tls = contexts(clinic, list(machines))
    await connected(clinic, list(machines.values()), tls, "command")
    for story in stories:
        machine = machines[story.name]
        machine.publish(f"ic/1/{code}/{story.name}/state", encode(story.state()), retain=True)
        for picture in story.earlier(EARLIER_S):
            machine.publish(f"ic/1/{code}/{story.name}/live", encode(picture), qos=0)
        await machine.drain()
        await asyncio.sleep(0.01)
    tell(connected=len(machines))
    began_s = time.monotonic()
    for tick in range(int(seconds * len(stories))):
        due_s = began_s + tick / len(stories)
        if (wait_s := due_s - time.monotonic()) > 0.001:
            await asyncio.sleep(wait_s)
        story = stories[tick % len(stories)]
        machines[story.name].publish(f"ic/1/{code}/{story.name}/live", encode(story.next_picture()), qos=0)


def main() -> None:
    """Do what is asked."""
    clinic = read_clinic(Path(sys.argv[1]))
    people = sys.argv[4].split(",") if len(sys.argv) > 4 else [f"P{number:03d}" for number in range(20)]
    asyncio.run(run(clinic, room_of(clinic.settings.clinic, int(sys.argv[2]), people), float(sys.argv[3])))


if __name__ == "__main__":
    main()
