// The drawer with the bot's Web API calls, newest first.

import { iconButton } from "./button.js";
import { h } from "./dom.js";
import { store } from "./store.js";
import { redraw, set } from "./ui.js";

const SHOWN = 120;

export function inspector() {
  const failed = store.calls.filter((call) => !call.ok).length;
  const clear = () => {
    store.calls = [];
    redraw();
  };
  return h(
    "aside.inspector",
    { "aria-label": "Web API calls" },
    h(
      "header.pane-head",
      h(
        "div.grow",
        h("h2", "Bot calls"),
        h("small", `${store.calls.length} calls${failed ? `, ${failed} refused` : ""} · ${connectionText()}`),
      ),
      iconButton("trash", "Clear the list", clear),
      iconButton("close", "Close the list", () => set({ inspector: false }), { title: "Close (Esc)" }),
    ),
    h(
      "ol.calls",
      store.calls
        .slice(-SHOWN)
        .toReversed()
        .map((call) =>
          h(
            "li.call",
            { class: call.ok ? "" : "failed" },
            h("code", call.method),
            h("span.grow", call.ok ? "" : call.error),
            h("time", clockOf(call.at)),
          ),
        ),
      !store.calls.length && h("li.nothing", "No calls since this page was opened."),
    ),
  );
}

function connectionText() {
  if (store.connections === null) return "connections unknown";
  return store.connections === 1 ? "1 socket" : `${store.connections} sockets`;
}

/** `at` is seconds, milliseconds or an ISO date. */
function clockOf(at) {
  const number = Number(at);
  const when = Number.isNaN(number) ? new Date(at) : new Date(number < 1e11 ? number * 1000 : number);
  return `${when.toLocaleTimeString([], { hour12: false })}.${String(when.getMilliseconds()).padStart(3, "0")}`;
}
