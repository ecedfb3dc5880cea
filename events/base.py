"""The base of the vocabulary: frozen payload classes for requests and facts, each registered under its wire name."""

from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict

__all__ = ["FACTS", "REQUESTS", "Fact", "Payload", "Request", "TakenNameError", "machine_of"]


class TakenNameError(TypeError):
    """Two classes want the same wire name."""


class Payload(BaseModel):
    """The ``data`` of one message: frozen, closed against unknown members, strict about types that JSON knows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ClassVar[str]
    version: ClassVar[int] = 1

    def wire(self) -> dict[str, Any]:
        """The payload as it stands in JSON; members that are None are left out."""
        dumped: dict[str, Any] = self.__pydantic_serializer__.to_python(self, mode="json", exclude_none=True)
        return dumped

    @classmethod
    def read(cls, data: dict[str, Any]) -> Self:
        """The payload from JSON; raises ``pydantic.ValidationError`` naming each member that is wrong."""
        read: Self = cls.__pydantic_validator__.validate_python(data)
        return read

    @classmethod
    def schema_id(cls) -> str:
        """The path of the JSON Schema that describes this payload (CloudEvents ``dataschema``)."""
        return f"/schemas/{cls.name}/{cls.version}"


class Request(Payload):
    """Something asked of one subject of one machine; imperative on the wire (``file.start``) or a report."""

    attached: ClassVar[frozenset[str]] = frozenset()
    """Members that trusted parts attach as they see the world now; they make the same request no other one."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Enter the class in the register of requests."""
        super().__init_subclass__(**kwargs)
        _register(REQUESTS, cls)


class Fact(Payload):
    """Something that has happened to one subject; past tense on the wire (``file.started``). Kept for ever."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Enter the class in the register of facts."""
        super().__init_subclass__(**kwargs)
        _register(FACTS, cls)


REQUESTS: dict[str, type[Request]] = {}
FACTS: dict[str, type[Fact]] = {}


def machine_of(type_name: str) -> str:
    """The machine a wire name belongs to: ``file`` for ``file.started``."""
    return type_name.partition(".")[0]


def _register(register: dict[str, Any], cls: type[Payload]) -> None:
    name = cls.__dict__.get("name")
    if name is None:
        return  # an abstract step between the base and the classes with names
    if name in register:
        raise TakenNameError(f"{name}: wanted by {cls.__qualname__}, held by {register[name].__qualname__}")
    register[name] = cls
