// Dialogs: Slack's modal views with their inputs, and this page's confirmation dialogs.

import { iconButton } from "./button.js";
import { click, closeView, submit } from "./actions.js";
import { blockList, plainText } from "./blocks.js";
import { h } from "./dom.js";
import { store } from "./store.js";
import { set, ui } from "./ui.js";

/** The modal that the bot opened for the speaker, if any. */
export function modal() {
  const view = store.modals.get(ui.me);
  if (!view) return null;
  const act = (block, one, choice) =>
    click({ view_id: view.id }, { block_id: block.block_id, action_id: one.action_id, ...choice });
  const onsubmit = (event) => {
    event.preventDefault();
    submit(view.id, valuesOf(view, event.currentTarget));
  };
  return h(
    "div.veil",
    { key: `modal/${view.id}` },
    h(
      "form.dialog",
      { role: "dialog", "aria-modal": true, "aria-labelledby": "modal-title", onsubmit },
      h(
        "header",
        h("h2.grow", { id: "modal-title" }, plainText(view.title?.text ?? "")),
        iconButton("close", "Close", () => closeView(view.id), { ref: (el) => el.focus() }),
      ),
      h("div.dialog-body", blockList(view.blocks ?? [], { address: `modal/${view.id}`, act })),
      h(
        "footer",
        h(
          "button.button",
          { type: "button", onclick: () => closeView(view.id) },
          view.close?.text ?? "Cancel",
        ),
        view.submit && h("button.button.primary", { type: "submit" }, plainText(view.submit.text)),
      ),
    ),
  );
}

/** Slack's view.state.values of the form as it is now. */
function valuesOf(view, form) {
  const values = {};
  for (const block of view.blocks ?? []) {
    for (const one of [block.element, block.accessory, ...(block.elements ?? [])]) {
      const fields = one?.action_id
        ? [...form.elements].filter((field) => field.name === `${block.block_id ?? ""} ${one.action_id}`)
        : [];
      if (fields.length)
        (values[block.block_id] ??= {})[one.action_id] = { type: one.type, ...stateOf(one, fields) };
    }
  }
  return values;
}

function stateOf(one, fields) {
  const chosen = (one.options ?? []).filter((option) =>
    fields.some((field) => field.value === option.value && (field.checked ?? true)),
  );
  if (one.type === "checkboxes" || one.type.startsWith("multi_")) return { selected_options: chosen };
  if (one.type === "radio_buttons") return { selected_option: chosen[0] ?? null };
  if (one.options)
    return { selected_option: one.options.find((option) => option.value === fields[0].value) ?? null };
  if (one.type === "datepicker") return { selected_date: fields[0].value || null };
  if (one.type === "timepicker") return { selected_time: fields[0].value || null };
  return { value: fields[0].value || null };
}

/** This page's confirmation dialog; confirming calls `act`. */
export function question() {
  const { title, text, confirm, deny, danger, act } = ui.dialog;
  const close = () => set({ dialog: null });
  return h(
    "div.veil",
    { key: "question", onclick: (event) => event.target === event.currentTarget && close() },
    h(
      "div.dialog.small",
      { role: "alertdialog", "aria-modal": true, "aria-labelledby": "question-title" },
      h("header", h("h2", { id: "question-title" }, title)),
      h("div.dialog-body.text", text),
      h(
        "footer",
        h("button.button", { type: "button", onclick: close }, deny),
        h(
          "button.button",
          {
            type: "button",
            class: danger ? "danger" : "primary",
            ref: (el) => el.focus(),
            onclick: () => {
              close();
              act();
            },
          },
          confirm,
        ),
      ),
    ),
  );
}
