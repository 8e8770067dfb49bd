// Owns what this browser tab is looking at: who speaks, which conversation, open menus, drafts, notices.
// Knows nothing of the workspace itself (store.js) and never talks to the server.

/** The view state of this tab. Change it with `set`, so that the page is drawn again. */
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
  open: new Map(), // part of a message -> folded open or shut by hand
  bumps: new Map(), // address of a message -> how often its own parts changed
  notices: [],
  announce: "",
  earlier: new Map(), // conversation -> how many more messages to draw
};

let draw = () => {};
let scheduled = false;

/** Say what draws the page; app.js does, once. */
export function drawWith(fn) {
  draw = fn;
}

/** Draw soon: at the next frame, or within a quarter second while the tab is hidden and gets no frames. */
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

/** Draw one message again although the message itself is unchanged. */
export function bump(address) {
  ui.bumps.set(address, (ui.bumps.get(address) ?? 0) + 1);
  redraw();
}

/** Fold a part of a message open or shut. `part` is unique on the page. */
export function fold(address, part, open) {
  ui.open.set(part, open);
  bump(address);
}

/** Show one sentence for a few seconds. Errors stay longer than good news. */
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
