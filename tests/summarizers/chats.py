"""Plain chats with rules, values, updates and look-alikes scattered in them, in several wordings.

Written for these tests. Families in `TUNED` were looked at while weights were set; CLINIC and those in
`chats_held_out.py` are worded differently and were only ever counted. Nothing depends on header words: they
can be switched on and off.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from cortex_cli.messages import Message, Part
from cortex_cli.typed import finish


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One way of talking."""

    rules: Sequence[str]
    """Sentences with slots."""
    values: Sequence[tuple[str, str]]
    """(subject, what its value is drawn from)."""
    states: Sequence[str]
    """`{s}` is `{v}`, in words."""
    updates: Sequence[str]
    """The same after a change."""
    lookalikes: Sequence[tuple[str, str, str]]
    """Two subjects that look alike, and what their values are drawn from."""
    slots: dict[str, Sequence[str]]
    user_talk: Sequence[str]
    assistant_talk: Sequence[str]


@dataclass(slots=True)
class Chat:
    """A generated chat and what was planted in it."""

    messages: list[Message] = field(default_factory=list)
    rules: list[str] = field(default_factory=list)
    """Whole sentences."""
    values: list[tuple[str, str]] = field(default_factory=list)
    """(subject, value) that nobody changes."""
    updates: list[tuple[str, str, str]] = field(default_factory=list)
    """(subject, old value, latest value)."""
    lookalikes: list[tuple[str, str]] = field(default_factory=list)
    """(subject, value), live, beside another that looks alike."""


def _value(r: Random, kind: str) -> str:
    makers: dict[str, Callable[[], str]] = {
        "port": lambda: str(r.randint(1025, 64999)),
        "count": lambda: str(r.randint(11, 989)),
        "seconds": lambda: f"{r.randint(11, 989)} seconds",
        "days": lambda: f"{r.randint(11, 89)} days",
        "money": lambda: f"${r.randint(11, 989)},{r.randint(100, 999)}",
        "date": lambda: f"{r.choice(MONTHS)} {r.randint(1, 28)}",
        "time": lambda: f"{r.randint(6, 21)}:{r.randint(10, 59)}",
        "name": lambda: f"{r.choice(FIRST)} {r.choice(LAST)}",
        "id": lambda: f"{r.choice(STEMS)}-{r.randint(1000, 9999)}",
        "path": lambda: f"/{r.choice(STEMS)}/{r.choice(STEMS)}-{r.randint(10, 99)}",
        "version": lambda: f"{r.randint(1, 9)}.{r.randint(0, 30)}.{r.randint(0, 30)}",
    }
    return makers[kind]()


MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
FIRST = [
    "Dana",
    "Omar",
    "Priya",
    "Luca",
    "Mei",
    "Sven",
    "Ines",
    "Tariq",
    "Hanna",
    "Joao",
    "Freya",
    "Niko",
    "Aylin",
    "Bruno",
    "Chiara",
    "Pavel",
    "Soren",
    "Yuki",
]
LAST = [
    "Okafor",
    "Lindqvist",
    "Moretti",
    "Tanaka",
    "Haddad",
    "Kowalski",
    "Brandt",
    "Silva",
    "Novak",
    "Ferreira",
    "Petrov",
    "Dubois",
    "Yilmaz",
    "Berg",
]
STEMS = [
    "harbor",
    "quartz",
    "ember",
    "falcon",
    "juniper",
    "cobalt",
    "marlin",
    "tundra",
    "saffron",
    "onyx",
    "delta",
    "basil",
    "copper",
    "heron",
    "lotus",
]

OPS = Family(
    rules=(
        "Never {act} {thing} on {when}.",
        "Always {act} {thing} before you {act2} {thing2}.",
        "You must not {act} {thing} without {who}'s approval.",
        "Don't {act} {thing} while {thing2} is running.",
        "Only {who} may {act} {thing}.",
        "Make sure every {thing} is {done} before {when}.",
        "We prefer {done} {thing} over {done2} ones.",
        "Please avoid using {thing} for {thing2}.",
        "{thing} must stay {done} until {when}.",
    ),
    values=(
        ("staging port", "port"),
        ("retry limit", "count"),
        ("session timeout", "seconds"),
        ("log retention", "days"),
        ("monthly cloud budget", "money"),
        ("launch date", "date"),
        ("standup time", "time"),
        ("release approver", "name"),
        ("incident ticket", "id"),
        ("backup folder", "path"),
        ("parser version", "version"),
        ("queue depth", "count"),
        ("cache expiry", "seconds"),
        ("audit contact", "name"),
        ("billing account", "id"),
        ("freeze start", "date"),
        ("upload directory", "path"),
        ("pager rotation", "days"),
        ("webhook secret id", "id"),
        ("gateway version", "version"),
        ("nightly job time", "time"),
        ("worker pool size", "count"),
        ("contract value", "money"),
        ("database owner", "name"),
    ),
    states=("The {s} is {v}.", "For the {s} we use {v}.", "Our {s} is set to {v}.", "{s}: {v}.", "Set the {s} to {v}."),
    updates=(
        "The {s} is now {v}.",
        "Update: the {s} has changed to {v}.",
        "We moved the {s} to {v}.",
        "Actually, the {s} should be {v} instead.",
        "From now on the {s} is {v}.",
    ),
    lookalikes=(
        ("primary database port", "backup database port", "port"),
        ("read timeout", "write timeout", "seconds"),
        ("mobile team lead", "web team lead", "name"),
        ("European launch window", "Asian launch window", "date"),
        ("import batch size", "export batch size", "count"),
    ),
    slots={
        "act": ("deploy", "restart", "migrate", "rename", "delete", "merge", "publish", "rotate", "archive", "reindex"),
        "act2": ("push", "ship", "tag", "close", "enable", "promote"),
        "thing": ("the billing service", "the orders table", "release branches", "the search index", "customer exports",
                  "API keys", "feature flags", "the audit log", "the mail queue", "invoice templates"),
        "thing2": ("the nightly import", "the schema job", "the load test", "the migration", "the report builder"),
        "who": ("Dana", "Omar", "Priya", "the security team", "the on-call engineer"),
        "when": ("Fridays", "the quarter close", "the weekend", "the code freeze", "public holidays"),
        "done": ("encrypted", "reviewed", "signed", "versioned", "read-only", "documented"),
        "done2": ("manual", "unsigned", "temporary", "shared"),
    },
    user_talk=(
        "I was looking at the dashboards again this morning and it all feels a bit slow.",
        "Can you walk me through what happens when a request comes in?",
        "That makes sense, thanks for explaining.",
        "I spent about 20 minutes reading the old design notes yesterday.",
        "Let's think about the bigger picture for a moment.",
        "Honestly the whole thing could use some cleaning up.",
        "What would you say is the usual way to handle this?",
        "My colleague mentioned something similar the other day.",
        "Okay, good, let's keep going with that.",
        "I'm not sure I follow, could you say it differently?",
        "It reminds me of a project I did a while ago.",
        "We had a long discussion about it and people had different views.",
    ),
    assistant_talk=(
        "That is a good question, and there are several ways to look at it.",
        "In general it helps to start with the simplest version and improve it step by step.",
        "I understand, that sounds like a reasonable approach to me.",
        "There are trade-offs between speed and safety that are worth keeping in mind.",
        "Sure, I'll keep that in mind as we go along.",
        "Many teams run into this, and most of them find a balance that works over time.",
        "You could look at the logs first and then decide what to do next.",
        "It depends on how often this happens and how much effort it takes.",
        "Let me know if you would like me to go into more detail on any of these points.",
        "Happy to help with whatever comes up along the way.",
        "One option is to measure it for a while and see whether it really matters.",
        "Of course, we can come back to this whenever you like.",
    ),
)  # fmt: skip

HOME = Family(
    rules=(
        "No {food} for {person}, ever.",
        "{person} is allergic to {food}, so keep it off every menu.",
        "I don't want {food} anywhere near {place}.",
        "Please always ask me before you book {service}.",
        "We can't have {service} at {place} after {hour}.",
        "Everything for {person} needs to be {quality}.",
        "Use {quality} paper for the {item}.",
        "The {item} should never mention {person}.",
        "If {service} is late, call {person} first.",
        "I'd rather pay more than have {service} cancel on us.",
    ),
    values=(
        ("venue deposit", "money"),
        ("guest count", "count"),
        ("ceremony start", "time"),
        ("rehearsal dinner", "date"),
        ("florist", "name"),
        ("seating chart folder", "path"),
        ("hotel booking code", "id"),
        ("photographer fee", "money"),
        ("cake tasting", "date"),
        ("band's arrival", "time"),
        ("caterer", "name"),
        ("parking permit", "id"),
        ("table count", "count"),
        ("honeymoon flight", "id"),
        ("dress fitting", "date"),
        ("bar budget", "money"),
        ("shuttle departure", "time"),
        ("officiant", "name"),
        ("playlist folder", "path"),
        ("rain plan deadline", "date"),
        ("welcome bag count", "count"),
        ("insurance policy", "id"),
    ),
    states=(
        "The {s} is {v}.",
        "By the way, the {s} is {v}.",
        "Just so you have it, {v} is the {s}.",
        "We settled on {v} for the {s}.",
        "I wrote down {v} for the {s}.",
    ),
    updates=(
        "Change of plan, the {s} is {v} now.",
        "Scratch what I said, the {s} is {v}.",
        "They called, the {s} has been changed to {v}.",
        "Turns out the {s} is {v}.",
        "Correction on the {s}: {v}.",
    ),
    lookalikes=(
        ("bride's hotel room", "groom's hotel room", "count"),
        ("lunch caterer", "dinner caterer", "name"),
        ("morning shuttle", "evening shuttle", "time"),
        ("mother's flight", "father's flight", "id"),
        ("indoor table count", "outdoor table count", "count"),
    ),
    slots={
        "food": ("shellfish", "peanuts", "cilantro", "raw onion", "pork", "coconut", "blue cheese", "mushrooms"),
        "person": ("Aunt Ines", "my father", "Grandma Freya", "little Niko", "the groom's boss", "cousin Tariq"),
        "place": ("the chapel", "the garden tent", "the head table", "the kids' corner", "the terrace"),
        "service": ("the DJ", "a second shuttle", "fireworks", "the photo booth", "a live painter", "the food truck"),
        "hour": ("ten at night", "sunset", "the last dance"),
        "quality": ("gluten free", "recycled", "handmade", "ivory", "wheelchair friendly", "vegan"),
        "item": ("invitations", "menu cards", "thank-you notes", "place cards", "programs"),
    },
    user_talk=(
        "Ugh, this week has been so long, I barely slept.",
        "My sister keeps sending me pictures, they are lovely though.",
        "Do you think people will actually dance?",
        "I was up until late scrolling through ideas again.",
        "Haha yes, exactly.",
        "It's funny how quickly the months go by.",
        "Honestly I just want everyone to have a good time.",
        "What do people normally do in that situation?",
        "I keep going back and forth on the colors.",
        "Thank you, that helps a lot.",
        "Mom says hello, by the way.",
        "I hope the weather is kind to us.",
    ),
    assistant_talk=(
        "That sounds lovely, and I'm sure everyone will enjoy it.",
        "It's completely normal to feel a little overwhelmed at this stage.",
        "A good way to start is to write down what matters most to you both.",
        "Many couples find that a relaxed schedule makes the day more enjoyable.",
        "Of course! Take your time, there is no rush at all.",
        "You might consider making a short list and sleeping on it.",
        "I'm happy to help you think it through whenever you're ready.",
        "Colors can set the mood, and softer tones usually look nice in photos.",
        "Great, I've noted that.",
        "People tend to remember the atmosphere more than the details.",
        "That's a wonderful idea, it will make things feel personal.",
        "Let me know what you decide and we can go from there.",
    ),
)  # fmt: skip

CLINIC = Family(
    rules=(
        "Under no circumstances may {staff} share {record} with {outsider}.",
        "{record} have to be countersigned by {staff} within the shift.",
        "It is forbidden to store {supply} next to {supply2}.",
        "Whenever {supply} run out, notify {staff} at once.",
        "Patients with {condition} are to be seen ahead of everybody else.",
        "{staff} shall wear {gear} throughout {task}.",
        "Do not schedule {task} back to back with {task2}.",
        "Nobody but {staff} is authorised to open {record}.",
        "{task} requires two people, no exceptions.",
        "Refrain from discussing {condition} in the corridor.",
    ),
    values=(
        ("ward extension", "port"),
        ("bed capacity", "count"),
        ("visiting hours end", "time"),
        ("inspection", "date"),
        ("head nurse", "name"),
        ("oxygen contract", "id"),
        ("annual linen allowance", "money"),
        ("sample retention", "days"),
        ("imaging archive", "path"),
        ("scheduler release", "version"),
        ("triage window", "seconds"),
        ("pharmacy liaison", "name"),
        ("locum allowance", "money"),
        ("vaccination drive", "date"),
        ("ambulance bay code", "id"),
        ("night round", "time"),
        ("isolation period", "days"),
        ("scanner firmware", "version"),
        ("waiting list cap", "count"),
        ("consent form archive", "path"),
        ("ethics chair", "name"),
        ("generator test", "date"),
    ),
    states=(
        "{v} is what we have on file as the {s}.",
        "The {s} stands at {v}.",
        "As for the {s}, that would be {v}.",
        "Put down {v} as the {s}.",
        "You will find that the {s} is {v}.",
    ),
    updates=(
        "The {s} was revised and stands at {v} as of today.",
        "Administration has replaced the {s}, it's {v} these days.",
        "I misspoke earlier: the {s} is {v}.",
        "Following the meeting the {s} becomes {v}.",
        "New {s}: {v}.",
    ),
    lookalikes=(
        ("adult dosage ceiling", "paediatric dosage ceiling", "count"),
        ("day shift supervisor", "night shift supervisor", "name"),
        ("inpatient intake form", "outpatient intake form", "id"),
        ("first follow-up visit", "second follow-up visit", "date"),
        ("north wing evacuation time", "south wing evacuation time", "seconds"),
    ),
    slots={
        "staff": ("residents", "the charge nurse", "volunteers", "the duty pharmacist", "a consultant", "orderlies"),
        "record": ("biopsy reports", "psychiatric files", "genetic results", "transfusion logs", "intake forms"),
        "outsider": ("insurers", "journalists", "distant relatives", "employers", "trial sponsors"),
        "supply": ("insulin pens", "surgical drapes", "saline bags", "defibrillator pads", "sedatives"),
        "supply2": ("cleaning agents", "food trays", "expired stock", "radioactive tracers"),
        "condition": ("sepsis", "neutropenia", "anaphylaxis", "preeclampsia", "meningitis"),
        "gear": ("lead aprons", "double gloves", "face shields", "name badges"),
        "task": ("catheter changes", "wound dressing", "chemotherapy", "the morning handover", "dialysis"),
        "task2": ("physiotherapy", "radiology slots", "group visits", "family meetings"),
    },
    user_talk=(
        "It has been one of those shifts where nobody sits down.",
        "How do other hospitals deal with this sort of thing?",
        "I appreciate you going through it with me.",
        "The coffee machine is out again, naturally.",
        "Somebody brought biscuits, so morale is up.",
        "I had a word with the others and they mostly agree.",
        "Could you put that in simpler terms?",
        "Fair enough.",
        "We talked about it over lunch without reaching much of a conclusion.",
        "I will admit I had not thought of it that way.",
        "It was quieter than last week at least.",
    ),
    assistant_talk=(
        "Understood, thank you for the background.",
        "It may be worth reviewing how this is usually organised elsewhere.",
        "Clear communication between shifts tends to prevent most misunderstandings.",
        "I can see why that would be frustrating.",
        "There is rarely a perfect answer, but small steps often make a difference.",
        "Would you like me to outline a few possibilities?",
        "That seems sensible given the circumstances.",
        "Routine and a calm environment usually help everybody involved.",
        "Noted, we can return to it later.",
        "As a rule of thumb, people follow a process more easily when they know the reason for it.",
        "Please feel free to add anything I have missed.",
    ),
)  # fmt: skip

TERSE = Family(
    rules=(
        "dont touch {thing} pls",
        "tests for {thing} go in {place}, nowhere else",
        "if {thing} breaks, revert first and ask later",
        "no new deps in {thing}",
        "keep {thing} under 200 lines each",
        "{thing} stays on {tech}, we're not rewriting it",
        "when in doubt about {thing} follow what {place} does",
        "cant use {tech} in {place}, licensing",
        "i hate {tech} in {thing}, do it the plain way",
        "run {tool} every time you change {thing}",
    ),
    values=(
        ("dev port", "port"),
        ("max upload", "count"),
        ("poll interval", "seconds"),
        ("demo day", "date"),
        ("design contact", "name"),
        ("tracking issue", "id"),
        ("fixtures dir", "path"),
        ("node version", "version"),
        ("daily sync", "time"),
        ("ad spend", "money"),
        ("trial length", "days"),
        ("shard count", "count"),
        ("legal reviewer", "name"),
        ("api sunset", "date"),
        ("bucket name", "id"),
        ("sdk version", "version"),
        ("artifact dir", "path"),
        ("debounce", "seconds"),
        ("grace period", "days"),
        ("prize pool", "money"),
        ("metrics port", "port"),
        ("beta owner", "name"),
    ),
    states=("{s} = {v}", "{s} is {v} btw", "use {v} for the {s}", "we run the {s} at {v}", "fyi {s} is {v}"),
    updates=(
        "{s} moved, its {v} now",
        "ok new plan, {s} = {v}",
        "bump {s} to {v}",
        "sorry, wrong number before. {s} is {v}",
        "{s} got changed to {v} this morning",
    ),
    lookalikes=(
        ("client retry count", "server retry count", "count"),
        ("ios build number", "android build number", "count"),
        ("free tier quota", "paid tier quota", "count"),
        ("inbound webhook port", "outbound webhook port", "port"),
        ("min pool size", "max pool size", "count"),
    ),
    slots={
        "thing": ("the auth module", "legacy views", "the pdf exporter", "css tokens", "the sync loop", "onboarding"),
        "place": ("pkg/core", "the shared kit", "apps/web", "the worker repo"),
        "tech": ("redux", "graphql", "lodash", "webpack", "celery", "orm magic"),
        "tool": ("the linter", "make check", "the snapshot suite", "typecheck"),
    },
    user_talk=(
        "hm ok",
        "yeah that looks better",
        "nice",
        "whats the usual way to do this",
        "lol fair",
        "been staring at this for an hour",
        "can you explain that part again",
        "not sure about this one tbh",
        "ok go on",
        "i'll take a look later tonight",
        "that was quick",
    ),
    assistant_talk=(
        "Sure, here is how I would think about it.",
        "That should be fine, though it is worth double-checking once everything is in place.",
        "There are a couple of ways to go about this, and each has its merits.",
        "Good point, that would make it easier to read.",
        "I'll adjust that and keep the rest as it is.",
        "In most projects this ends up being a matter of taste.",
        "The overall structure looks reasonable to me.",
        "We can always refine it further once it works.",
        "Let me know if you'd like to see an alternative.",
        "It helps to keep the pieces small so that they are easy to follow.",
    ),
)  # fmt: skip

TUNED: dict[str, Family] = {"ops": OPS, "home": HOME, "terse": TERSE}
HEADERS = {"rule": ("RULE: ", "IMPORTANT: "), "value": ("VALUE: ", "NOTE: "), "update": ("UPDATE: ", "CORRECTION: ")}


def make_chat(
    family: Family,
    seed: int,
    *,
    headers: bool = False,
    rules: int = 18,
    values: int = 16,
    updates: int = 6,
    talk: int = 9,
) -> Chat:
    """Build a chat.

    Args:
        family: Its wording.
        seed: Of the draw.
        headers: Whether facts are announced by words like `RULE:`.
        rules: Rules planted.
        values: Values planted that stay.
        updates: Values planted that change once.
        talk: Sentences of talk around each fact, on average; sets how dense facts are.
    """
    r = Random(f"{seed} {family.rules[0]}")
    chat = Chat()
    subjects = r.sample(list(family.values), min(values + updates, len(family.values)))
    early: list[tuple[str, str]] = []
    late: list[tuple[str, str]] = []
    for _ in range(rules):
        text = _filled(r, family)
        if text not in chat.rules:
            chat.rules.append(text)
            early.append(("rule", text))
    for at, (subject, kind) in enumerate(subjects):
        value = _value(r, kind)
        early.append(("value", _upper(r.choice(family.states).format(s=subject, v=value))))
        if at < updates:
            newer = _value(r, kind)
            chat.updates.append((subject, value, newer))
            late.append(("update", _upper(r.choice(family.updates).format(s=subject, v=newer))))
        else:
            chat.values.append((subject, value))
    for one, other, kind in family.lookalikes:
        for subject in (one, other):
            value = _value(r, kind)
            chat.lookalikes.append((subject, value))
            early.append(("value", _upper(r.choice(family.states).format(s=subject, v=value))))
    r.shuffle(early)
    r.shuffle(late)
    middle = len(early) // 2
    planted = _woven(r, early[:middle], early[middle:], late)
    _talk(r, family, chat, planted, headers, talk)
    return chat


def _woven(
    r: Random, first: list[tuple[str, str]], second: list[tuple[str, str]], late: list[tuple[str, str]]
) -> list[tuple[str, str]]:
    """Put updates into the second half, each after everything that might be its first value."""
    values_first = [one for one in second if one[0] == "value"]
    rest = [one for one in second if one[0] != "value"] + late
    r.shuffle(rest)
    return [*first, *values_first, *rest]


def _talk(r: Random, family: Family, chat: Chat, planted: list[tuple[str, str]], headers: bool, talk: int) -> None:
    for sort, text in planted:
        head = r.choice(HEADERS[sort]) if headers else ""
        if headers:
            chat.rules = [head + rule if rule == text else rule for rule in chat.rules]
        around = [_varied(r, family.user_talk) for _ in range(r.randint(0, talk // 3))]
        around.insert(r.randint(0, len(around)), head + text)
        _add(chat, "user", _joined(around))
        _add(chat, "assistant", _several(r, family.assistant_talk, max(2, talk // 3)))
        for _ in range(r.randint(0, max(1, talk // 5))):
            _add(chat, "user", _several(r, family.user_talk, 3))
            _add(chat, "assistant", _several(r, family.assistant_talk, 4))


def _several(r: Random, talk: Sequence[str], most: int) -> str:
    return _joined([_varied(r, talk) for _ in range(r.randint(1, most))])


def _joined(pieces: Sequence[str]) -> str:
    """Put sentences behind each other; who writes no full stops writes lines."""
    return "".join(f"{piece} " if piece[-1] in ".!?" else f"{piece}\n" for piece in pieces).strip()


OPENINGS = (
    "Well, ", "Anyway, ", "To be honest, ", "Right, ", "I mean, ", "As I said before, ", "For what it's worth, ",
    "If you ask me, ", "Looking back, ", "On reflection, ", "Speaking of which, ", "Funnily enough, ",
)  # fmt: skip
TAILS = (
    "at least from what I have seen so far", "if that makes any sense", "which I suppose is how these things go",
    "or so it seems to me right now", "although people may see it differently", "and that is about all there is to it",
    "the way it usually turns out", "as far as anybody can tell", "give or take", "and I think most people would agree",
    "when you look at it from a distance", "for better or worse", "and it rarely ends up mattering much",
    "but let's see how the next weeks go", "as we have talked about several times",
)  # fmt: skip


def _varied(r: Random, talk: Sequence[str]) -> str:
    """Say a sentence of talk a little differently each time, so that repetition gives nothing away."""
    text = r.choice(list(talk))
    if r.random() < 0.5:
        opening = r.choice(OPENINGS)
        first = text[0] if text.startswith(("I ", "I'")) else text[0].lower()
        text = f"{opening}{first}{text[1:]}"
    if r.random() < 0.6:
        end = text[-1] if text[-1] in ".!?" else ""
        text = f"{text.removesuffix(end) if end else text}, {r.choice(TAILS)}{end}"
    return text


def _add(chat: Chat, role: str, text: str) -> None:
    chat.messages.append(
        Message("user" if role == "user" else "assistant", (Part("text", text),), typed=role == "user")
    )


def _filled(r: Random, family: Family) -> str:
    text = r.choice(list(family.rules))
    return _upper(text.format(**{name: r.choice(list(words)) for name, words in family.slots.items()}))


def _upper(text: str) -> str:
    return text if text[:1].islower() and not text.endswith(".") else text[:1].upper() + text[1:]


def numbered(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Number messages as `load` does."""
    return finish(messages)
