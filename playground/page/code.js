// Code blocks: the frame, the language's name and the copy button.

import { iconButton } from "./button.js";
import { h } from "./dom.js";
import { notice } from "./ui.js";

export function codeBlock(text, language = "") {
  return h(
    "figure.code",
    h("figcaption", h("span", language), copyButton(text, "Copy code")),
    h("pre", { tabindex: "0", "aria-label": language ? `${language} code` : "code" }, h("code", text)),
  );
}

function copyButton(text, label) {
  return iconButton("copy", label, () => copy(text), { class: "copy" });
}

/** Copy text to the clipboard and show a notice. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    notice("Copied.", "good");
  } catch {
    notice("The browser did not allow copying. Select the text and copy it by hand.");
  }
}
