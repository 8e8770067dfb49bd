// Uploads: files attached to a draft by button, paste or drop, uploaded at once, sent with the message.

import { iconButton } from "./button.js";
import { upload } from "./actions.js";
import { h, icon } from "./dom.js";
import { isPicture, readableSize } from "./files.js";
import { redraw, ui } from "./ui.js";

/** The draft of a conversation: typed text and attachments. */
export function draftOf(conversation) {
  if (!ui.drafts.has(conversation)) ui.drafts.set(conversation, { text: "", files: [] });
  return ui.drafts.get(conversation);
}

/** Attach files to a draft and start to upload them. */
export function attach(draft, files) {
  for (const file of files) {
    const item = {
      id: crypto.randomUUID(),
      name: file.name || "pasted.png",
      size: file.size,
      file: null,
      error: null,
    };
    item.done = upload(file)
      .then(
        (uploaded) => {
          item.file = uploaded;
        },
        (error) => {
          item.error = error.message;
        },
      )
      .finally(redraw);
    draft.files.push(item);
  }
  redraw();
}

/** The ids of a draft's files once all are uploaded. Failed ones stay in the draft. */
export async function uploadedIds(files) {
  await Promise.all(files.map((item) => item.done));
  return files.filter((item) => item.file).map((item) => item.file.id);
}

export function attachmentList(draft) {
  if (!draft.files.length) return null;
  const drop = (item) => {
    draft.files = draft.files.filter((other) => other !== item);
    redraw();
  };
  return h(
    "ul.attachments",
    { "aria-label": "Attached files" },
    draft.files.map((item) =>
      h(
        "li.attachment",
        { key: item.id, class: item.error ? "failed" : "" },
        item.file && isPicture(item.file) ? h("img", { src: item.file.url, alt: "" }) : icon("file"),
        h(
          "span.grow",
          h("strong", item.name),
          h("small", item.error ?? (item.file ? readableSize(item.size) : "uploading…")),
        ),
        iconButton("close", `Remove ${item.name}`, () => drop(item)),
      ),
    ),
  );
}
