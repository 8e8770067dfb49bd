// The plan of a task: a title and one row per worker, from a stream or from plan and task_card blocks.

import { h, icon } from "./dom.js";
import { link } from "./inline.js";
import { inline as markdownInline } from "./markdown.js";
import { fold, ui } from "./ui.js";

const STATUS_NAMES = {
  pending: "waiting",
  in_progress: "working",
  complete: "done",
  error: "failed",
  stopped: "stopped",
};
const ICONS = { complete: "check", error: "cross", stopped: "stop" };
const LONG_OUTPUT = 110;

/** Rows under one foldable title. With `running`, more may come; `address` is their message. */
export function planCard(address, { title, rows, running, mode = "plan" }) {
  if (mode !== "plan")
    return h(
      "div.task-cards",
      { class: mode },
      rows.map((row) => taskRow(address, row, running)),
    );
  const done = rows.filter((row) => row.status === "complete" || row.status === "error").length;
  const part = `${address}/plan`;
  const open = ui.open.get(part) ?? true;
  return h(
    "section.plan",
    { "aria-label": title || "Plan", "data-state": planState(rows, running) },
    h(
      "button.plan-head",
      { type: "button", "aria-expanded": open, onclick: () => fold(address, part, !open) },
      statusIcon(planState(rows, running), running),
      h("span.plan-title.grow", title || "Plan"),
      h("span.plan-count", { "aria-label": `${done} of ${rows.length} done` }, `${done}/${rows.length}`),
      icon("chevron", open ? "turned" : ""),
    ),
    open &&
      h(
        "ol.plan-rows",
        rows.map((row) => taskRow(address, row, running)),
      ),
  );
}

/** One task with its status: the current step while it runs, the result when it has finished. */
export function taskRow(address, row, running) {
  const live = row.status === "in_progress" && running;
  const finished = row.status === "complete" || row.status === "error";
  return h(
    "li.task",
    { key: row.id, "data-status": row.status, "data-row": row.id },
    statusIcon(row.status, running),
    h(
      "div.task-text",
      h("div.task-title", markdownInline(row.title || row.id)),
      row.details &&
        !(finished && row.output) &&
        h("div.task-details", { class: live ? "shimmer" : "" }, lines(row.details)),
      row.output && output(address, row),
      row.sources?.length > 0 &&
        h(
          "div.task-sources",
          row.sources.map((source) => link(source.url, [source.text || source.url])),
        ),
    ),
  );
}

function output(address, row) {
  if (typeof row.output !== "string") return h("div.task-output", row.output);
  const part = `${address}/${row.id}`;
  const long = row.output.length > LONG_OUTPUT || row.output.includes("\n");
  const open = ui.open.get(part) ?? false;
  return h(
    "div.task-output",
    { class: long && !open ? "cut" : "" },
    h("span", lines(row.output)),
    long &&
      h(
        "button.more",
        { type: "button", "aria-expanded": open, onclick: () => fold(address, part, !open) },
        open ? "Show less" : "Show more",
      ),
  );
}

function lines(text) {
  return typeof text === "string" ? markdownInline(text) : text;
}

function planState(rows, running) {
  if (running) return "in_progress";
  if (rows.some((row) => row.status === "error")) return "error";
  if (rows.every((row) => row.status === "complete")) return "complete";
  return rows.some((row) => row.status === "in_progress") ? "stopped" : "pending";
}

/** A row that was still running when its message ended has been stopped. */
function statusIcon(status, running) {
  const shown = status === "in_progress" && !running ? "stopped" : status;
  const name = STATUS_NAMES[shown] ?? shown;
  const label = { role: "img", "aria-label": name, title: name };
  if (shown === "in_progress") return h("span.status.spin", label);
  return h("span.status", { class: shown, ...label }, icon(ICONS[shown] ?? "ring"));
}
