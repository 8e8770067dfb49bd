// The interactive elements of Block Kit: buttons, menus, boxes, inputs. A choice calls the caller's
// `place.act`; modal.js collects the inputs of a modal from the form itself.

import { plainText, textOf } from "./blocks.js";
import { h, icon, safeAddress } from "./dom.js";
import { bump, set, ui } from "./ui.js";

const DRAW = {
  button,
  overflow,
  checkboxes,
  image,
  feedback_buttons: feedbackButtons,
  icon_button: iconButton,
  workflow_button: button,
  static_select: select,
  users_select: select,
  conversations_select: select,
  channels_select: select,
  external_select: select,
  multi_static_select: checkboxes,
  radio_buttons: radioButtons,
  plain_text_input: textInput,
  email_text_input: textInput,
  url_text_input: textInput,
  number_input: textInput,
  datepicker: (block, one, place) => picker(block, one, place, "date", "selected_date", one.initial_date),
  timepicker: (block, one, place) => picker(block, one, place, "time", "selected_time", one.initial_time),
};

export function element(block, one, place) {
  return DRAW[one.type]?.(block, one, place) ?? h("span.unknown-block", `“${one.type}” is not drawn here.`);
}

/** Act after the element's own confirmation, if it has one. */
function choose(block, one, place, choice) {
  const act = () => place.act?.(block, one, choice);
  if (!one.confirm) return act();
  set({
    dialog: {
      title: one.confirm.title?.text ?? "Are you sure?",
      text: textOf(one.confirm.text),
      confirm: one.confirm.confirm?.text ?? "Yes",
      deny: one.confirm.deny?.text ?? "Cancel",
      danger: one.confirm.style === "danger",
      act,
    },
  });
}

function button(block, one, place) {
  const address = one.url && safeAddress(one.url);
  const act = () => choose(block, one, place, { value: one.value });
  const label = {
    "aria-label": one.accessibility_label,
    "data-action": one.action_id,
    class: one.style ?? "",
  };
  if (address)
    return h(
      "a.button",
      { ...label, href: address, target: "_blank", rel: "noopener noreferrer", onclick: act },
      plainText(one.text.text),
    );
  return h("button.button", { ...label, type: "button", onclick: act }, plainText(one.text.text));
}

function feedbackButtons(block, one, place) {
  const part = `${ui.me}/${place.address}/${one.action_id}`;
  const given = ui.open.get(part);
  const thumb = (name, picture) => {
    const side = one[`${name}_button`];
    return h(
      "button.icon-button.feedback",
      {
        type: "button",
        title: side.text.text,
        "aria-label": side.accessibility_label ?? side.text.text,
        "aria-pressed": given === side.value,
        "data-action": one.action_id,
        "data-value": side.value,
        onclick: () => {
          ui.open.set(part, side.value);
          bump(place.address);
          place.act?.(block, one, { value: side.value });
        },
      },
      icon(picture),
    );
  };
  return h(
    "span.feedback-pair",
    { role: "group", "aria-label": "Rate this answer" },
    thumb("positive", "thumb-up"),
    thumb("negative", "thumb-down"),
  );
}

function iconButton(block, one, place) {
  const label = one.text?.text ?? one.icon;
  return h(
    "button.icon-button",
    {
      type: "button",
      title: label,
      "aria-label": one.accessibility_label ?? label,
      "data-action": one.action_id,
      onclick: () => choose(block, one, place, { value: one.value }),
    },
    icon(one.icon === "trash" ? "trash" : "more"),
  );
}

function optionsOf(one) {
  return one.options ?? (one.option_groups ?? []).flatMap((group) => group.options);
}

function select(block, one, place) {
  const options = optionsOf(one);
  return h(
    "select.select",
    {
      name: nameOf(block, one),
      "aria-label": one.placeholder?.text ?? "Choose",
      value: one.initial_option?.value ?? "",
      onchange: (event) => {
        const option = options.find((other) => other.value === event.target.value);
        if (option) choose(block, one, place, { selected: option });
      },
    },
    h("option", { value: "", disabled: true }, one.placeholder?.text ?? "Choose…"),
    options.map((option) => h("option", { key: option.value, value: option.value }, option.text.text)),
  );
}

/** An overflow menu as a native menu that falls back to its label after each choice. */
function overflow(block, one, place) {
  return h(
    "select.select.overflow",
    {
      "aria-label": "More choices",
      value: "",
      onchange: (event) => {
        const option = one.options.find((other) => other.value === event.target.value);
        event.target.value = "";
        choose(block, one, place, { selected: option });
      },
    },
    h("option", { value: "" }, "⋯"),
    one.options.map((option) => h("option", { value: option.value }, option.text.text)),
  );
}

function boxes(block, one, type, initial, onchange) {
  return h(
    "fieldset.boxes",
    optionsOf(one).map((option) =>
      h(
        "label.box",
        { key: option.value },
        h("input", {
          type,
          name: nameOf(block, one),
          value: option.value,
          onchange,
          ref: (el) => {
            el.checked = initial.includes(option.value);
          },
        }),
        h("span", textOf(option.text), option.description && h("small", textOf(option.description))),
      ),
    ),
  );
}

function checkboxes(block, one, place) {
  const initial = (one.initial_options ?? []).map((option) => option.value);
  return boxes(block, one, "checkbox", initial, (event) => {
    const checked = [...event.target.closest("fieldset").querySelectorAll("input:checked")].map(
      (box) => box.value,
    );
    choose(block, one, place, {
      selected: optionsOf(one).filter((option) => checked.includes(option.value)),
    });
  });
}

function radioButtons(block, one, place) {
  const initial = one.initial_option ? [one.initial_option.value] : [];
  return boxes(block, one, "radio", initial, (event) =>
    choose(block, one, place, {
      selected: optionsOf(one).find((option) => option.value === event.target.value),
    }),
  );
}

function textInput(block, one, place) {
  const shared = {
    name: nameOf(block, one),
    placeholder: one.placeholder?.text,
    maxlength: one.max_length,
    ref: (el) => {
      el.value = one.initial_value ?? "";
      if (one.focus_on_load) el.focus();
    },
    onchange: (event) => block.dispatch_action && place.act?.(block, one, { value: event.target.value }),
  };
  return one.multiline
    ? h("textarea.field", { ...shared, rows: 4 })
    : h("input.field", { ...shared, type: one.type === "number_input" ? "number" : "text" });
}

function picker(block, one, place, type, key, initial) {
  return h("input.field", {
    type,
    name: nameOf(block, one),
    ref: (el) => {
      el.value = initial ?? "";
    },
    onchange: (event) => place.act?.(block, one, { selected: event.target.value, [key]: event.target.value }),
  });
}

function image(_, one) {
  const address = safeAddress(one.image_url ?? "");
  const own = address && new URL(address).origin === location.origin;
  return own
    ? h("img.accessory-image", { src: address, alt: one.alt_text ?? "" })
    : h("small", one.alt_text ?? "Image");
}

function nameOf(block, one) {
  return `${block.block_id ?? ""} ${one.action_id ?? ""}`;
}
