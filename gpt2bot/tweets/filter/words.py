"""Patterns of what a bot must not say, as data for `profanity.py`.

This file contains slurs and crude words, because a filter keeps out only what it knows. It adds
what glin-profanity's English list lacks: inflections of crude stems, and slurs. Each pattern is the
inside of an alternation between word boundaries, verbose and case-insensitive. Look-aheads allow
innocent meanings.
"""

from __future__ import annotations

CRUDE = r"""
    (?:mother|cluster|brain|mind)?fuck\w* | (?:bull|horse|dip|ape)?shit(?!ake|tim)\w* | cunt\w*
    | (?:son\ of\ a\ )?bitch\w* | bastard\w* | piss(?:ed|es|er|ers|ing|y)? | cock-?suck\w*
    | (?:arse|ass|butt)-?(?:hole|wipe|hat|clown)s? | dick-?(?:head|wad)s? | wank(?:s|ed|ing|ers?)
    | whor(?:e|es|ed|ing|ish|ehouse) | slut\w* | skanks? | twat\w* | jizz\w*
"""
SEXUAL = r"""
    rap(?:ed|es|ists?|ing) | gang-?(?:bang|rape)\w* | porn\w* | pa?edophil\w* | pa?edos?
    | molest(?:ed|er|ers|ing) | masturbat\w* | orgasm\w* | blow-?jobs? | dildos? | incest\w*
    | bestiality | upskirts?
"""
SLURS = r"""
    nigg(?!ard|l)\w* | chinks?(?!\ (?:in|of|between)\b) | gooks? | wogs? | wops? | dagos? | japs?
    | coolies? | injuns? | redskins? | squaws? | half-?breeds? | pickaninn(?:y|ies) | golliwogs?
    | kaff[ei]rs? | polacks? | zipperheads? | camel\ jockeys? | pikeys? | chinam[ae]n | yids?
    | heebs? | christ-?killers? | muzz(?:ies?|rats?) | fag(?:s|got\w*)? | dykes? | sodomites?
    | homos?(?!\ (?:sapiens|erectus|habilis)\b) | lezz(?:ie|ies|a|as|er|ers) | trann(?:y|ies)
    | poofters? | (?:lib|fuck|repub)?tards? | retard(?:s|ed)? | mongoloids? | spaz(?:zes)?
    | spastics?
"""

# Hatred without slurs: `profanity.py` builds sentences from these parts. Groups of people, ...
PEOPLE = r"""
    (?:jew|muslim|arab|christian|catholic|hindu|sikh|buddhist|atheist|african|asian|mexican|latino
    |hispanic|american|european|pakistani|indian|immigrant|migrant|refugee|foreigner|black|gay
    |lesbian|homosexual|girl|female|liberal|democrat|republican|leftist|conservative)s
    | (?<!egg\ )whites | gyps(?:y|ies) | women | chinese | japanese | irish | roma
    | (?:black|white|brown|gay|trans|transgender|disabled|poor|fat|old|jewish|muslim|asian|african)
      \ (?:people|persons|men|women|folks?)
    | the\ (?:jewish|disabled|poor|homeless|unemployed|mentally\ ill)
"""
# ... harm wished on anybody, ...
KILLED = r"""
    killed | shot | hanged | lynched | gassed | exterminated | slaughtered | murdered
    | sterili[sz]ed | enslaved | deported | wiped\ out | put\ to\ death | raped | castrated
"""
# ... harm wished on a group, rights denied to it, and names it is called.
HARMED = r"""
    banned | expelled | removed | burn(?:ed|t)? | beaten | locked\ up | jailed | imprisoned
    | executed | rounded\ up | (?:kicked|thrown)\ out | sent\ (?:back|home|away) | punished
    | segregated | silenced | ashamed | suffer | rot | hang | leave | get\ out
    | go\ (?:back|home|away) | shut\ up | obey | know\ their\ place | stay\ in\ the\ kitchen
"""
DENIED = r"""
    be\ allowed | vote | belong | deserve | exist | live | have\ (?:any\ |the\ |equal\ )?rights?
"""
DEHUMANIZED = r"""
    vermin | rats | animals | beasts | pigs | dogs | apes | monkeys | cockroaches | parasites
    | scum | filth | trash | garbage | (?:a\ )?(?:disease|cancer|plague|curse) | sub-?human
    | inferior | savages | evil | criminals | rapists | terrorists | thieves | liars | stupid
    | dumb | lazy | dirty | filthy | disgusting | worthless | useless | (?:not|less\ than)\ human
"""
