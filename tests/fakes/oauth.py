"""Verifies OAuth 1.0a signatures as X does: one app, one token, no nonce twice."""

from __future__ import annotations

from typing import Any

from oauthlib.oauth1 import RequestValidator


class Validator(RequestValidator):
    """Knows the four keys, and every nonce that was used."""

    allowed_signature_methods = ("HMAC-SHA1",)
    timestamp_lifetime = 300
    dummy_client = dummy_access_token = "dummy"

    def __init__(self, keys: dict[str, str]) -> None:
        super().__init__()
        self.keys = keys
        self.used: set[tuple[str, str]] = set()

    def check_client_key(self, *_: Any) -> bool:
        return True

    def check_access_token(self, *_: Any) -> bool:
        return True

    def check_nonce(self, nonce: str) -> bool:
        return bool(nonce)

    def validate_timestamp_and_nonce(
        self, _key: str, timestamp: str, nonce: str, *_: Any, **__: Any
    ) -> bool:
        fresh = (timestamp, nonce) not in self.used
        self.used.add((timestamp, nonce))
        return fresh

    def validate_client_key(self, client_key: str, *_: Any) -> bool:
        return client_key == self.keys["consumer_key"]

    def validate_access_token(self, _key: str, token: str, *_: Any) -> bool:
        return token == self.keys["access_token"]

    def validate_realms(self, *_: Any, **__: Any) -> bool:
        return True

    def get_client_secret(self, *_: Any) -> str:
        return self.keys["consumer_secret"]

    def get_access_token_secret(self, *_: Any) -> str:
        return self.keys["access_token_secret"]
