"""Search as one types, in this process: tantivy over folded words, one typo forgiven in a word of four letters or more.

Tantivy's own ranking is by rarity of words, which is right for texts and wrong for names: who types "al" wants Alien, not
the rarest word with those letters. So every clause has a constant score, and the scores make tiers that no sum of lower
ones can reach: the whole name, the name's beginning, words of the name, people. Within a tier the newer film wins.

What a party may not see is left out inside the query, before anything is counted or cut to length. Nor has it a say in the
order of what is found: titles with the same score come by their ids, and not as the index happens to hold them, which follows
from all that was ever written to it.
"""

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import tantivy

from matinee.base.ids import TitleId
from matinee.catalogue.folding import STOP_WORDS, indexed_words, starts, typed_words
from matinee.catalogue.model import AGE_CLASSES, Sight, Title, TitleKind

MAX_QUERY_CHARS: Final = 100
MAX_QUERY_WORDS: Final = 8
FUZZY_FROM_LETTERS: Final = 4
_WRITER_BYTES: Final = 15_000_000
_MANY: Final = 5_000
_SPARE_TIES: Final = 64
"""Asked of the index beyond what is wanted, so that it seldom needs to be asked again for the rest of a score."""

# Tiers: the whole name, its beginning, then each word by where it was found and how well it fits. Each is a sum of a few
# powers of two, so that scores add up to the same number in whatever order the index adds them.
_WHOLE_NAME: Final = 200.0
_NAME_BEGINS: Final = 100.0
_NAME_WORD: Final = 4.0
_NAME_WORD_BEGINS: Final = 3.0
_NEARLY_WHOLE_NAME: Final = 50.0
_NAME_WORD_NEAR: Final = 2.0
_PERSON: Final = 1.75
_PERSON_BEGINS: Final = 1.5
_NAME_WORD_NEAR_BEGINS: Final = 1.25
_PERSON_NEAR_BEGINS: Final = 0.5
_NEWNESS_SHARE: Final = 0.02
"""How much of its score the newest film gains over the oldest: less than any step between tiers."""


def _schema() -> Any:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", tokenizer_name="raw", index_option="basic")
    builder.add_unsigned_field("number", fast=True)
    builder.add_float_field("newness", fast=True)
    builder.add_text_field("service", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("age", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("start", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("word", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("person", tokenizer_name="raw", index_option="basic")
    return builder.build()


class SearchIndex:
    """The index of films, series and episodes. Reading is safe from many threads, beside one that writes."""

    def __init__(self) -> None:
        self._schema = _schema()
        self._lock = threading.Lock()
        # The index and the titles that its numbers stand for, swapped as one.
        self._now: tuple[Any, list[TitleId]] = (tantivy.Index(self._schema), [])

    def rebuild(self, titles: Iterable[Title]) -> None:
        """Begin anew with these titles."""
        with self._lock:
            index, ids = tantivy.Index(self._schema), list[TitleId]()
            self._write(index, ids, {title.id: title for title in titles}, fresh=True)
            self._now = index, ids

    def update(self, changes: Mapping[TitleId, Title | None]) -> None:
        """Bring these titles up to date; None takes one out."""
        if changes:
            with self._lock:
                self._write(*self._now, changes, fresh=False)

    def find(self, sight: Sight, query: str, limit: int) -> list[TitleId]:
        """The titles that fit best, best first: all words of the query, as they are, and after those with a typo each.

        An empty query finds nothing. Windows are not known here: the caller looks each title up in its view.
        """
        words = typed_words(query[:MAX_QUERY_CHARS])[:MAX_QUERY_WORDS]
        if not words or not sight.searched or limit < 1:
            return []
        index, ids = self._now
        searcher = index.searcher()
        found = _hits(searcher, ids, self._query(sight, words, forgiving=False), limit)
        if len(found) < limit and any(map(_may_be_mistyped, words)):
            forgiven = _hits(searcher, ids, self._query(sight, words, forgiving=True), limit)
            found = list(dict.fromkeys([*found, *forgiven]))[:limit]
        return found

    def _query(self, sight: Sight, words: Sequence[str], *, forgiving: bool) -> Any:
        query, occur = tantivy.Query, tantivy.Occur
        ages = [str(age) for age in AGE_CLASSES if age <= sight.max_age]
        clauses = [
            (occur.Must, query.const_score_query(query.term_set_query(self._schema, "service", sorted(sight.searched)), 0.0)),
            (occur.Must, query.const_score_query(query.term_set_query(self._schema, "age", ages), 0.0)),
            *(
                (occur.Must if needed else occur.Should, self._word(word, forgiving=forgiving))
                for word, needed in _weighed(words)
            ),
        ]
        name = " ".join(words)
        clauses.append((occur.Should, query.const_score_query(query.term_query(self._schema, "start", name), _WHOLE_NAME)))
        clauses.append((occur.Should, query.const_score_query(self._begins("start", name), _NAME_BEGINS)))
        if forgiving:
            clauses.append((occur.Should, query.const_score_query(self._near("start", name), _NEARLY_WHOLE_NAME)))
        return query.boolean_query(clauses)

    def _word(self, word: str, *, forgiving: bool) -> Any:
        query = tantivy.Query
        ways = [
            query.const_score_query(query.term_query(self._schema, "word", word), _NAME_WORD),
            query.const_score_query(self._begins("word", word), _NAME_WORD_BEGINS),
            query.const_score_query(query.term_query(self._schema, "person", word), _PERSON),
            query.const_score_query(self._begins("person", word), _PERSON_BEGINS),
        ]
        if forgiving and _may_be_mistyped(word):
            ways.append(query.const_score_query(self._near("word", word), _NAME_WORD_NEAR))
            ways.append(query.const_score_query(self._near("word", word, prefix=True), _NAME_WORD_NEAR_BEGINS))
            ways.append(query.const_score_query(self._near("person", word, prefix=True), _PERSON_NEAR_BEGINS))
        return query.disjunction_max_query(ways)

    def _begins(self, field: str, text: str) -> Any:
        return tantivy.Query.fuzzy_term_query(self._schema, field, text, distance=0, prefix=True)

    def _near(self, field: str, text: str, *, prefix: bool = False) -> Any:
        return tantivy.Query.fuzzy_term_query(self._schema, field, text, distance=1, transposition_cost_one=True, prefix=prefix)

    def _write(self, index: Any, ids: list[TitleId], changes: Mapping[TitleId, Title | None], *, fresh: bool) -> None:
        # A writer holds threads and memory: it lives for one batch, and an idle server has none.
        writer = index.writer(heap_size=_WRITER_BYTES * (4 if len(changes) > _MANY else 1), num_threads=1)
        for one, title in changes.items():
            if not fresh:
                writer.delete_documents_by_term("id", one)
            if title is not None and title.kind is not TitleKind.SEASON:
                ids.append(one)
                writer.add_document(_document(title, len(ids) - 1))
        writer.commit()
        writer.wait_merging_threads()
        index.reload()


def _hits(searcher: Any, ids: Sequence[TitleId], query: Any, limit: int) -> list[TitleId]:
    """The best titles, those with the same score by their ids: also of those at the end, of which not all find a place."""
    asked = limit + _SPARE_TIES
    while True:
        hits = searcher.search(query, limit=asked, count=False, weight_by_field="newness").hits
        if len(hits) < asked or hits[-1][0] < hits[limit - 1][0]:
            break
        asked *= 4
    if not hits:
        return []
    numbers = searcher.fast_field_values("number", [address for _, address in hits])
    scored = [(-score, ids[number]) for (score, _), number in zip(hits, numbers, strict=True)]
    return [one for _, one in sorted(scored)[:limit]]


def _may_be_mistyped(word: str) -> bool:
    """Long enough that one letter is not half of it, and no number: who types 2001 does not mean 2010."""
    return len(word) >= FUZZY_FROM_LETTERS and not word.isdigit()


def _weighed(words: Sequence[str]) -> list[tuple[str, bool]]:
    """Each word, and whether a title must have it: not the small ones, as long as there is another word."""
    heavy = any(word not in STOP_WORDS for word in words)
    return [(word, not heavy or word not in STOP_WORDS) for word in words]


def _document(title: Title, number: int) -> Any:
    names = [text.name for text in title.text.values() if text.name]
    people = [name for credit in title.credits for name in credit.names]
    document = tantivy.Document()
    document.add_text("id", title.id)
    document.add_unsigned("number", number)
    document.add_float("newness", _newness(title))
    document.add_text("service", title.service)
    document.add_text("age", str(int(title.age_class)))
    for start in dict.fromkeys(start for name in names for start in starts(name)):
        document.add_text("start", start)
    for word in dict.fromkeys(word for name in names for word in indexed_words(name)):
        document.add_text("word", word)
    for word in dict.fromkeys(word for name in people for word in indexed_words(name)):
        document.add_text("person", word)
    return document


def _newness(title: Title) -> float:
    """What tantivy's weight (score x log2(2 + value)) is given, so that the newest film gains `_NEWNESS_SHARE`."""
    age = min(max((title.year or 1888) - 1888, 0), 200) / 200
    if title.kind is TitleKind.EPISODE:
        age /= 2  # a film or a series of the same name comes first
    return float(2.0 ** (1.0 + _NEWNESS_SHARE * age) - 2.0)
