// Makes the playground's page what it is when it opens, without loading it: view state and workspace are
// new, storage is empty, and it shows the server that listens now. Resolves once it does.
async () => {
  const load = async (name) => [await import(`/page/${name}.js`), await import(`/page/${name}.js?unused`)];
  const [[ui, unusedUi], [workspace, unusedWorkspace]] = [await load("ui"), await load("store")];
  const { store, receive } = workspace;
  const renew = (used, unused) => {
    for (const key of Object.keys(used)) delete used[key];
    Object.assign(used, structuredClone(unused));
  };
  document.activeElement.blur();
  localStorage.clear();
  sessionStorage.clear();
  delete document.documentElement.dataset.theme;
  history.replaceState(null, "", "/");
  const { online } = store;
  renew(ui.ui, unusedUi.ui);
  renew(store, unusedWorkspace.store);
  const app = document.getElementById("app");
  app.replaceChildren();
  app.painted = [];
  if (online) {
    // It has reconnected by itself, and got the state before this.
    store.online = online;
    const answer = await fetch("/page/api/state");
    receive({ type: "state", ...(await answer.json()) });
    ui.redraw();
  } else dispatchEvent(new Event("online")); // reconnects now, not after the delay
  while (!store.ready || !app.querySelector("article, .welcome")) await new Promise(requestAnimationFrame);
}
