"""From a record's third person into the client's first: word lists and rules, for sentences simple enough.

Both functions return None for a sentence that they cannot turn safely: one about two people who could be meant by the
same pronoun, or one that has another speaker.
"""

import re

# Chinese. Pronouns are not inflected, so that only the question remains whom they mean.
_CLIENT_ZH = re.compile(r"来访者|求助者|当事人|患者|病人|该生")
_HE_ZH = re.compile(r"(?<!其)[他她](?![们人])")
_KIN_ZH = {
    "她": re.compile(r"妈|母亲|婆婆|奶奶|姥姥|外婆|姐|妹|妻|老婆|女儿|女友|女朋友|姑|姨|嫂|闺蜜|女士"),
    "他": re.compile(r"爸|父亲|公公|爷爷|外公|哥|弟|丈夫|老公|儿子|男友|男朋友|叔|舅|伯|领导|上司|老板|主管"),
}
_HEAD_ZH = re.compile(r"^我?[，,]?(?:男|女)(?:性|生)?[，,](?:约)?(?=[\d一二三四五六七八九十]+岁)")
_IS_ZH = re.compile(
    r"^(?!有)(?:一[名位个])?[^，。我]{0,8}(?:学生|研究生|[初高大][一二三四]生|员|教师|老师|护士|工人|妈妈|爸爸|者)(?=，)"
)
_SESSIONS_ZH = re.compile(r"^共[\d一二三四五六七八九十]+次|^第[\d一二三四五六七八九十]+次|咨询师|治疗师|医生建议")


def mine_zh(sentence: str) -> str | None:
    """A sentence of a record, said by the one it is about: 她睡不好。 -> 我睡不好。"""
    if _SESSIONS_ZH.search(sentence):
        return None
    sentence = _CLIENT_ZH.sub("我", re.sub("(反映|诉|称)其", r"\1我", sentence)).replace("否认", "没有")
    for pronoun, kin in _KIN_ZH.items():
        places = [m.start() for m in _HE_ZH.finditer(sentence) if m[0] == pronoun]
        found = kin.search(sentence)
        if places and found and found.start() < places[-1]:
            return None
    if {m[0] for m in _HE_ZH.finditer(sentence)} == {"他", "她"}:
        return None
    sentence = re.sub(r"^(\d+岁)[男女]性?，", r"我\1，", _HE_ZH.sub("我", sentence))
    if _HEAD_ZH.match(sentence):
        return "我" + _HEAD_ZH.sub("", sentence)
    if _IS_ZH.match(sentence):
        return f"我是{sentence}"
    return None if re.match(r"一[名位个]\w*的|[男女]，", sentence) else sentence


# English. Verbs lose their -s, possessives change, and what follows by "and" changes with them.
_VERBS = frozenset(
    """ask avoid become begin believe blame call cancel care carry check cook count cry deny describe do doubt dread dream drink
drive eat expect fall fear feel fight find forget freeze get give go have hear hide hope keep know lack laugh lie like
listen live lock look lose love make miss move need notice pace pay play pretend procrastinate put read refuse remember
report rest run say scroll see share shout sit skip sleep smile smoke snap spend stand stare stay struggle suffer
take talk tell think try turn use visit wait wake walk want watch weep wish withdraw wonder work worry write am""".split()  # noqa: SIM905
)
_IRREGULAR = {"is": "am", "has": "have", "does": "do", "goes": "go", "lies": "lie", "dies": "die", "ties": "tie"}
_PLAIN_FIRST = ("cannot", "can't", "could", "saw", "was", "had", "lost", "stopped", "used", "went", "never", "moved")
_STATES = (
    "married", "single", "widowed", "divorced", "separated", "retired", "unemployed", "worried", "tense", "anxious",
    "tired", "exhausted", "lonely", "sad", "angry", "afraid", "ashamed", "depressed", "unable", "quiet", "conscientious",
)  # fmt: skip
_ADVERB = r"(?:(?:\w+ly|always|never|often|still|also|now|just|hardly|sometimes|no longer|usually) )?"
_KIN_EN = {
    "she": re.compile(r"\b(?:mother|mom|wife|daughter|sister|aunt|grandmother|girlfriend|girl|woman|niece|mother-in-law)\b", re.I),
    "he": re.compile(r"\b(?:father|dad|husband|son|brother|uncle|grandfather|boyfriend|boy|man|nephew|boss)\b", re.I),
}  # fmt: skip
_SESSIONS_EN = re.compile(r"\bsessions?\b|\bthe (?:counselor|therapist)\b", re.I)
_CLIENT_EN = re.compile(r"^(?:the )?(?:client|patient|pt)\b", re.I)
_HAS = re.compile(r"^(He|She) (?:reports|describes|presents with|complains of|endorses)\b", re.I)
_AGED = re.compile(r"^(?:An? )?(\d+)[- ]year[- ]old (?:(?:man|woman|male|female|girl|boy)\b,? ?)?(.*)$", re.I)
_OF_AGE = re.compile(r"^A (?:\w+ )?(?:man|woman|girl|boy) of ([\w-]+)\b(.*)$", re.I)
_WHO = re.compile(r"^An? (?:[\w-]+ )?(?:man|woman|girl|boy|student|client)\b(?: in [\w ]+?)? who ", re.I)
_WHOM = re.compile(r"^An? [^,;]*\bwhom [^,;]*; ", re.I)
_NOT_A_NOUN = (
    r"(?:to|at|in|on|with|for|and|but|or|when|if|that|as|about|again|from|since|because|so|by|of|too|than|up|out)"
)


def mine_en(sentence: str) -> str | None:
    """A sentence of a record, said by the one it is about: She sleeps badly. -> I sleep badly."""
    if _SESSIONS_EN.search(sentence):
        return None
    pronoun = "He" if re.search(r"\b(?:he|his|him)\b", sentence, re.I) else "She"
    text = _headed(_HAS.sub(r"\1 has", _CLIENT_EN.sub(pronoun, sentence)))
    if text is None:
        return None
    people = {m[1].lower() for m in re.finditer(r"\b(he|she)\b", text, re.I)}
    if len(people) > 1:
        return None
    for pronoun in people:
        places = [m.start() for m in re.finditer(rf"\b{pronoun}\b", text, re.I)]
        found = _KIN_EN[pronoun].search(text)
        if found and found.start() < places[-1]:
            return None
    turned = re.sub(rf"\b(?:he|she)(?:'s)? ({_ADVERB})([\w']+)", _i_do, text, flags=re.I)
    if people or turned.startswith("I "):
        turned = re.sub(rf"(,| and| but| or|;)( {_ADVERB})(\w+s)\b", _and_do, turned)
    return _possessed(turned)


def _headed(sentence: str) -> str | None:
    """The beginning as the client would say it: an age, a state, a verb without its subject."""
    if found := _AGED.match(sentence):
        return f"I am {found[1]}{_rest(found[2])}"
    if found := _OF_AGE.match(sentence):
        rest = re.sub(r"^ whose ", ". My ", found[2])
        return None if re.match(r" wh", rest) else f"I am {found[1]}{rest}"
    sentence = _WHOM.sub("", _WHO.sub("She ", sentence))
    if re.match(r"An? \w+ (?:wh|of)", sentence):
        return None
    first = re.match(r"[\w']+", sentence)
    word = first[0].lower() if first else ""
    rest = sentence[len(word) :]
    if word == "denies":
        return f"I have no{rest}"
    if word == "no":
        return f"I have no{rest}"
    if word in _PLAIN_FIRST:
        return f"I {word}{rest}"
    if word in _STATES:
        return f"I have been {word}{rest}" if rest.startswith(" for ") else f"I am {word}{rest}"
    return f"I {_base(word)}{rest}" if _is_verb(word) else sentence


def _rest(text: str) -> str:
    """What follows an age: a trade gets its article, a verb its subject."""
    if not text.strip(" ."):
        return "."
    word = re.match(r"\w*", text)
    if word and _is_verb(word[0].lower()):
        return f". I {_base(word[0].lower())}{text[word.end() :]}"
    return f", {'an' if text[:1].lower() in 'aeiou' else 'a'} {text}"


def _is_verb(word: str) -> bool:
    return word.endswith("s") and _base(word) in _VERBS


def has_verb(sentence: str) -> bool:
    """Has it a finite verb that can be told from a noun, beginning like a sentence?"""
    words = re.findall(r"[a-z']+", sentence.lower())
    small = re.search(
        r"\b(?:is|are|was|were|has|have|had|does|did|can|could|will|would|feel|felt|said|told)\b|n't\b", sentence
    )
    return sentence[:1].isupper() and bool(small or any(_is_verb(word) for word in words[1:]))


def _base(verb: str) -> str:
    """sleeps -> sleep, worries -> worry, is -> am; other forms as they are."""
    if verb in _IRREGULAR:
        return _IRREGULAR[verb]
    if verb.endswith("ies"):
        return verb[:-3] + "y"
    if re.search(r"(?:ss|sh|ch|x|zz)es$", verb):
        return verb[:-2]
    return verb[:-1] if verb.endswith("s") and not verb.endswith(("ss", "was", "us")) else verb


def _i_do(found: re.Match[str]) -> str:
    return f"I {found[1]}{_base(found[2])}"


def _and_do(found: re.Match[str]) -> str:
    verb = found[3].lower()
    return f"{found[1]}{found[2]}{_base(verb) if _is_verb(verb) else found[3]}"


def _possessed(text: str) -> str:
    """his daughter -> my daughter; of two people only the one who is named first is the client."""
    first = re.search(r"\b(?:(his|him|himself)|(?:hers?|herself))\b", text, re.I)
    if first and first[1]:
        text = re.sub(r"\bhis(?= \w)", "my", re.sub(r"\bhimself\b", "myself", re.sub(r"\bHis(?= \w)", "My", text)))
        return re.sub(r"\bhis\b", "mine", re.sub(r"\bhim\b", "me", text))
    noun = rf"(?= (?!{_NOT_A_NOUN}\b)\w)"
    text = re.sub(rf"\bher{noun}", "my", re.sub(rf"\bHer{noun}", "My", text))
    return re.sub(r"\bhers\b", "mine", re.sub(r"\bher\b", "me", re.sub(r"\bherself\b", "myself", text)))
