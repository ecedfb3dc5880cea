"""How a site works on observing programs, as part of a stream's configuration, and so a versioned fact."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from events.op_parts import Orcid
from events.space_policy import Quota
from events.types import Name, Part

__all__ = ["GlobusPlace", "InForce", "ObservingPrograms", "Person"]

Uri = Annotated[str, StringConstraints(min_length=1, max_length=2048)]
CollectionId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
Prefix = Annotated[str, StringConstraints(pattern=r"^([a-z0-9][a-z0-9._-]*/)*$")]


class InForce(Part):
    """A policy in this version: as it is shipped with the program, or with its members written out here."""

    name: Name
    version: int = Field(1, ge=1)
    members: dict[str, Any] | None = Field(None, description="None: as shipped under this name and version")


class GlobusPlace(Part):
    """A collection to which products are delivered by Globus, beside the archive, and the one that sees them."""

    source: CollectionId = Field(description="the collection that sees what is handed in")
    source_root: Uri = Field(description="the folder that is its /, such as file:///products/")
    destination: CollectionId
    destination_path: str = Field("/", pattern=r"^/([^/]+/)*$", max_length=1024)
    embargoed: bool = Field(
        False, description="gets products under embargo too; else they are delivered when it ends"
    )


class Person(Part):
    """Somebody who is known here: whose an ORCID is, as whoever keeps the configuration has looked it up."""

    orcid: Orcid
    name: Name
    actors: tuple[Name, ...] = Field((), max_length=16, description="as whom they ask; none: nobody has said")


class ObservingPrograms(Part):
    """The stream that has this is the home of the site's observing programs. Without any, these are in force."""

    criteria: tuple[InForce, ...] = Field(
        (InForce(name="visp"),), min_length=1, description="the first that applies to the instrument judges"
    )
    readiness: InForce = Field(InForce(name="dkist"), description="what closes programs, by instrument")
    inputs: Uri | None = Field(
        None,
        description="where a dataset's files are, such as s3://data/{proposal}/{dataset}/; None: nothing is staged",
    )
    work_area: Uri | None = Field(None, description="the folder (file:///…) to which inputs are staged")
    staged: Quota = Field(
        Quota(),
        description="staged inputs that nobody works with; staged again for whoever claims their program",
    )
    output_roots: tuple[Uri, ...] = Field(
        (), description="URI prefixes under which what is handed in must lie"
    )
    repositories: tuple[Uri, ...] = Field(
        (), description="URL prefixes of repositories that may be asked whether they have a commit"
    )
    bucket: Name | None = Field(None, description="of what is published; None: the site's bucket")
    prefix: Prefix = "published/"
    portal: Uri | None = Field(None, description="the metadata store (http…); None: nothing can be published")
    globus: GlobusPlace | None = Field(None, description="None: products go to the archive alone")
    doi_prefix: Annotated[str, StringConstraints(pattern=r"^10\.\d{4,9}$")] | None = None
    publisher: str = Field("", max_length=255)
    claims: Literal["anybody", "with_orcid", "known"] = Field(
        "anybody",
        description="with_orcid: nobody claims, or is handed over to, without an ORCID; known: of ``people``",
    )
    people: tuple[Person, ...] = Field((), max_length=500, description="the people that are known here")
    lease_days: float = Field(14, gt=0, le=180, description="of a claimant whose hand-in was refused")

    @property
    def wants_orcid(self) -> bool:
        """Nobody claims without an ORCID."""
        return self.claims != "anybody"

    def against(self, orcid: str | None, claimant: str) -> str | None:
        """What is known here that speaks against somebody's being who this ORCID says, and what would help."""
        if self.claims != "known" or orcid is None:
            return None
        whose = next((each for each in self.people if each.orcid == orcid), None)
        if whose is None:
            return (
                f"found the ORCID {orcid} of {claimant}, wanted that of one of the {len(self.people)} people who are "
                "known here; have it entered in the home's configuration (programs.people)"
            )
        if whose.actors and claimant not in whose.actors:
            asks_as = ", ".join(whose.actors)
            return f"the ORCID {orcid} is that of {whose.name}, who asks as {asks_as}, found {claimant}; say your own"
        return None
