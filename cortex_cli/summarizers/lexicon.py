"""The words that cues hang on: prohibitions, limits, decisions, changes, findings, small talk.

Only vocabulary stands here; what a cue is worth is decided in `salience.py`. A word may carry several flags.
English is covered broadly here, other languages in `languages.py`.
"""

from collections.abc import Mapping
from enum import IntFlag, auto
from functools import reduce
from operator import or_

from cortex_cli.summarizers.common_words import word_set


class Cue(IntFlag):
    """What a word or phrase hints at."""

    MUST = auto()
    """Commands and bans: never, must, only, forbidden."""
    NORM = auto()
    """Talk of rules: policy, approval, essential."""
    SHOULD = auto()
    """Preferences: prefer, should, avoid."""
    WISH = auto()
    """Weak wishes: want, need, like."""
    SCOPE = auto()
    """When and for whom something holds: every, unless, until."""
    LIMIT = auto()
    """Bounds: at most, until, deadline, budget."""
    DECIDE = auto()
    """Something was settled: agreed, going with, approved."""
    UPDATE = auto()
    """Something differs from before: now, instead, moved, no longer."""
    RETRACT = auto()
    """Something said is taken back: scratch that, disregard."""
    PERMIT = auto()
    """Something is allowed: fine, allowed, may."""
    FIND = auto()
    """A cause or insight: root cause, turns out, because."""
    FAIL = auto()
    """Something broke: error, crash, denied."""
    DONE = auto()
    """Something was finished: fixed, merged, passes."""
    OPEN = auto()
    """Something is left to do: todo, remaining, blocked."""
    CHAT = auto()
    """Small talk: thanks, great, sounds good."""
    NARRATE = auto()
    """An assistant tells what it is about to do: let me, I'll."""
    HEDGE = auto()
    """General advice: consider, typically, various."""
    SELF = auto()
    """The speaker's own: I, my, we, our."""
    REQUEST = auto()
    """Asks for work: please, can you."""
    PIVOT = auto()
    """Stands between a subject and what is said of it: is, are, set to."""
    OWN = auto()
    """Ties a person or thing to a role: owns, reports to, handles."""
    NEGATE = auto()
    """Turns a statement round: not, no, never."""
    CONTRAST = auto()
    """One of a pair that must not be mixed up: staging / production."""
    ORDER = auto()
    """A verb that, at the head of a sentence, is a command: use, keep, run."""
    TELL = auto()
    """Tells what happened: went, said, slept."""
    MIND = auto()
    """What nobody can be ordered to do: know, believe. Behind a ban it is none: `can't believe`, `don't know`."""


def _words(flags: Cue, text: str) -> dict[str, Cue]:
    return dict.fromkeys(text.split(), flags)


def _merge(*tables: Mapping[str, Cue]) -> dict[str, Cue]:
    keys = {key: None for table in tables for key in table}
    return {key: reduce(or_, (table[key] for table in tables if key in table)) for key in keys}


_NEGATIONS = """
    not no never none nothing nobody nowhere neither nor cannot can't don't doesn't didn't won't wouldn't shouldn't
    mustn't isn't aren't wasn't weren't hasn't haven't hadn't couldn't shan't ain't needn't without cant dont wont
    shouldnt mustnt isnt arent doesnt
"""
_MUST = """
    must mustn't mustnt never always only shall required mandatory forbidden forbid forbids prohibited disallowed
    banned ban strictly strict ensure insist insists cannot can't cant don't dont shouldn't shouldnt needn't nobody
    compulsory obligatory imperative exclusively nonnegotiable non-negotiable off-limits mandate mandated
"""
_NORM = """
    require requires requirement requirements policy rule rules constraint constraints guideline guidelines
    convention essential critical crucial vital important invariant invariants guarantee guarantees refuse refuses
    reserved restricted approve approves approval sign-off signoff enforce enforced permitted authorised authorized
    responsible exempt compliance licensed licensing regulation obliged
"""
_SHOULD = """
    should prefer prefers preferred preference preferably avoid avoids avoiding rather dislike dislikes hate hates
    favorite favourite favor favour recommend remember remind reminder stick sticks ought supposed allergic vegetarian
    vegan intolerant refrain
"""
_WISH = """
    want wants wanted wish need needs needed please like likes love loves better best keep keeps expect expects
    expected intend intends hope plan planning
"""
_SCOPE = """
    wherever whenever unless except every each any until before after throughout nowhere everywhere anybody everybody
    everyone anyone anything everything while whoever whenever whatever provided neither
"""
_LIMIT = """
    limit limits limited maximum minimum max min cap capped caps ceiling floor threshold quota budget budgets
    deadline deadlines due until till within exactly exceed exceeds beyond below above under cutoff
    expiry expires expire expiration retention freeze frozen
"""
_DECIDE = """
    decided decide decides decision decisions agreed agreement settled settle chose chosen choose choosing picked
    pick approved confirmed confirm finalized finalised final adopt adopted adopting standardize standardise
    standardized rejected opted opt verdict concluded ruled
"""
_UPDATE = """
    now changed change changes changing updated update updates actually instead moved moves moving switched switch
    switching correction corrected revised revise new newly anymore replaced replaces replacing replace bumped bump
    raised raise lowered lower reduced reduce increased increase extended extend shortened postponed postpone
    rescheduled reschedule renamed rename migrated migrate swapped swap superseded supersedes effective henceforth
    pushed bringing dropped later transferred reassigned relocated shifted adjusted amended overrode overrides again
    nvm amended misinformed alter altered outdated void nerfed buffed
    redone redo redid revisited reworked slipped slips delayed delays advanced expanded shrank shrunk grew rose fell
    jumped climbed doubled tripled overruled renegotiated renumbered reissued rebuilt restated swaps landed
    different preliminary provisional tentative wrong mistake mistaken misspoke typo incorrect previously formerly
    originally earlier outdated obsolete stale reverted latest today hereafter upgraded downgraded doubled halved
    tightened relaxed trimmed brought
"""
_RETRACT = """
    scratch disregard nevermind ignore forget cancel cancelled canceled lifted lift withdraw withdrawn revoke
    revoked rescind rescinded void undo retire retired abandon abandoned
"""
_PERMIT = "fine ok okay allowed allow allows may permitted permissible acceptable optional welcome can"
_FIND = """
    cause causes caused causing because found find finding findings discovered discover reason reasons due culprit
    explains explain explained diagnosis diagnosed reproduces reproduce reproduced reproducible confirmed bug bugs
    issue issues problem problems trick insight realized realised learned noticed revealed traced bottleneck
    regression leak leaks race deadlock workaround surprisingly hence therefore means
"""
_FAIL = """
    error errors exception exceptions failed fails fail failure failures failing crash crashes crashed panic
    panicked denied refused traceback fatal missing undefined broken unable invalid corrupt corrupted segfault abort
    aborted rejected unauthorized forbidden unreachable timeout timeouts timedout mismatch violated violation
    conflict conflicts warning warnings unresolved unexpected killed oom exhausted overflow unavailable unsupported
    deprecated leaked stacktrace assertion unhandled uncaught nonzero incompatible expired blocked stuck hang hangs
"""
_DONE = """
    fixed fix fixes implemented implements added adds created creates removed completed complete done passes passed
    passing works working resolved merged deployed released shipped wrote written finished verified refactored
    extracted renamed introduced restored landed committed built installed configured published
"""
_OPEN = """
    todo todos remaining remains pending next later blocked blocker waiting unfinished incomplete outstanding
    follow-up followup yet left wip fixme unresolved backlog tbd postponed
"""
_CHAT = """
    thanks thank great sure okay ok yes yeah yep yup sounds good perfect awesome cool nice hello hi hey welcome
    certainly absolutely glad happy sorry hmm haha lol wow well right exactly indeed interesting nah cheers bye
    goodbye morning evening lovely amazing wonderful fantastic excellent understood noted gotcha alright sweet
    brilliant curious funny agreed definitely totally hope enjoy enjoyed weather chat chatting anyway folks
"""
_NARRATE = "let's i'll i'm looking checking reading starting searching examining continuing proceeding"
_HEDGE = """
    maybe perhaps might could generally usually often consider considering typically various several some things
    many sometimes likely probably possibly common commonly general overall tend tends depends depending variety
    aspects basically simply really quite pretty kind sort stuff thing something somehow somewhat bit lot lots guess
    suppose think thinking thought feel feels feeling seems seem
"""
_SELF = "i i'm i've i'd i'll my mine me we we're we've we'd we'll our ours us"
_REQUEST = "please pls plz kindly"
_PIVOT = """
    is are was were be isn't aren't equals equal stays stay remains remain becomes become became has costs cost takes
    take runs run lives live uses use named prefer prefers sits stands starts start ends end opens closes lands
    goes means = : -> := == => that's it's its there's what's he's she's
"""
_OWN = """
    owns owned owner owners reports handles handled handle leads lead led approver approves reviewer reviews contact
    responsible assigned assignee belongs manages manager married wife husband daughter son brother sister mother
    father mom dad partner friend boss colleague dog cat pet birthday anniversary address phone email born hometown
    job works hobby vacation trip appointment doctor school university
"""
_CONTRAST = """
    staging production prod dev development test testing qa sandbox preprod canary primary backup secondary replica
    standby read write reads writes reader writer min max minimum maximum start end starting ending first second
    third fourth inbound outbound incoming outgoing client server frontend backend internal external upper lower
    weekday weekend weekdays weekends morning evening afternoon night android ios us eu uk apac emea east west north
    south left right top bottom public private public-facing soft hard hot cold warm short long daily weekly monthly
    quarterly yearly annual hourly junior senior home away input output upload download uploads downloads request
    response requests responses buyer seller source target master slave leader follower producer consumer admin
    guest user users customer customers employee employees free paid basic premium pro enterprise beta alpha stable
    nightly draft published spring summer autumn fall winter parent child mobile desktop web linux windows macos
    debit credit gross net domestic international wholesale retail lunch dinner breakfast outer inner forward
    reverse
"""
_ORDER = """
    use keep add remove write run make put set call name store return send leave skip stop start follow include
    exclude ask check wait get create round sort log format reply answer cite convert pin tag route escalate mark
    notify cc copy label prefix wrap treat default stick refer address spell quote book schedule order buy ship hold
    file assume bill pay charge fetch load save read show hide print avoid ensure remember note prefer respect
    report verify confirm review test deploy merge rebase squash commit push pull open close delete drop retain
    archive encrypt mask redact validate sanitize escape limit cap restrict block allow deny reject require enforce
    apply target support document implement fix refactor rename move replace update change switch migrate bump split
    extract rewrite build install configure enable disable revert give tell write list summarize translate explain
    plan prepare draft pick choose measure compare back avoid forward separate cancel expect aim budget stay consult
    contact reserve capitalize indent keep comment annotate credit attach sign lock freeze rotate expose inline
    cover serve park water feed bring pack let's do
"""

_TELL = """
    was were had did went came called said told saw met ate drank slept laughed cried smiled walked talked watched
    visited spent grew opened mentioned reminded looked felt heard spoke wore flew drove sat stood rained snowed
    enjoyed liked loved wondered remembered forgot dreamt dreamed stayed got gave took brought lived played sang
    danced bought sold burnt woke fell
"""
_MIND = "know think believe mind care recall imagine wait worry hesitate suppose guess wonder"

WORDS: Mapping[str, Cue] = _merge(
    _words(Cue.NEGATE, _NEGATIONS),
    _words(Cue.MUST, _MUST),
    _words(Cue.NORM, _NORM),
    _words(Cue.SHOULD, _SHOULD),
    _words(Cue.WISH, _WISH),
    _words(Cue.SCOPE, _SCOPE),
    _words(Cue.LIMIT, _LIMIT),
    _words(Cue.DECIDE, _DECIDE),
    _words(Cue.UPDATE, _UPDATE),
    _words(Cue.RETRACT, _RETRACT),
    _words(Cue.PERMIT, _PERMIT),
    _words(Cue.FIND, _FIND),
    _words(Cue.FAIL, _FAIL),
    _words(Cue.DONE, _DONE),
    _words(Cue.OPEN, _OPEN),
    _words(Cue.CHAT, _CHAT),
    _words(Cue.NARRATE, _NARRATE),
    _words(Cue.HEDGE, _HEDGE),
    _words(Cue.SELF, _SELF),
    _words(Cue.REQUEST, _REQUEST),
    _words(Cue.PIVOT, _PIVOT),
    _words(Cue.OWN, _OWN),
    _words(Cue.CONTRAST, _CONTRAST),
    _words(Cue.ORDER, _ORDER),
    _words(Cue.TELL, _TELL),
    _words(Cue.MIND, _MIND),
)
"""Word in lower case -> its cues."""

_PHRASES: tuple[tuple[Cue, str], ...] = (
    (
        Cue.MUST,
        """make sure|has to|have to|had to|needs to|no more|no less|under no|in no|off limits|hands off|do not|
        must not|may not|no exceptions|without exception|as long|in all|every time|
        not allowed|no matter|never ever|is fixed|are fixed|on no|nothing else|no one|only ever|nobody else|no excuses|
        no arguing|no discussion|no debate|no buts|no questions|without fail|full stop|not one|not even|a single""",
    ),
    (
        Cue.SHOULD,
        """i want|i prefer|we prefer|going forward|by default|from here|stick to|stick with|instead of|rather than|
        in favor|in favour|is to|are to|last word|let us|
        be careful|watch out|even if|except for|apart from|only when|only if|only after""",
    ),
    (Cue.LIMIT, "at most|at least|up to|no more|no less|no later|no earlier|by end|end of|as of|more than|less than"),
    (
        Cue.DECIDE,
        """going with|go with|went with|let's use|let's go|we'll use|we'll go|we will|we use|settled on|opted for|
        decided to|decided on|agreed to|agreed on|agreed that|sticking with|signed off|final answer|in the end|
        chosen over|plan is|we are|we're going""",
    ),
    (
        Cue.UPDATE,
        """on second|second thought|after all|small fix|quick fix|small correction|
        went to|went up|went down|gone up|gone down|up to|down to|back to|
        no longer|any more|from now|as of|instead of|rather than|changed to|moved to|switched to|turns out|
        change of|not any|used to|in place|make it|make that|let's make|has been|have been|was wrong|were wrong|
        is now|are now|will now|going forward|starting today|starting monday|starting next|we've moved|new plan|
        correction on|up from|down from|effective immediately|i misspoke|i was wrong|meant to|i meant|pushed back|
        took over|taken over|takes over|not the|has become|in truth|this time|from here|these days|the upgrade|
        come round|came round|from this|from today|thought about|another look|in the end|the meantime|has left|
        other one|old one|made it""",
    ),
    (
        Cue.RETRACT,
        """never mind|strike the|strike that|strike my|scratch that|scrap that|scrap the|forget what|forget about|
        forget the|ignore what|ignore the|take back|drop the|rub out|cross out""",
    ),
    (Cue.PERMIT, "is fine|are fine|is ok|are ok|is okay|is allowed|are allowed|feel free|no problem|free to|go ahead"),
    (
        Cue.FIND,
        """root cause|turns out|turned out|the issue|the problem|caused by|due to|because of|the culprit|the bug|
        found that|the reason|it appears|which means|this means|the fix|so that|stems from|results in|led to""",
    ),
    (
        Cue.FAIL,
        "timed out|not found|no such|exit code|does not|doesn't work|not working|cannot be|could not|couldn't be",
    ),
    (
        Cue.OPEN,
        "still need|still needs|not yet|left to|to do|follow up|next step|next steps|work in|up next|after that",
    ),
    (
        Cue.CHAT,
        """sounds good|got it|no worries|makes sense|thank you|of course|good point|happy to|how are|how's it|
        good morning|see you|talk soon|let me know|fair enough|good question|great question|you're welcome|
        no problem|will do|good luck|take care|that helps|good idea|nice work|well done|you're right|i see|
        i agree|i understand|i appreciate""",
    ),
    (
        Cue.NARRATE,
        """let me|i'll now|i will|now i|now let|i'm going|going to|i am going|here is|here's the|here are|i can|
        i'd be|i would|we can|you can|you could|you might|you may|one could|it's worth|feel free|i'll also|i'll take|
        i'll start|i'll check|i'll look|i'll keep|next i|first i|i need|i have|i've""",
    ),
    (Cue.HEDGE, "in general|a lot|a few|a bit|kind of|sort of|it depends|in many|there are|as well|such as|in most"),
    (Cue.REQUEST, "can you|could you|would you|will you|i want|i'd like|i need|we need|help me|let's|is it|how do"),
    (
        Cue.PIVOT,
        """set to|changed to|moved to|located at|located in|scheduled for|due on|reports to|belongs to|owned by|
        handled by|goes to|named after|known as|equal to|set at|capped at|limited to""",
    ),
    (Cue.OWN, "reports to|belongs to|owned by|in charge|responsible for|married to|point person|on call|lives in"),
)

_HEADERS = """
    rule important note decision constraint value fact fyi reminder requirement policy update correction warning
    attention remember setting config preference directive info key todo n.b nb heads-up
"""
HEADERS = word_set(_HEADERS)
"""Words that, with a colon behind, announce a fact. Worth little by themselves: most people write without them."""


def _phrases() -> dict[str, dict[str, Cue]]:
    table: dict[str, dict[str, Cue]] = {}
    for flag, text in _PHRASES:
        for phrase in "".join(line.strip() for line in text.splitlines()).split("|"):
            first, _, second = phrase.strip().partition(" ")
            if second:
                row = table.setdefault(first, {})
                row[second] = row.get(second, Cue(0)) | flag
    return table


PHRASES: Mapping[str, Mapping[str, Cue]] = _phrases()
"""First word -> second word -> cues of the two together."""

CONTRASTS: tuple[frozenset[str], ...] = tuple(
    frozenset(group.split())
    for group in (
        "staging production prod dev development test testing qa sandbox preprod canary local live",
        "primary backup secondary replica standby failover main fallback tertiary",
        "read write reads writes reader writer",
        "min max minimum maximum lower upper low high",
        "start end starting ending begin finish open close opening closing",
        "first second third fourth fifth last next previous",
        "inbound outbound incoming outgoing ingress egress inner outer",
        "client server frontend backend web mobile desktop android ios api cli ui",
        "internal external public private",
        "weekday weekend weekdays weekends monday tuesday wednesday thursday friday saturday sunday",
        "morning evening afternoon night lunch dinner breakfast",
        "us eu uk apac emea asia europe america east west north south left right top bottom",
        "daily weekly monthly quarterly yearly annual hourly nightly",
        "junior senior lead intern",
        "input output upload download uploads downloads request response requests responses",
        "buyer seller customer employee vendor supplier admin guest partner",
        "source target leader follower producer consumer parent child",
        "home away",
        "free paid basic premium pro enterprise beta alpha stable draft published",
        "spring summer autumn fall winter",
        "linux windows macos ubuntu debian",
        "debit credit gross net domestic international wholesale retail",
        "soft hard hot cold warm short long connect idle",
        "mother father brother sister son daughter wife husband uncle aunt mom dad grandma grandpa cousin",
        "red blue green orange black white",
    )
)
"""Words of one group name different things: two statements that differ by them are about different subjects."""


def _contrast_of() -> dict[str, int]:
    return {word: number for number, group in enumerate(CONTRASTS) for word in group}


CONTRAST_GROUP: Mapping[str, int] = _contrast_of()
"""Word -> number of its group in `CONTRASTS`."""
