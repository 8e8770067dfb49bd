// The head of a conversation: what this place is, and examples that fill the composer with one click.

import { killBot } from "./actions.js";
import { boxOf } from "./composer.js";
import { h, icon } from "./dom.js";
import { channelMessages, store } from "./store.js";
import { notice, redraw, ui } from "./ui.js";
import { attach, draftOf } from "./uploads.js";

const SAMPLE = "/page/sample.csv"; // attached when an example mentions a CSV

const OWN_PROMPTS = [
  { title: "Run a first program", message: "@Handoff Execute hello world in Python" },
  {
    title: "Three workers at once",
    message:
      "@Handoff Do three things in parallel: 1. compute the 1000th prime, 2. sort 20 random words, 3. count the Fridays in 2026",
  },
  { title: "Draw a plot", message: "@Handoff Plot a damped sine wave and send me the picture" },
  { title: "Read a table", message: "@Handoff Read the attached CSV and tell me which region sold most" },
];

/** A task that runs long enough to be interrupted; while one runs, the example kills the bot. */
const KILL_PROMPT = {
  title: "Kill the bot now",
  message:
    "@Handoff Do three things in parallel: 1. compute the 1000th prime, 2. wait 10 seconds, 3. wait 15 seconds",
  kills: true,
};

const PICTURES = [
  [/kill/i, "power"],
  [/csv|table|file/i, "sheet"],
  [/plot|chart|draw|picture/i, "chart"],
  [/three|parallel|team|workers|parts/i, "fork"],
];

/** The head of a conversation, with examples while it has no messages. */
export function welcome(channel, empty) {
  const direct = channel.kind === "im";
  const name = store.bot.name || "Handoff";
  return h(
    "section.welcome",
    { key: "welcome", class: empty ? "empty" : "" },
    direct
      ? h("img.welcome-mark", { src: "/page/mark.svg", alt: "", width: 56, height: 56 })
      : h("span.welcome-hash", { "aria-hidden": "true" }, "#"),
    h("h2", direct ? name : channel.name),
    h(
      "p.welcome-lead",
      direct
        ? `This is your own conversation with ${name}. You don't need to mention it here.`
        : channel.topic
          ? `${channel.topic}. Mention @${name} with a task; the work shows in its thread.`
          : `Mention @${name} with a task; the work shows in its thread.`,
    ),
    empty && examples(channel, direct),
  );
}

/** A line above the composer once the conversation has messages: the examples that were not sent there yet, or all. */
export function tryNext(channel) {
  const sent = channelMessages(channel.id, ui.me).map((message) => message.text);
  if (!sent.length) return null;
  const direct = channel.kind === "im";
  const prompts = promptsFor(direct);
  const isNew = ({ message, kills }) => kills || !sent.some((text) => text.endsWith(withoutMention(message)));
  const unsent = prompts.filter(isNew);
  return h(
    "div.try-next",
    { key: "try-next", role: "group", "aria-label": "Try next" },
    h("span", "Try next"),
    (unsent.length ? unsent : prompts).map((prompt) =>
      h(
        "button.try",
        {
          key: prompt.title,
          type: "button",
          title: prompt.message,
          onclick: () => use(channel, direct, prompt),
        },
        prompt.title,
      ),
    ),
  );
}

function promptsFor(direct) {
  const prompts = direct && store.prompts.length ? store.prompts : OWN_PROMPTS;
  return store.bot.killable ? [...prompts, KILL_PROMPT] : prompts;
}

function withoutMention(message) {
  return message.replace(/^@\S+\s+/, "");
}

function examples(channel, direct) {
  return h(
    "div.examples",
    h("h3", "Try one of these"),
    h(
      "div.example-grid",
      promptsFor(direct).map((prompt) =>
        h(
          "button.example",
          {
            key: prompt.title,
            type: "button",
            onclick: () => use(channel, direct, prompt),
          },
          icon(pictureFor(prompt)),
          h("strong", prompt.title),
          h("span", prompt.message),
        ),
      ),
    ),
  );
}

function pictureFor({ title, message }) {
  return PICTURES.find(([pattern]) => pattern.test(`${title} ${message}`))?.[1] ?? "play";
}

/** Put an example into the composer, with the sample table when it needs one. */
async function use(channel, direct, prompt) {
  if (prompt.kills) {
    if (isWorking(channel)) return killBot();
    notice("Send this task. While it runs, click “Kill the bot now”.", "info");
  }
  const draft = draftOf(channel.id);
  draft.text = direct ? withoutMention(prompt.message) : prompt.message;
  boxOf(channel.id)?.focus();
  redraw();
  if (/\bcsv\b/i.test(`${prompt.title} ${prompt.message}`) && !draft.files.length) await attachSample(draft);
}

function isWorking(channel) {
  return [...store.sessions.values()].some(
    (session) => session.channel === channel.id && session.status === "processing",
  );
}

async function attachSample(draft) {
  try {
    const answer = await fetch(SAMPLE);
    attach(draft, [new File([await answer.blob()], "sales.csv", { type: "text/csv" })]);
  } catch {
    notice("The sample table could not be loaded. Attach a CSV of your own.");
  }
}
