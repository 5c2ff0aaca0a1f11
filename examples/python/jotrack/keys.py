"""``engine.keys``: the user's own keys of model providers. Nothing gives a key back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Optional, Union

from ._library import optional_in, text_in
from .jobs import KEEP, Field, Keep
from .types import Commit, ProviderKey

if TYPE_CHECKING:
    from .engine import Engine


class Keys:
    """``engine.keys``."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine

    def list(self) -> "list[ProviderKey]":
        """What may be known of the stored keys."""
        return [
            ProviderKey(
                key["provider"],
                key["last4"],
                key["fingerprint"],
                key.get("baseUrl"),
                key["createdAt"],
                key.get("lastUsedAt"),
            )
            for key in json.loads(self._engine.handle.text("provider_keys"))
        ]

    def set(
        self,
        provider: str,
        secret: str,
        base_url: Optional[str] = None,
        *,
        idempotency_key: Optional[str] = None,
    ) -> Commit:
        """Stores a key, sealed with the master key. It is used once ``settings`` allowed the
        network."""
        return self._engine.handle.write(
            "provider_key_set",
            text_in(provider),
            text_in(secret),
            optional_in(base_url),
            key=idempotency_key,
        )

    def delete(self, provider: str, *, idempotency_key: Optional[str] = None) -> Commit:
        """Removes a key; ``NotFound`` when there is none."""
        return self._engine.handle.write(
            "provider_key_delete", text_in(provider), key=idempotency_key
        )

    def settings(
        self,
        *,
        network_enabled: Union[bool, Keep] = KEEP,
        provider: Field = KEEP,
        model: Field = KEEP,
        idempotency_key: Optional[str] = None,
    ) -> Commit:
        """Changes whether and whom the user asks. Ask before you allow the network: texts of jobs
        are sent to the provider from then on. None goes back to what the options say."""
        given = {"networkEnabled": network_enabled, "provider": provider, "model": model}
        patch = {name: value for name, value in given.items() if not isinstance(value, Keep)}
        return self._engine.handle.write(
            "ai_settings_update", json.dumps(patch).encode(), key=idempotency_key
        )
