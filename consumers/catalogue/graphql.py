"""A catalogue behind a GraphQL endpoint: asked page by page, and not believed where it contradicts itself."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import requests

from consumers.catalogue.catalogue_file import PATH, answered
from consumers.catalogue.http_answers import Answer, NoAnswerError, Patience, fetch
from consumers.catalogue.look import Look, Seen

__all__ = ["FIELDS", "GraphqlCatalogue", "HttpDocument"]

FIELDS = """
    datasetId createDate updateDate startTime endTime exposureTime isEmbargoed embargoEndDate primaryExperimentId
    primaryProposalId observingProgramExecutionId instrumentProgramExecutionId instrumentName datasetSize frameCount
    headerVersion boundingBox stokesParameters wavelengthMax wavelengthMin health { bad ill good unknown }
    gosStatus { open closed closing opening undefined } aoLocked lightLevel { max med min p25 p75 }
    polarimetricAccuracy friedParameter { max med min p25 p75 }
"""
_ALL = f"query DatasetInventories {{ datasetInventories {{ {FIELDS} }} }}"
_PAGE = (
    "query DatasetInventories($limit: Int!, $offset: Int!) "
    f"{{ datasetInventories(limit: $limit, offset: $offset) {{ {FIELDS} }} }}"
)
_BY_NAME = (
    "query DatasetInventories($ids: [String!]!) "
    f"{{ datasetInventories(filterParams: {{ datasetIds: $ids }}) {{ {FIELDS} }} }}"
)
_NAMES_AT_ONCE = 100
_MOST = 5_000_000
_LOST_PAGES = 3  # so many in a row, and the server is away rather than a page broken


class _Http:
    """What both kinds of catalogue behind an address share."""

    def __init__(
        self,
        url: str,
        *,
        patience: Patience | None = None,
        validators: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        folder: Path | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._url = url
        self._patience = patience or Patience()
        self._validators = dict(validators or {})
        self._folder = folder
        self._sleep = sleep
        self._session = requests.Session()
        self._session.headers.update(headers or {})

    @property
    def name(self) -> str:
        return self._url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def _fetch(self, ask: Mapping[str, Any] | None = None, validator: str | None = None) -> Answer:
        return fetch(
            self._session,
            self._url,
            path=PATH,
            ask=ask,
            validator=validator,
            patience=self._patience,
            folder=self._folder,
            sleep=self._sleep,
        )


class HttpDocument(_Http):
    """A catalogue that is one document at an address."""

    def records(self, look: Look) -> Iterator[Seen]:
        """All records; none and ``look.unchanged`` where the server says that nothing has changed."""
        try:
            answer = self._fetch(validator=self._validators.get(self._url))
        except NoAnswerError as error:
            look.missed(self._url, error.found, error.wanted, error.help)
            return
        _remember(look, self._url, answer)
        if answer.unchanged:
            look.unchanged = True
            return
        with answer.text as stream:
            yield from answered(stream, look, where=self._url)

    def again(self, dataset_ids: Sequence[str]) -> list[Seen] | None:  # noqa: ARG002 - a document says all it has
        return None


class GraphqlCatalogue(_Http):
    """A catalogue that answers queries. ``page_size`` None: it knows no pages and answers with everything at once."""

    def __init__(self, url: str, *, page_size: int | None = None, **options: Any) -> None:
        super().__init__(url, **options)
        self._page_size = page_size
        self._answers = 0

    def records(self, look: Look) -> Iterator[Seen]:
        """All records, as far as the endpoint gives them."""
        if self._unchanged(look):
            return
        self._answers = 0
        if self._page_size is None:
            yield from self._all(look)
        else:
            yield from self._pages(look, self._page_size)
        if len(look.validators) != self._answers:
            look.validators.clear()  # an answer without one might change unseen

    def again(self, dataset_ids: Sequence[str]) -> list[Seen] | None:
        """Ask for these by their names; None where the endpoint does not answer that."""
        found: list[Seen] = []
        for first in range(0, len(dataset_ids), _NAMES_AT_ONCE):
            names = list(dataset_ids[first : first + _NAMES_AT_ONCE])
            look = Look()
            try:
                answer = self._fetch({"query": _BY_NAME, "variables": {"ids": names}})
            except NoAnswerError:
                return None
            with answer.text as stream:
                asked = list(answered(stream, look, where=self._url))
            if look.gaps:
                return None
            found += [each for each in asked if _id_of(each) in names]
        return found

    # --- one answer with everything ---

    def _all(self, look: Look) -> Iterator[Seen]:
        try:
            answer = self._fetch({"query": _ALL})
        except NoAnswerError as error:
            look.missed(self._url, error.found, error.wanted, error.help)
            return
        self._answers += 1
        _remember(look, self._key(0), answer)
        with answer.text as stream:
            yield from answered(stream, look, where=self._url)

    # --- pages ---

    def _pages(self, look: Look, size: int) -> Iterator[Seen]:
        pages = _Pages(self._url, size, look)
        offset, lost = 0, 0
        while True:
            try:
                page = self._page(look, offset, size)
            except NoAnswerError as error:
                lost += 1
                pages.lost(offset, error)
                if lost >= _LOST_PAGES or error.is_final:
                    return
                offset += size
                continue
            lost = 0
            yield from page
            if not pages.took(offset, page):
                return
            # By what came, not by what was asked: a store that gives less at once is followed, and one that has
            # dropped a record of this page gives its last one again, which shows.
            offset += len(page)

    def _page(self, look: Look, offset: int, size: int) -> list[Seen]:
        answer = self._fetch(self._page_query(offset, size))
        self._answers += 1
        _remember(look, self._key(offset), answer)
        with answer.text as stream:
            return list(answered(stream, look, where=f"{self._url} from record {offset}", first=offset))

    def _page_query(self, offset: int, size: int) -> dict[str, Any]:
        return {"query": _PAGE, "variables": {"limit": size, "offset": offset}}

    # --- what we have already ---

    def _key(self, offset: int) -> str:
        return f"{self._url} {self._page_size or 'all'} {offset}"

    def _unchanged(self, look: Look) -> bool:
        """Whether every answer of the last look would be the same again; then none of them is sent."""
        keys = [key for key in self._validators if key.startswith(f"{self._url} {self._page_size or 'all'} ")]
        offsets = sorted(int(key.rpartition(" ")[2]) for key in keys)
        for offset in offsets:
            query = {"query": _ALL} if self._page_size is None else self._page_query(offset, self._page_size)
            try:
                answer = self._fetch(query, self._validators[self._key(offset)])
            except NoAnswerError:
                return False  # the look itself meets it again and tells
            answer.text.close()
            if not answer.unchanged:
                return False
        look.unchanged = bool(offsets)
        look.validators.update({key: self._validators[key] for key in keys} if offsets else {})
        return look.unchanged


class _Pages:
    """Whether the pages agree with each other: full until the last, each record once, and an end."""

    def __init__(self, url: str, size: int, look: Look) -> None:
        self._url = url
        self._size = size
        self._look = look
        self._seen: set[int] = set()

    def lost(self, offset: int, error: NoAnswerError) -> None:
        where = f"{self._url} records {offset} to {offset + self._size - 1}"
        self._look.missed(where, error.found, error.wanted, error.help)

    def took(self, offset: int, page: Sequence[Seen]) -> bool:
        """Whether to go on after this page. Only an empty page is an end: a short one may have lost records."""
        where = f"{self._url} from record {offset}"
        names = [hash(_id_of(each)) for each in page]
        new = set(names) - self._seen
        if page and not new:
            self._look.missed(
                where, "records that came before, all of them", "further ones, or none", _NO_PAGES
            )
            return False
        repeated = len(names) - len(new)
        if repeated:
            found = f"{repeated} records for the second time"
            self._look.missed(where, found, "each record once", "others were skipped, perhaps: scan again")
        self._seen |= new
        if len(self._seen) > _MOST:
            self._look.missed(where, f"more than {_MOST} records", "an end", "ask who runs the store")
            return False
        return bool(page)


_NO_PAGES = "it does not follow what is asked of its pages: scan without --page-size"


def _remember(look: Look, key: str, answer: Answer) -> None:
    if answer.validator:
        look.validators[key] = answer.validator


def _id_of(seen: Seen) -> Any:
    name = seen.raw.get("datasetId") if isinstance(seen.raw, Mapping) else None
    return name if isinstance(name, str) else repr(seen.raw)
