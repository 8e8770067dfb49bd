// The App Home that the bot published for this person.

import { click } from "./actions.js";
import { blockList } from "./blocks.js";
import { h } from "./dom.js";
import { store } from "./store.js";
import { ui } from "./ui.js";

export function homeTab() {
  const view = store.views.get(ui.me);
  return h(
    "div.home",
    { key: "home", tabindex: "-1" },
    view
      ? h("div.home-inner", blockList(view.blocks ?? [], { address: `home/${ui.me}`, act }))
      : h("p.nothing", `${store.bot.name} has not published a Home for you yet.`),
  );

  function act(block, one, choice) {
    return click({ view_id: view.id }, { block_id: block.block_id, action_id: one.action_id, ...choice });
  }
}
