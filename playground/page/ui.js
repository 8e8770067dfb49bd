// The view state of this tab: speaker, conversation, open menus, drafts, notices.
// The workspace itself is in store.js.

/** The view state. Change it with `set`, so that the page is redrawn. */
export const ui = {
  me: null,
  channel: null,
  thread: null,
  tab: "messages",
  editing: null, // address of the message being edited
  menu: null, // {kind, at: DOMRect, ...}
  picture: null, // the file shown large
  switcher: null, // {query, index}
  dialog: null, // {title, text, confirm, danger, act}
  help: false,
  inspector: false,
  sidebar: false, // open as a drawer on narrow screens
  completion: null,
  drafts: new Map(), // conversation -> {text, files}
  open: new Map(), // part of a message -> opened or closed by hand
  bumps: new Map(), // address of a message -> how often its own parts changed
  notices: [],
  announce: "",
  earlier: new Map(), // conversation -> how many more messages to draw
};

/** Whether a thread stands beside the channel. In a narrower window it covers the channel. */
export const wide = matchMedia("(min-width: 900px)");

let draw = () => {};
let scheduled = false;

/** Set the function that draws the page; app.js calls it once. */
export function drawWith(fn) {
  draw = fn;
}

/** Redraw at the next frame, or within a quarter second while the tab is hidden and gets no frames. */
export function redraw() {
  if (scheduled) return;
  scheduled = true;
  const run = () => {
    scheduled = false;
    draw();
  };
  if (document.hidden) setTimeout(run, 250);
  else requestAnimationFrame(run);
}

export function set(patch) {
  Object.assign(ui, patch);
  redraw();
}

/** Redraw one message although the message itself has not changed. */
export function bump(address) {
  ui.bumps.set(address, (ui.bumps.get(address) ?? 0) + 1);
  redraw();
}

/** Fold a part of a message open or shut. `part` is unique on the page. */
export function fold(address, part, open) {
  ui.open.set(part, open);
  bump(address);
}

/** Show a notice for a few seconds. Errors stay longer. */
export function notice(text, tone = "error") {
  const note = { text, tone, id: crypto.randomUUID() };
  ui.notices = [...ui.notices.slice(-2), note];
  redraw();
  setTimeout(
    () => set({ notices: ui.notices.filter((other) => other !== note) }),
    tone === "error" ? 8000 : 3000,
  );
}

export function openMenu(event, menu) {
  const at = event.currentTarget.getBoundingClientRect();
  const same = ui.menu && ui.menu.kind === menu.kind && ui.menu.address === menu.address;
  set({ menu: same ? null : { ...menu, at, opener: event.currentTarget } });
}

export function closeMenu() {
  const opener = ui.menu?.opener;
  set({ menu: null });
  if (opener?.isConnected) opener.focus({ preventScroll: true });
}
