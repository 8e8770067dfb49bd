"""Results of MCP tools: text for the model, and pictures."""

from __future__ import annotations

import base64
import contextlib
import json
import mimetypes

from mcp_types import (
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
)


def result_text(result: CallToolResult) -> str:
    """A result's text, or its fields where it has no text. Other content is named."""
    text = "\n".join(map(_block_text, result.content))
    if not text.strip() and result.structured_content is not None:
        return json.dumps(result.structured_content, ensure_ascii=False)
    return text


def result_pictures(result: CallToolResult, tool: str) -> tuple[tuple[str, bytes], ...]:
    """Names and contents of a result's pictures, without those that are not base64."""
    found: list[tuple[str, bytes]] = []
    for block in result.content:
        if isinstance(block, ImageContent):
            suffix = mimetypes.guess_extension(block.mime_type) or ".png"
            with contextlib.suppress(ValueError):
                found.append((f"{tool}{suffix}", base64.b64decode(block.data, validate=True)))
    return tuple(found)


def _block_text(block: ContentBlock) -> str:
    match block:
        case TextContent():
            return block.text
        case EmbeddedResource(resource=TextResourceContents() as file):
            return f"[{file.uri}]\n{file.text}"
        case EmbeddedResource():
            return f"[{block.resource.uri} ({block.resource.mime_type or 'no text'}), left out]"
        case ResourceLink():
            return f"[{block.name}: {block.uri}]"
        case ImageContent():
            return f"[image ({block.mime_type})]"
    return f"[{block.type} ({block.mime_type}), left out]"
