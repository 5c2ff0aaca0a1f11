"""The declarations of include/jotrack.h for ctypes, as they are.

Written by examples/declarations.py: run it when the header has changed.
"""

# ruff: noqa: N801

from ctypes import (
    CFUNCTYPE,
    POINTER,
    Structure,
    c_bool,
    c_char,
    c_char_p,
    c_double,
    c_int32,
    c_int64,
    c_size_t,
    c_uint32,
    c_uint64,
    c_void_p,
)
from enum import IntEnum, IntFlag
from typing import Any


class Known(IntEnum):
    """An enum. A number that only a newer library knows is a member too."""

    @classmethod
    def _missing_(cls, value: object) -> "Known":
        if not isinstance(value, int):
            raise ValueError(value)
        member = int.__new__(cls, value)
        member._name_ = f"UNKNOWN_{value}"
        member._value_ = value
        return member


class StatusCode(Known):
    OK = 0
    INVALID_ARGUMENT = 1
    MISUSE = 2
    NOT_FOUND = 3
    ALREADY_EXISTS = 4
    CONFLICT = 5
    VALIDATION = 6
    UNAUTHENTICATED = 7
    FORBIDDEN = 8
    TOO_LARGE = 9
    UNSUPPORTED = 10
    QUOTA_EXCEEDED = 11
    STEP_LOCKED = 12
    ALREADY_FINISHED = 13
    IDEMPOTENCY_MISMATCH = 14
    UNSUPPORTED_TYPE = 15
    CANCELLED = 20
    TIMEOUT = 21
    RATE_LIMITED = 22
    BUSY = 23
    END = 24
    CLOSED = 25
    LAGGED = 26
    SUSPENDED = 27
    IO = 40
    STORAGE = 41
    CORRUPT = 42
    NETWORK = 43
    AI_PROVIDER = 44
    AI_REFUSED = 45
    CRYPTO = 46
    SCHEMA_TOO_NEW = 47
    AI_NOT_CONFIGURED = 48
    STORAGE_FULL = 49
    KEY_UNAVAILABLE = 50
    INTERNAL = 90
    PANIC = 91


class JobStatus(Known):
    ON_RADAR = 1
    APPLIED = 2
    PHONE_SCREEN = 3
    ONSITE = 4
    OFFER = 5
    ACCEPTED = 6
    REJECTED = 7
    WITHDRAWN = 8
    GHOSTED = 9


class CoachStatus(Known):
    NOT_STARTED = 1
    PROFILE_BUILDING = 2
    RESUME_READY = 3
    APPLIED = 4
    INTERVIEW_PREP = 5


class CoachStep(Known):
    DISCOVERY = 1
    SCORE = 2
    RESUME = 3
    COVER_LETTER = 4
    READY = 5
    RECRUITER = 6
    HIRING_MANAGER = 7
    PEER = 8


class AttachmentKind(Known):
    RESUME = 1
    JD = 2
    COVER_LETTER = 3
    OTHER = 4


class VariantName(Known):
    RAW = 1
    AI_NORMALIZED = 2


class TextState(Known):
    NONE = 1
    PENDING = 2
    READY = 3
    EMPTY = 4
    FAILED = 5


class TextError(Known):
    CORRUPT = 1
    ENCRYPTED = 2
    TOO_COMPLEX = 3
    TIMEOUT = 4


class ScoreBand(Known):
    POOR = 1
    GOOD = 2
    EXCELLENT = 3


class JobOrder(Known):
    CREATED = 0
    UPDATED = 1
    COMPANY = 2
    TITLE = 3
    STATUS = 4


class Selection(Known):
    NO = 0
    ONLY = 1
    BOTH = 2


class ChangeOp(Known):
    CREATED = 1
    UPDATED = 2
    DELETED = 3


class EventKind(Known):
    CHANGED = 1
    RESYNC = 2
    STATE = 3


class EngineState(Known):
    OPEN = 1
    SUSPENDED = 2
    READ_ONLY = 3
    CLOSING = 4


class DispatchMode(Known):
    THREAD = 0
    HOST = 1


class LogLevel(Known):
    ERROR = 1
    WARN = 2
    INFO = 3
    DEBUG = 4
    TRACE = 5


class Feature(IntFlag):
    GRAPHQL = 1


class Entity(IntFlag):
    JOB = 1
    STATUS_CHANGE = 2
    ATTACHMENT = 4
    ATTACHMENT_VARIANT = 8
    COACH_STATE = 16
    ANALYSIS = 32
    ACCOUNT = 64


class OpenFlag(IntFlag):
    READ_ONLY = 1
    NO_CREATE = 2
    NO_NETWORK = 4


class CommitFlag(IntFlag):
    UNCHANGED = 1
    REPLAYED = 2
    TYPE_MISMATCH = 4


class JobField(IntFlag):
    COMPANY = 1
    TITLE = 2
    LOCATION = 4
    POSTING_URL = 8
    NOTES = 16
    STATUS = 32
    SOURCE = 64


class PageFlag(IntFlag):
    MORE = 1
    RESET = 2


class VariantFlag(IntFlag):
    TRUNCATED = 1


class AnalysisFlag(IntFlag):
    REFRESH = 1
    BACKGROUND = 2


jotrack_log_cb = CFUNCTYPE(None, c_void_p, c_int32, c_void_p, c_void_p, c_size_t)


class jotrack_options(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("data_dir", c_char_p),
        ("database", c_char_p),
        ("config_json", c_char_p),
        ("dispatch", c_int32),
        ("worker_threads", c_uint32),
        ("flags", c_uint64),
        ("master_key", c_char_p),
        ("log", jotrack_log_cb),
        ("log_user", c_void_p),
        ("log_level", c_int32),
        ("queue_capacity", c_uint32),
    ]


jotrack_wakeup_cb = CFUNCTYPE(None, c_void_p)


class jotrack_stats(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("rev", c_uint64),
        ("jobs", c_uint64),
        ("jobs_trashed", c_uint64),
        ("db_bytes", c_uint64),
        ("wal_bytes", c_uint64),
        ("cache_entries", c_uint64),
        ("cache_bytes", c_uint64),
        ("cache_hits", c_uint64),
        ("tokens_in", c_uint64),
        ("tokens_out", c_uint64),
        ("cost_micros", c_int64),
        ("ops_running", c_uint64),
        ("subscriptions", c_uint64),
        ("queue_len", c_uint64),
        ("logs_dropped", c_uint64),
    ]


class jotrack_job_input(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("fields", c_uint64),
        ("company", c_char_p),
        ("title", c_char_p),
        ("location", c_char_p),
        ("posting_url", c_char_p),
        ("source", c_char_p),
        ("notes", c_char_p),
        ("notes_len", c_size_t),
        ("status_at_ms", c_int64),
        ("status", c_int32),
        ("reserved", c_uint32),
    ]


class jotrack_write(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("idempotency_key", c_char_p),
        ("expected_version", c_int64),
    ]


class jotrack_commit(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("rev", c_uint64),
        ("flags", c_uint32),
        ("reserved", c_uint32),
        ("id", c_char * 40),
        ("version", c_int64),
    ]


class jotrack_job_filter(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("statuses", c_uint64),
        ("coach_statuses", c_uint64),
        ("text", c_char_p),
        ("company", c_char_p),
        ("created_from_ms", c_int64),
        ("created_to_ms", c_int64),
        ("has_attachment", c_int32),
        ("archived", c_int32),
        ("trashed", c_int32),
        ("order", c_int32),
    ]


class jotrack_str(Structure):
    _fields_ = [
        ("data", c_void_p),
        ("len", c_size_t),
    ]


class jotrack_job(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("id", jotrack_str),
        ("company", jotrack_str),
        ("title", jotrack_str),
        ("location", jotrack_str),
        ("posting_url", jotrack_str),
        ("source", jotrack_str),
        ("notes", jotrack_str),
        ("resume_attachment_id", jotrack_str),
        ("jd_attachment_id", jotrack_str),
        ("status", c_int32),
        ("coach_status", c_int32),
        ("coach_progress", c_int32),
        ("attachment_count", c_int32),
        ("attachment_kinds", c_uint32),
        ("reserved", c_uint32),
        ("match_score", c_double),
        ("version", c_int64),
        ("created_at_ms", c_int64),
        ("updated_at_ms", c_int64),
        ("status_since_ms", c_int64),
        ("applied_at_ms", c_int64),
        ("archived_at_ms", c_int64),
        ("trashed_at_ms", c_int64),
        ("purge_at_ms", c_int64),
    ]


class jotrack_page_info(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("rev", c_uint64),
        ("total", c_int64),
        ("next", jotrack_str),
        ("flags", c_uint32),
        ("reserved", c_uint32),
    ]


class jotrack_attachment(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("id", jotrack_str),
        ("job_id", jotrack_str),
        ("filename", jotrack_str),
        ("media_type", jotrack_str),
        ("sha256", jotrack_str),
        ("kind", c_int32),
        ("is_active", c_int32),
        ("text_state", c_int32),
        ("text_error", c_int32),
        ("version", c_int64),
        ("size", c_uint64),
        ("created_at_ms", c_int64),
        ("trashed_at_ms", c_int64),
    ]


class jotrack_attachment_input(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("job_id", c_char_p),
        ("filename", c_char_p),
        ("size_hint", c_uint64),
        ("kind", c_int32),
        ("reserved", c_uint32),
    ]


class jotrack_variant(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("attachment_id", jotrack_str),
        ("job_id", jotrack_str),
        ("text", jotrack_str),
        ("kind", c_int32),
        ("variant", c_int32),
        ("token_estimate", c_int32),
        ("word_count", c_int32),
        ("flags", c_uint32),
        ("reserved", c_uint32),
        ("created_at_ms", c_int64),
        ("version", c_int64),
    ]


class jotrack_coach(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("status", c_int32),
        ("progress", c_int32),
        ("next_step", c_int32),
        ("milestones", c_uint32),
        ("locked", c_uint32),
        ("reserved", c_uint32),
        ("version", c_int64),
        ("updated_at_ms", c_int64),
    ]


class jotrack_match(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("value", c_double),
        ("computed_at_ms", c_int64),
        ("band", c_int32),
        ("has_score", c_int32),
    ]


class jotrack_analysis_request(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("kind", c_char_p),
        ("job_id", c_char_p),
        ("company", c_char_p),
        ("attachment_id", c_char_p),
        ("persona", c_char_p),
        ("params_json", c_char_p),
        ("provider", c_char_p),
        ("model", c_char_p),
        ("idempotency_key", c_char_p),
        ("flags", c_uint32),
        ("reserved", c_uint32),
    ]


jotrack_op_event_cb = CFUNCTYPE(None, c_void_p, c_void_p, c_size_t)


jotrack_done_cb = CFUNCTYPE(None, c_void_p, c_int32, c_void_p, c_size_t, c_void_p)


class jotrack_event(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("kind", c_int32),
        ("state", c_int32),
        ("entities", c_uint64),
        ("first_rev", c_uint64),
        ("last_rev", c_uint64),
    ]


jotrack_event_cb = CFUNCTYPE(None, c_void_p, POINTER(jotrack_event))


class jotrack_change(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("rev", c_uint64),
        ("entity", c_uint64),
        ("op", c_int32),
        ("reserved", c_uint32),
        ("id", jotrack_str),
    ]


class jotrack_graphql_request(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("query", c_char_p),
        ("operation_name", c_char_p),
        ("variables_json", c_char_p),
        ("timeout_ms", c_uint32),
        ("reserved", c_uint32),
    ]


#: The result and the parameters of every function.
FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "jotrack_version_number": (c_uint32, ()),
    "jotrack_version_string": (c_char_p, ()),
    "jotrack_status_name": (c_char_p, (c_int32,)),
    "jotrack_features": (c_uint64, ()),
    "jotrack_string_free": (None, (c_void_p,)),
    "jotrack_error_code": (c_int32, (c_void_p,)),
    "jotrack_error_message": (c_char_p, (c_void_p,)),
    "jotrack_error_details_json": (c_char_p, (c_void_p,)),
    "jotrack_error_retry_after_ms": (c_int64, (c_void_p,)),
    "jotrack_error_free": (None, (c_void_p,)),
    "jotrack_options_init": (None, (POINTER(jotrack_options), c_size_t)),
    "jotrack_engine_open": (
        c_int32,
        (
            POINTER(jotrack_options),
            POINTER(c_void_p),
            POINTER(c_void_p),
        ),
    ),
    "jotrack_engine_close": (c_int32, (c_void_p,)),
    "jotrack_engine_health_json": (c_int32, (c_void_p, POINTER(c_void_p), POINTER(c_void_p))),
    "jotrack_dispatch": (
        c_int32,
        (
            c_void_p,
            c_int32,
            c_uint32,
            POINTER(c_uint32),
            POINTER(c_void_p),
        ),
    ),
    "jotrack_set_wakeup": (c_int32, (c_void_p, jotrack_wakeup_cb, c_void_p, POINTER(c_void_p))),
    "jotrack_engine_as_user": (c_int32, (c_void_p, c_char_p, POINTER(c_void_p), POINTER(c_void_p))),
    "jotrack_engine_suspend": (c_int32, (c_void_p, c_uint32, POINTER(c_void_p))),
    "jotrack_engine_resume": (c_int32, (c_void_p, POINTER(c_void_p))),
    "jotrack_engine_stats": (c_int32, (c_void_p, POINTER(jotrack_stats), POINTER(c_void_p))),
    "jotrack_job_create": (
        c_int32,
        (
            c_void_p,
            POINTER(jotrack_job_input),
            POINTER(jotrack_write),
            POINTER(jotrack_commit),
            POINTER(c_void_p),
        ),
    ),
    "jotrack_job_update": (
        c_int32,
        (
            c_void_p,
            c_char_p,
            POINTER(jotrack_job_input),
            POINTER(jotrack_write),
            POINTER(jotrack_commit),
            POINTER(c_void_p),
        ),
    ),
    "jotrack_job_update_status": (
        c_int32,
        (
            c_void_p,
            POINTER(c_char_p),
            c_size_t,
            c_int32,
            c_int64,
            c_char_p,
            POINTER(jotrack_write),
            POINTER(jotrack_commit),
            POINTER(c_void_p),
        ),
    ),
    "jotrack_job_archive": (
        c_int32,
        (
            c_void_p,
            POINTER(c_char_p),
            c_size_t,
            c_int32,
            POINTER(jotrack_write),
            POINTER(jotrack_commit),
            POINTER(c_void_p),
        ),
    ),
    "jotrack_job_trash": (
        c_int32,
        (
            c_void_p,
            POINTER(c_char_p),
            c_size_t,
            POINTER(jotrack_write),
            POINTER(jotrack_commit),
            POINTER(c_void_p),
        ),
    ),
    "jotrack_job_restore": (
        c_int32,
        (
            c_void_p,
            POINTER(c_char_p),
            c_size_t,
            POINTER(jotrack_write),
            POINTER(jotrack_commit),
            POINTER(c_void_p),
        ),
    ),
    "jotrack_job_purge": (
        c_int32,
        (
            c_void_p,
            POINTER(c_char_p),
            c_size_t,
            POINTER(jotrack_write),
            POINTER(jotrack_commit),
            POINTER(c_void_p),
        ),
    ),
    "jotrack_job_get": (c_int32, (c_void_p, c_char_p, POINTER(c_void_p), POINTER(c_void_p))),
    "jotrack_job_list": (
        c_int32,
        (
            c_void_p,
            POINTER(jotrack_job_filter),
            c_char_p,
            c_uint32,
            POINTER(c_void_p),
            POINTER(c_void_p),
        ),
    ),
    "jotrack_job_page_len": (c_size_t, (c_void_p,)),
    "jotrack_job_page_get": (c_bool, (c_void_p, c_size_t, POINTER(jotrack_job))),
    "jotrack_job_page_info": (c_bool, (c_void_p, POINTER(jotrack_page_info))),
    "jotrack_job_page_free": (None, (c_void_p,)),
    "jotrack_search_json": (
        c_int32,
        (
            c_void_p,
            c_char_p,
            c_uint64,
            c_uint32,
            POINTER(c_void_p),
            POINTER(c_void_p),
        ),
    ),
    "jotrack_attachment_list": (
        c_int32,
        (
            c_void_p,
            POINTER(c_char_p),
            c_size_t,
            c_uint32,
            POINTER(c_void_p),
            POINTER(c_void_p),
        ),
    ),
    "jotrack_attachment_page_len": (c_size_t, (c_void_p,)),
    "jotrack_attachment_page_get": (c_bool, (c_void_p, c_size_t, POINTER(jotrack_attachment))),
    "jotrack_attachment_page_free": (None, (c_void_p,)),
    "jotrack_attachment_activate": (
        c_int32,
        (
            c_void_p,
            c_char_p,
            POINTER(jotrack_write),
            POINTER(jotrack_commit),
            POINTER(c_void_p),
        ),
    ),
    "jotrack_attachment_trash": (
        c_int32,
        (
            c_void_p,
            c_char_p,
            POINTER(jotrack_write),
            POINTER(jotrack_commit),
            POINTER(c_void_p),
        ),
    ),
    "jotrack_attachment_restore": (
        c_int32,
        (
            c_void_p,
            c_char_p,
            POINTER(jotrack_write),
            POINTER(jotrack_commit),
            POINTER(c_void_p),
        ),
    ),
    "jotrack_attachment_purge": (
        c_int32,
        (
            c_void_p,
            c_char_p,
            POINTER(jotrack_write),
            POINTER(jotrack_commit),
            POINTER(c_void_p),
        ),
    ),
    "jotrack_attachment_writer_open": (
        c_int32,
        (
            c_void_p,
            POINTER(jotrack_attachment_input),
            POINTER(c_void_p),
            POINTER(c_void_p),
        ),
    ),
    "jotrack_attachment_writer_write": (c_int32, (c_void_p, c_void_p, c_size_t, POINTER(c_void_p))),
    "jotrack_attachment_writer_commit": (
        c_int32,
        (
            c_void_p,
            POINTER(jotrack_write),
            POINTER(jotrack_commit),
            POINTER(c_void_p),
        ),
    ),
    "jotrack_attachment_writer_stage": (c_int32, (c_void_p, POINTER(c_void_p), POINTER(c_void_p))),
    "jotrack_attachment_writer_abort": (None, (c_void_p,)),
    "jotrack_attachment_reader_open": (
        c_int32,
        (
            c_void_p,
            c_char_p,
            c_char_p,
            POINTER(c_void_p),
            POINTER(c_void_p),
        ),
    ),
    "jotrack_attachment_reader_size": (c_uint64, (c_void_p,)),
    "jotrack_attachment_reader_read": (
        c_int32,
        (
            c_void_p,
            c_uint64,
            c_void_p,
            c_size_t,
            POINTER(c_size_t),
            POINTER(c_void_p),
        ),
    ),
    "jotrack_attachment_reader_free": (None, (c_void_p,)),
    "jotrack_variant_get_many": (
        c_int32,
        (
            c_void_p,
            POINTER(c_char_p),
            c_size_t,
            c_uint32,
            c_int32,
            POINTER(c_void_p),
            POINTER(c_void_p),
        ),
    ),
    "jotrack_variant_page_len": (c_size_t, (c_void_p,)),
    "jotrack_variant_page_get": (c_bool, (c_void_p, c_size_t, POINTER(jotrack_variant))),
    "jotrack_variant_page_free": (None, (c_void_p,)),
    "jotrack_variant_set": (
        c_int32,
        (
            c_void_p,
            c_char_p,
            c_int32,
            c_char_p,
            c_size_t,
            POINTER(jotrack_write),
            POINTER(jotrack_commit),
            POINTER(c_void_p),
        ),
    ),
    "jotrack_coach_get": (
        c_int32,
        (
            c_void_p,
            c_char_p,
            POINTER(jotrack_coach),
            POINTER(c_void_p),
            POINTER(c_void_p),
        ),
    ),
    "jotrack_coach_update": (
        c_int32,
        (
            c_void_p,
            c_char_p,
            c_char_p,
            POINTER(jotrack_write),
            POINTER(jotrack_commit),
            POINTER(c_void_p),
            POINTER(c_void_p),
        ),
    ),
    "jotrack_match_get": (
        c_int32,
        (
            c_void_p,
            c_char_p,
            POINTER(jotrack_match),
            POINTER(c_void_p),
            POINTER(c_void_p),
        ),
    ),
    "jotrack_op_id": (c_char_p, (c_void_p,)),
    "jotrack_op_cancel": (None, (c_void_p,)),
    "jotrack_op_wait": (c_int32, (c_void_p, c_int32, POINTER(c_void_p), POINTER(c_void_p))),
    "jotrack_op_free": (None, (c_void_p,)),
    "jotrack_analysis_start": (
        c_int32,
        (
            c_void_p,
            POINTER(jotrack_analysis_request),
            jotrack_op_event_cb,
            jotrack_done_cb,
            c_void_p,
            POINTER(c_void_p),
            POINTER(c_void_p),
        ),
    ),
    "jotrack_analysis_follow": (
        c_int32,
        (
            c_void_p,
            c_char_p,
            c_uint64,
            jotrack_op_event_cb,
            jotrack_done_cb,
            c_void_p,
            POINTER(c_void_p),
            POINTER(c_void_p),
        ),
    ),
    "jotrack_analysis_get": (c_int32, (c_void_p, c_char_p, POINTER(c_void_p), POINTER(c_void_p))),
    "jotrack_analysis_cancel": (c_int32, (c_void_p, c_char_p, POINTER(c_void_p))),
    "jotrack_cache_stats_json": (c_int32, (c_void_p, POINTER(c_void_p), POINTER(c_void_p))),
    "jotrack_cache_invalidate": (
        c_int32,
        (
            c_void_p,
            c_char_p,
            c_char_p,
            c_char_p,
            POINTER(c_uint64),
            POINTER(c_void_p),
        ),
    ),
    "jotrack_provider_key_set": (
        c_int32,
        (
            c_void_p,
            c_char_p,
            c_char_p,
            c_char_p,
            POINTER(jotrack_write),
            POINTER(jotrack_commit),
            POINTER(c_void_p),
        ),
    ),
    "jotrack_provider_key_delete": (
        c_int32,
        (
            c_void_p,
            c_char_p,
            POINTER(jotrack_write),
            POINTER(jotrack_commit),
            POINTER(c_void_p),
        ),
    ),
    "jotrack_provider_keys": (c_int32, (c_void_p, POINTER(c_void_p), POINTER(c_void_p))),
    "jotrack_ai_settings_update": (
        c_int32,
        (
            c_void_p,
            c_char_p,
            POINTER(jotrack_write),
            POINTER(jotrack_commit),
            POINTER(c_void_p),
        ),
    ),
    "jotrack_subscribe": (
        c_int32,
        (
            c_void_p,
            c_uint64,
            jotrack_event_cb,
            c_void_p,
            POINTER(c_void_p),
            POINTER(c_void_p),
        ),
    ),
    "jotrack_subscription_free": (None, (c_void_p,)),
    "jotrack_revision": (c_int32, (c_void_p, POINTER(c_uint64), POINTER(c_void_p))),
    "jotrack_changes_since": (
        c_int32,
        (
            c_void_p,
            c_uint64,
            c_uint64,
            c_uint32,
            POINTER(c_void_p),
            POINTER(c_void_p),
        ),
    ),
    "jotrack_change_page_len": (c_size_t, (c_void_p,)),
    "jotrack_change_page_get": (c_bool, (c_void_p, c_size_t, POINTER(jotrack_change))),
    "jotrack_change_page_info": (c_bool, (c_void_p, POINTER(jotrack_page_info))),
    "jotrack_change_page_free": (None, (c_void_p,)),
    "jotrack_graphql_execute": (
        c_int32,
        (
            c_void_p,
            POINTER(jotrack_graphql_request),
            POINTER(c_void_p),
            POINTER(c_void_p),
        ),
    ),
    "jotrack_graphql_start": (
        c_int32,
        (
            c_void_p,
            POINTER(jotrack_graphql_request),
            jotrack_done_cb,
            c_void_p,
            POINTER(c_void_p),
            POINTER(c_void_p),
        ),
    ),
    "jotrack_graphql_subscribe": (
        c_int32,
        (
            c_void_p,
            POINTER(jotrack_graphql_request),
            jotrack_op_event_cb,
            jotrack_done_cb,
            c_void_p,
            POINTER(c_void_p),
            POINTER(c_void_p),
        ),
    ),
    "jotrack_graphql_schema": (c_int32, (POINTER(c_void_p), POINTER(c_void_p))),
    "jotrack_node_id_format": (c_int32, (c_uint64, c_char_p, POINTER(c_void_p), POINTER(c_void_p))),
    "jotrack_node_id_parse": (
        c_int32,
        (
            c_char_p,
            POINTER(c_uint64),
            c_void_p,
            c_size_t,
            POINTER(c_void_p),
        ),
    ),
}
