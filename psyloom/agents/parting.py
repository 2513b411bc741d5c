"""Taking leave: who says goodbye, told apart from who only tells of one."""

import re

from psyloom.records import sentences

# As it is said at the end of a clause: who tells of a goodbye, or takes care of somebody, does not take leave.
_OVER = r"(?=[\s~～啦咯了哦吧]*(?:[,，.。!！…;；)）]|$))"
_FAREWELL = re.compile(
    rf"(?:^|[,，.。!！…;；–—-]|\b(?:and|then|so|well|okay|thanks|you|now))\s*(?:good ?bye|bye(?:[ -]bye)?|farewell"
    rf"|take (?:good )?care(?: of yourself)?)(?:{_OVER}| (?:for now|then|and|until|till)\b)"
    rf"|\bsee(?:ing)? you (?:next (?:time|week|session|month)|soon|later|tomorrow|then|on \w+day){_OVER}"
    rf"|(?:^|[,，.。!！…;；]\s*)(?:until|till) (?:next (?:time|week|session)|then){_OVER}"
    r"|\b(?:let us|let['’]s) (?:stop|leave it|end) (?:here|there) for (?:today|now)\b|\benough for today\b"
    rf"|(?<![说道过没声句次])(?:再见|拜拜){_OVER}|(?:下次|下回|下周|回头|改天|明天)(?:再)?见{_OVER}"
    rf"|(?:^|[,，.。!！…;；]\s*)[你您请也要多记得好]{{0,4}}保重(?:身体|自己)?{_OVER}"
    r"|(?:今天|我们|咱们)[^，。！？]{0,6}[先就](?:说|聊|谈)?到(?:这儿|这里)",
    re.IGNORECASE,
)
# Each form above holds one of these: most messages hold none, and this is asked of every message.
_HINTS = (
    "bye",
    "farewell",
    "care",
    "see you",
    "seeing you",
    "until",
    "till",
    "for today",
    "for now",
    "见",
    "拜拜",
    "保重",
    "到这",
)
_CLOSE = 400  # characters at the end that hold its last sentences


def takes_leave(text: str) -> bool:
    """Does a message close with a farewell? One that still asks something does not."""
    close = text[-_CLOSE:].lower()
    if "?" in text or "？" in text or not any(hint in close for hint in _HINTS):
        return False
    return any(_FAREWELL.search(one) for one in sentences(close)[-3:])
