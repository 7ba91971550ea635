"""The commonest English words, in two circles: words without a subject, and words of everyday talk.

A word outside both is likely to carry what a sentence is about. Compiled for this project from general
knowledge of the language; no list was copied.
"""

_STOP = """
a an the this that these those i you he she it we they me him her us them my your his its our their mine yours hers
ours theirs myself yourself himself herself itself ourselves yourselves themselves who whom whose which what where
when why how and or but nor so yet if then else than as at by for from in into of off on onto out over to under
unless up upon with within without about above across after again against all along also although always among an
another any anybody anyone anything anyway anywhere are aren't around as aside be became because become becomes
been before behind being below besides between beyond both came can can't cannot could couldn't did didn't do does
doesn't doing don't done down during each either enough even ever every everybody everyone everything everywhere few
first for former further get gets getting go goes going gone got gotten had hadn't has hasn't have haven't having
he'd he'll he's her here here's hers how how's however i'd i'll i'm i've if in indeed instead is isn't it'd it'll
it's itself just keep keeps kept last later least less let let's like made make makes making many may maybe me might
more most much must mustn't near need needed needs neither never next no nobody none nor not nothing now nowhere of
off often on once one only or other others otherwise ought out own per perhaps please put quite rather really same
say says see seem seemed seems several shall she'd she'll she's should shouldn't since so some somebody
someone something sometimes somewhere still such take takes taking tell than that that'll that's them then there
there'd there'll there's these they'd they'll they're they've thing things this those though through thus till
to together too took toward towards under until unto upon us use used uses using very via want wants was wasn't way we'd
we'll we're we've well went were weren't what what's whatever when whenever where wherever whether while who'll
who's whoever will with won't would wouldn't yes you'd you'll you're you've also already almost actually
currently basically simply okay ok re ve ll etc e.g i.e vs ie eg
"""

_EVERYDAY = """
able accept account act action add added afternoon age ago agree air allow alone amount answer appear apply area
arrive article ask asked asking attention available avoid aware baby back bad bag ball bank base based basic
beautiful bed began begin beginning believe best better big bill birth bit black blue board body book both bottom
box boy break breakfast bring brother brought brown build building built business busy buy call called calling came
camera car care carry case cat catch cause center central certain certainly chair chance change changed changes
character charge check child children choice choose city class clean clear clearly close club coffee cold collect
color come comes coming comment common community company complete completely computer concern condition conference
consider contact continue control conversation cook cool corner correct cost count country couple course cover
create created cross cup current cut daily dance dark data date daughter day days dead deal dear decide deep degree
depend describe design detail details develop die difference different difficult dinner direction discuss doctor dog
door doubt draw dream drink drive drop dry early earth easily easy eat edge effect effort eight else email end ended
ending enjoy enter entire especially evening event events eventually exactly example except excited exciting
experience explain eye eyes face fact fair fall family far fast father favorite feel feeling feels feet felt field
fight figure file fill final finally find fine finish fire fish fit five fix floor fly focus follow following food
foot force forget form forward found four free fresh friend friends front fun funny future game games garden gave
general generally girl give given gives giving glad glass goal god gold good great green ground group grow guess guy
guys hair half hand hands happen happened happens happy hard hat hate head health hear heard heart heat heavy held
hello help helped helpful helping helps hey hi high hit hold holding home honest hope hoping hot hotel hour hours
house huge human hundred idea ideas imagine important improve include includes including indeed inside interest
interested interesting issue issues item items job join keep key kid kids kind kitchen knew know known knows lady
land language large late lately laugh law lay lead leader learn learned learning leave leaves leaving left leg less
letter level lie life light likely line link list listen little live lives living local long longer look looked
looking looks lose lost lot lots loud love loved lovely low luck lunch main major man manage mark market matter mean
meaning means meant measure meet meeting member memory men mention message middle mind minute minutes miss model
moment money month months mood morning mother mouth move movie moving music name names nature nearly necessary
nervous news nice night nine normal north note notes notice number numbers object occur offer office oh oil old open
opinion option options order original outside overall page pages pain paper parents park part particular party pass
past path pay people perfect person phone photo pick picture pictures piece place places plan plane planning plans
plant play played player playing pleasure point points police poor popular position possible power practice prepare
present pretty price probably problem problems process produce product program progress project projects promise
proper provide public pull push puts quality question questions quick quickly quiet radio rain ran range rate reach
read reading ready real realize reason reasons receive recent recently record red relationship relax remain remember
report research rest result results return review rich ride right ring rise road rock room rule rules run running
sad safe said sat save saw saying scene school science sea season seat second see seeing seen sell send sense sent
separate serious service set setting setup seven shape share she short show showed shows side sign similar simple
single sister sit site situation six size skin sky sleep slow slowly small smart smile snow social soft solution
solve son song soon sorry sort sound sounds south space speak special specific speed spend spent sport spot spring
stage stand standard star start started starting starts state stay step steps stop stopped stopping stops store
story straight street strong student study stuff style subject success suddenly suggest summer sun super support
suppose sure surface surprise system table talk talked talking tall taste teach teacher team tea ten term terms test
tests thank thanks that their thought thoughts thousand three throw ticket tight time times tiny tired title today
told tomorrow tonight top topic total touch tough town trade train travel tree trip trouble true truly trust truth
try trying turn turned type understand understanding unique unit until update updates usual usually vacation value
values version view visit voice wait waiting walk walked walking wall warm wash watch watched watching water wave
ways wear weather week weekend weeks weird welcome west white whole wide wife wild win wind window wine winter wish
woman wonder wonderful wood word words work worked working works world worry worse worst worth write writing written
wrong yeah year years yellow yesterday young approach area aspects benefit benefits careful challenge clarify
comfortable consistent context curious discussion double draft easier effective enough ensure entirely essentially
everyday expected extra familiar feature features feedback folks generic gentle hopefully honestly improvement info
information initial input kindly largely latest mainly mostly natural nicely ongoing overview particularly plenty
possibly practical previous priority proceed properly quickly reasonable regular related relevant remaining respond
response roughly section sentence short shortly slightly somewhat soon specifically steady straightforward
suggestion suggestions summary task tasks thinking thorough thoughtful track tricky useful usually various video
worthwhile code file files function line lines run
"""


def word_set(text: str) -> frozenset[str]:
    """Return the words of a table."""
    return frozenset(text.split())


STOP: frozenset[str] = word_set(_STOP)
"""Words that say nothing of a subject."""

COMMON: frozenset[str] = STOP | word_set(_EVERYDAY)
"""Words that say little of what is particular to a conversation."""
