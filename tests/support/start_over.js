// Makes the playground's page what it is when it opens, without loading it: view state and workspace are
// new, storage is empty, and it reconnects to the server, which may be another one. Resolves once it shows it.
async () => {
  const fresh = async (name) => {
    const [used, unused] = [await import(`/page/${name}.js`), await import(`/page/${name}.js?unused`)];
    for (const key of Object.keys(used[name])) delete used[name][key];
    return Object.assign(used[name], structuredClone(unused[name]));
  };
  document.activeElement.blur();
  localStorage.clear();
  sessionStorage.clear();
  delete document.documentElement.dataset.theme;
  history.replaceState(null, "", "/");
  await fresh("ui");
  const store = await fresh("store");
  const app = document.getElementById("app");
  app.replaceChildren();
  app.painted = [];
  dispatchEvent(new Event("online")); // reconnects now, not after the delay
  while (!store.ready || !app.querySelector("article, .welcome")) await new Promise(requestAnimationFrame);
}
