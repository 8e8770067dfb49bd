"""What the integration tests share: the real Docker Engine behind a sandbox."""

from __future__ import annotations

from tests.support.sandboxes import run_code, sandbox, sandbox_image

__all__ = ["run_code", "sandbox", "sandbox_image"]
