"""Errors: one class for each answer that a program treats differently."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Optional

from ._abi import StatusCode

__all__ = [
    "AlreadyExists",
    "Busy",
    "Cancelled",
    "Closed",
    "Conflict",
    "FieldProblem",
    "InvalidArgument",
    "JoTrackError",
    "KeyUnavailable",
    "LibraryNotFound",
    "Misuse",
    "NotFound",
    "ProviderError",
    "QuotaExceeded",
    "RateLimited",
    "StepLocked",
    "StorageError",
    "TooLarge",
    "Unsupported",
    "ValidationError",
]


class LibraryNotFound(ImportError):
    """The shared library is not where it was looked for."""


@dataclass(frozen=True)
class FieldProblem:
    """A field that breaks a rule."""

    path: tuple[str, ...]
    rule: str
    message: str
    limit: Optional[int]


class JoTrackError(Exception):
    """A call that failed.

    ``str(error)`` is English and for logs: show a text of your own, chosen by ``code``.
    """

    def __init__(
        self,
        code: int,
        message: str,
        details: Optional[dict[str, Any]] = None,
        retry_after_ms: int = -1,
    ) -> None:
        super().__init__(message)
        #: Why it failed; a number that is not known here is a member too.
        self.code = StatusCode(code)
        self.message = message
        #: What a program can act on, see ``jotrack_error_details_json``.
        self.details: dict[str, Any] = details or {}
        #: Milliseconds until the same call may succeed: 0 = now, -1 = not without a change.
        self.retry_after_ms = retry_after_ms

    def __str__(self) -> str:
        return f"{self.code.name}: {self.message}"

    @property
    def is_retryable(self) -> bool:
        """Whether the same call may succeed later."""
        return self.retry_after_ms >= 0

    @property
    def reason(self) -> Optional[str]:
        """The word for the rule that forbids it, where there is one."""
        return self.details.get("reason")

    @property
    def fields(self) -> list[FieldProblem]:
        """The fields that break rules, for VALIDATION."""
        return [
            FieldProblem(
                tuple(str(part) for part in field.get("path", ())),
                field.get("rule", ""),
                field.get("message", ""),
                field.get("limit"),
            )
            for field in self.details.get("fields", ())
        ]


class InvalidArgument(JoTrackError, ValueError):
    """The program passed what nobody may pass: fix the program."""


class Misuse(JoTrackError, RuntimeError):
    """A call in the wrong place, such as closing the engine inside a callback."""


class NotFound(JoTrackError, LookupError):
    """There is no such object."""


class AlreadyExists(JoTrackError):
    """A rule about the state of the data forbids it; see ``reason``."""


class Conflict(JoTrackError):
    """Somebody else changed it: read again, then decide."""

    @property
    def current_version(self) -> Optional[int]:
        """The version that the object has now."""
        return self.details.get("currentVersion")


class ValidationError(JoTrackError, ValueError):
    """Fields break rules; see ``fields``."""


class TooLarge(JoTrackError):
    """Over a limit of bytes."""


class Unsupported(JoTrackError, NotImplementedError):
    """Not built into this library, or the library is older than this package."""


class QuotaExceeded(JoTrackError):
    """An allowance is used up."""


class StepLocked(JoTrackError):
    """A step of the coach is locked; ``details["missing"]`` says what is needed."""


class Cancelled(JoTrackError):
    """It was cancelled. Not asyncio's error: the task itself goes on."""


class RateLimited(JoTrackError):
    """Wait as long as ``retry_after_ms`` says."""


class Busy(JoTrackError):
    """A queue is full; back off."""


class Closed(JoTrackError):
    """The engine is closed, or closed before it was done."""


class StorageError(JoTrackError, OSError):
    """A file or the database failed."""

    def __str__(self) -> str:
        return JoTrackError.__str__(self)


class KeyUnavailable(JoTrackError):
    """A key is missing, wrong or worn out."""


class ProviderError(JoTrackError):
    """A model provider or the network failed, refused, or is not set up."""


_CLASSES: dict[StatusCode, type[JoTrackError]] = {
    StatusCode.INVALID_ARGUMENT: InvalidArgument,
    StatusCode.MISUSE: Misuse,
    StatusCode.NOT_FOUND: NotFound,
    StatusCode.ALREADY_EXISTS: AlreadyExists,
    StatusCode.CONFLICT: Conflict,
    StatusCode.VALIDATION: ValidationError,
    StatusCode.TOO_LARGE: TooLarge,
    StatusCode.UNSUPPORTED: Unsupported,
    StatusCode.QUOTA_EXCEEDED: QuotaExceeded,
    StatusCode.STEP_LOCKED: StepLocked,
    StatusCode.CANCELLED: Cancelled,
    StatusCode.RATE_LIMITED: RateLimited,
    StatusCode.BUSY: Busy,
    StatusCode.CLOSED: Closed,
    StatusCode.IO: StorageError,
    StatusCode.STORAGE: StorageError,
    StatusCode.CORRUPT: StorageError,
    StatusCode.STORAGE_FULL: StorageError,
    StatusCode.SCHEMA_TOO_NEW: StorageError,
    StatusCode.CRYPTO: KeyUnavailable,
    StatusCode.KEY_UNAVAILABLE: KeyUnavailable,
    StatusCode.NETWORK: ProviderError,
    StatusCode.AI_PROVIDER: ProviderError,
    StatusCode.AI_REFUSED: ProviderError,
    StatusCode.AI_NOT_CONFIGURED: ProviderError,
}


def error_of(
    code: int, message: str, details: str = "{}", retry_after_ms: int = -1
) -> JoTrackError:
    """The exception for a status."""
    kind = _CLASSES.get(StatusCode(code), JoTrackError)
    try:
        told = json.loads(details)
    except ValueError:
        told = {}
    return kind(code, message, told if isinstance(told, dict) else {}, retry_after_ms)
