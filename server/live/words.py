"""Every word that the live room shows, by what it stands for. The page gets them all at once, in its language.

`{…}` are filled by the page. Unknown codes, perhaps of newer machines, have a word too: `other`.
"""

import re
from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from server.live.commanding import Why

Word = str | Promise

PHASE: Mapping[str, Word] = {
    "warm_up": _("Warm-up"),
    "interval": _("Interval {number} of {of}"),
    "recovery": _("Active recovery"),
    "steady": _("Steady training"),
    "motor": _("Movement"),
    "cool_down": _("Cool-down"),
    "waiting": pgettext_lazy("phase", "Ready"),
    "ended": pgettext_lazy("phase", "Done"),
    "paused": pgettext_lazy("phase", "Paused"),
    "interval_short": _("Interval {number}/{of}"),
    "other": _("Training"),
}

FACE: Mapping[str, Word] = {
    "choose_participant": pgettext_lazy("machine", "Free"),
    "confirm": _("Confirms who it is"),
    "pin": _("Types the PIN"),
    "guest_age": _("A guest gives an age"),
    "questions": _("Answers the questions before the start"),
    "strap": _("Puts on the strap"),
    "choose_strap": _("Chooses the strap"),
    "my_training": _("Looks at own training"),
    "ready": _("Stands ready"),
    "session": _("Trains"),
    "go_on": _("Asked to go on after a restart"),
    "exertion": _("Says how hard it was"),
    "mood": _("Says how it feels"),
    "ended": _("Done for today"),
    "not_today": _("No session today"),
    "self_test": _("The machine tests itself"),
    "self_test_failed": _("The self-test failed"),
    "machine": _("Someone looks after the machine"),
    "other": _("In use"),
}

POSITION: Mapping[str, Word] = {
    "below": _("Below the zone"),
    "rising": _("On the way up"),
    "expected": _("On the way up – {percent}% expected in the third minute"),
    "expected_short": _("On the way up – {percent}% expected"),
    "falling": _("On the way down"),
    "in": _("In the zone"),
    "above": _("Above the zone"),
    "unknown": _("No target zone now"),
    "exertion": _("By perceived exertion"),
}

SIGNAL: Mapping[str, Word] = {
    "live": _("Good signal"),
    "weak": _("Weak signal"),
    "stale": _("Waiting for HR, {time}"),
    "lost": _("No HR from the strap, {time}"),
    "lost_now": _("No HR from the strap"),
    "implausible": _("Doubtful HR"),
}

SIGNAL_ADVICE: Mapping[str, Word] = {
    "stale": _("Feel whether the strap sits tight"),
    "lost": _("Wet the strap and tighten it"),
    "implausible": _("The number may be wrong"),
}

ADVICE: Mapping[str, Word] = {
    "faster": _("A little faster"),
    "hold": _("Hold this speed"),
    "slower": _("A little slower"),
    "recovery": _("Easy now"),
    "by_feeling": _("By feeling"),
}

NOTICE: Mapping[str, Word] = {
    "over_ceiling": _("Above the personal ceiling"),
    "signal_stale": _("No HR for a few seconds"),
    "signal_lost": _("No HR from the strap"),
    "signal_implausible": _("HR cannot be right"),
    "waiting_for_signal": _("The interval waits for a heart rate"),
    "eased_without_signal": _("Eased, because no HR came"),
    "by_exertion": _("Goes on by perceived exertion"),
    "speed_doubted": _("The treadmill's own speed is not believed"),
    "no_answer": _("Does not answer. Go and see."),
    "not_all_right": _("Says: not all right. Go and see."),
    "guidance_off": _("The coach gives no advice in this session; phases, HR and stop work"),
    "unwell": _("Chest pain or fainting: go to the person now."),
    "not_ready": _("Said yes to a question before the start. Talk together."),
    "hr_max_seems_lower": _("HRmax seems lower than planned; the zone was moved down"),
    "hr_max_seems_higher": _("HRmax seems higher than planned"),
    "other": _("Look at the machine's screen"),
    "lasted": _("{notice}, for {time}"),
    "before": _("The session before: {notice}"),
}

LEVEL: Mapping[str, Word] = {
    "information": _("For information"),
    "attention": _("Attention"),
    "stop_now": _("Stop now"),
}

LIMIT: Mapping[str, Word] = {
    "ceiling": _("Personal ceiling"),
    "cool_down_only": _("Only cooling down is left today"),
    "safer_zone": _("The zone has been moved down"),
    "no_faster": _("No action needed"),
    "lowered": _("The target has been lowered"),
    "other": _("A limit is in force"),
}

COMMAND: Mapping[str, Word] = {
    "start_group": _("Group start"),
    "pause": _("Pause"),
    "resume": _("Go on after the pause"),
    "ease": _("Ease to active recovery"),
    "end": _("End the session"),
    "extend": _("Longer recovery"),
    "lower": _("Lower target"),
    "text": _("Text to the screen"),
    "attend": _("Staff are with the participant"),
    "other": _("Command"),
}

OUTCOME: Mapping[str, Word] = {
    "sent": _("sent"),
    "silent": _("no answer in {seconds} s"),
    "accepted": _("waits for its moment"),
    "done": _("done"),
    "refused": _("refused"),
}

REFUSED: Mapping[str, Word] = {
    "stale": _("it came too late"),
    "repeated": _("it was given already"),
    "not_understood": _("the machine does not understand it; its software may be older"),
    "clock_unsynchronised": _("the machine's clock is not set"),
    "other_participant": _("someone else, or no one, is at the machine now"),
    "not_ready": _("no one stands ready there"),
    "limit": _("it is more than is allowed"),
    "coach_away": _("the coach on the machine does not answer"),
    "not_started": _("no session has started"),
    "not_running": _("no session runs"),
    "not_in_work": _("this is no interval"),
    "not_in_recovery": _("this is no active recovery"),
    "bad_extension": _("the recovery cannot be longer"),
    "bad_adjustment": _("the target cannot be moved so far"),
    "started": _("the session has started already"),
    "ended": _("the session has ended"),
    "not_ended": _("the session has not ended"),
    "not_paused": _("it was not paused from here: the participant goes on at the machine"),
    "no_question": _("it has been answered already"),
    "not_today": _("no session today"),
    "unanswered": _("the questions before the start are not answered"),
    "other": _("the machine says: {reason}"),
}

FINDING: Mapping[str, Word] = {
    "clock_unsynchronised": _("Its clock has not been set since it started"),
    "topic_refused": _("The broker refuses what it sends"),
    "session_too_large": _("A session is too large to send; it is kept there"),
    "session_gone": _("Sessions are no longer whole on it"),
    "session_quarantined": _("The server put a session aside; someone must look"),
    "session_unpackable": _("A session could not be read for sending; it is kept there"),
    "identity_twice": _("Another computer uses its name"),
    "certificate_soon": _("Its certificate ends soon and could not be renewed"),
    "refused_by_broker": _("The broker refuses it"),
    "broker_not_trusted": _("It does not trust the broker's certificate"),
    "identity_unreadable": _("Its key or certificate cannot be used"),
    "plan_refused": _("It refused a plan; the one before stays in force"),
    "no_broker": _("It could not reach the broker"),
    "message_not_understood": _("It did not understand a plan or a command"),
    "coach_away": _("The coach on the machine does not answer"),
    "other": _("The machine reports: {code}"),
}

SAVED: Mapping[str, Word] = {
    "saving": _("Is being saved"),
    "saved": _("Saved in the diary"),
    "not_saved": _("Not saved: the machine cannot write its diary"),
}

ROOM: Mapping[str, Word] = {
    "machine": _("Treadmill {number}"),
    "old_s": _("{number} s"),
    "old_min": _("{number} min"),
    "ago_s": _("{number} s ago"),
    "ago_min": _("{number} min ago"),
    "since": _("since {time}"),
    "speed": _("{number} km/h"),
    "percent": _("{number}%"),
    "of_max": _("{number}% of HRmax"),
    "no_contact": _("No contact with the machine since {time}"),
    "machine_off": _("Machine off or without network since {time}"),
    "never_heard": _("Not heard yet"),
    "last_used": _("last used {time}"),
    "seen": pgettext_lazy("button", "Seen"),
    "attend": pgettext_lazy("button", "I am with them"),
    "seen_by": _("Seen by {name} {time}"),
    "details": _("Details: {name}, {machine}"),
    "nobody": _("No one trains now"),
    "training": _("{number} train"),
    "training_one": _("{number} trains"),
    "waiting": _("{number} need someone"),
    "waiting_one": _("{number} needs someone"),
    "before": _("{number} ready or done"),
    "free": _("{number} free"),
    "away": _("{number} without contact"),
    "guest": _("Guest"),
    "stream_lost": _("No connection with the server since {time}. What is shown is old."),
    "broker_lost": _("The server has not heard the machines since {time}. What is shown is old."),
    "connecting": _("Connecting …"),
    "signed_out": _("You are logged out, or may no longer see this room."),
    "log_in": _("Log in again"),
    "not_sent": _("Not sent: no connection with the server."),
    "confirm_end": _("Press once more to end"),
    "starts_at": _("Starts at {time}"),
    "chosen": _("{number} chosen"),
    "start_in": _("Start in {seconds} s"),
    "nobody_ready": _("No one stands ready. A person who is to start first chooses themselves at the machine."),
    "waiting_sessions": _("{number} sessions wait there to be sent"),
    "announce": _("{who}: {what}"),
}

NOT_GIVEN: Mapping[Why | str, Word] = {
    "not_understood": _("Not sent: the page asked for something the server does not know. Load the page again."),
    "no_machine": _("Not sent: there is no such machine in this clinic."),
    "too_many": _("Not sent: too many machines at once."),
    "bad_text": _("Not sent: a text has 1–80 characters."),
    "bad_start": _("Not sent: a group starts in 5–60 seconds."),
    "bad_adjustment": _("Not sent: a recovery grows by 30 s at a time, and a target is lowered by 10% at most."),
    "no_broker": _("Not sent: the server has no connection with the machines. Try again in a moment."),
    "no_notice": _("There is no such notice any more."),
}

STATE: Mapping[str, Word] = {
    "unwell": _("{number} say that they are not all right"),
    "unwell_one": _("{number} says that they are not all right"),
    "no_answer": _("{number} do not answer"),
    "no_answer_one": _("{number} does not answer"),
    "over_ceiling": _("{number} over the ceiling"),
    "over_ceiling_one": _("{number} over the ceiling"),
    "no_rate": _("{number} without a heart rate"),
    "no_rate_one": _("{number} without a heart rate"),
    "stopped_early": _("{number} stopped early"),
    "stopped_early_one": _("{number} stopped early"),
    "weak": _("{number} with a weak signal"),
    "weak_one": _("{number} with a weak signal"),
    "seen_by": _("seen by {name}"),
}
"""What holds in the room, counted until it ends."""

GROUPS: Mapping[str, Mapping[str, Word]] = {
    "phase": PHASE,
    "face": FACE,
    "position": POSITION,
    "signal": SIGNAL,
    "signal_advice": SIGNAL_ADVICE,
    "advice": ADVICE,
    "notice": NOTICE,
    "level": LEVEL,
    "limit": LIMIT,
    "command": COMMAND,
    "outcome": OUTCOME,
    "refused": REFUSED,
    "finding": FINDING,
    "saved": SAVED,
    "state": STATE,
    "room": ROOM,
}


PLAIN_MACHINE = r"^(?:molle|tredemolle|treadmill|mill|maskin|machine|pi)-?0*([0-9]+)$"
"""Machines whose name says no more than their number; read by the page's script as well."""


def called(machine: str) -> str:
    """Return a machine as the clinic's people say it: «Treadmill 3» for `molle-3`; any other name stays what it is."""
    if plain := re.match(PLAIN_MACHINE, machine):
        return str(ROOM["machine"]).format(number=plain[1])
    return machine[:1].upper() + machine[1:].replace("-", " ")


def for_page() -> dict[str, dict[str, str]]:
    """All of them in the language of the page that is being made."""
    return {name: {code: str(word) for code, word in group.items()} for name, group in GROUPS.items()}


def why_not_given(why: str) -> str:
    """Why nothing was sent."""
    return str(NOT_GIVEN[why])
