"""Whether words break off: "what time do you" asks for more, "what time do you close" does not.

Only a word that hardly ever ends what people say counts, so that nobody has to wait who has finished.
"""

from __future__ import annotations

import re

from pipeline.speech import primary_language


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NEVER_LAST = {
    "en": _words("""
        a an the my your our their and or but because if whether than
        i'm we're they're i'd i'll we'd we'll you'd of into um uh uhm erm hmm er
        whose every any
        """),
    "es": _words("""
        el la los las un una unos unas mi tu su mis tus sus nuestro nuestra del al y e o u pero porque aunque si
        de en con sin para por hasta desde entre sobre que eh em este
        """),
}
"""Words, in lower case, after which more comes."""

_NEVER_LAST_PHRASES = {
    "en": re.compile(
        r"(?:\b(?:do|does|did|can|could|would|will|should|have) (?:you|i|we|they|he|she|it)"
        r"|\b(?:is|are|was|were) (?:there|it|they|you|we)|\bthere (?:is|are)"
        r"|\bi (?:would like|want|need|would)(?: to)?|\b(?:how|what|which|where|when) (?:much|many|time|kind|sort)?\s*"
        r"(?:is|are|do|does|did|can|could|would|will)|\bhow (?:much|many) (?:is|are|do|does)"
        r"|\b(?:do|can|could|would) you(?: please)?|^(?:do|does) (?:you|they) (?:have|sell|take|accept)"
        r"|\bwhich \w+ (?:is|are)|\b(?:tell|show) me (?:where|what|when|how|if)|\b(?:open|close|closed) at|\bwhat time"
        r"|\bhow many|\b(?:i am|i'm) looking|\blooking for|\binstead of|\bas well as|\bsuch as)$"
    ),
    "es": re.compile(
        r"(?:\b(?:me gustaría|quisiera|quiero|necesito|estoy buscando|busco)|\bhay|\b(?:qué|cuál|cuáles) (?:es|son)"
        r"|\b(?:dónde|cuándo|cómo) (?:está|están|es)|\ba qué hora)$"
    ),
}
"""The same for several words."""

_MAY_END = {
    "en": re.compile(r"(?:\b(?:yes|no),? (?:it|there|i|we|you|they) \w+|\bhow much is it|\bwhere is it|\bwhat is it"
                     r"|\b(?:how|who|where) are you|\bwhat (?:can|could|do|would) you do|\bwhere are (?:they|we)"
                     r"|\bwhat (?:is|are) (?:they|those|these)|\bof course|\bhow many|\bis it)$"),
    "es": re.compile(
        r"(?:\bcómo (?:está|es)|\bqué (?:es|hay)|\bcuál es|\b(?:no|sí|qué más) hay|\bpara qué|\bpor qué)$"
    ),
}  # fmt: skip
"""What those phrases would take for unfinished and is not."""


def looks_unfinished(text: str, language: str) -> bool:
    """Whether more is to come after ``text``; never in a language (ISO 639-1 code) that is not known here."""
    spoken = primary_language(language)
    if spoken not in _NEVER_LAST:
        return False
    if re.search(r"(?:\.\.\.|…|,|-|–|—)\s*$", text):
        return True
    words = re.sub(r"[^\w' ]+", " ", text.casefold().replace("’", "'")).split()
    if not words:
        return False
    said = " ".join(words)
    if _MAY_END[spoken].search(said):
        return False
    return words[-1] in _NEVER_LAST[spoken] or _NEVER_LAST_PHRASES[spoken].search(said) is not None
