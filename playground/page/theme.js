// Light and dark: the system's choice, until the person chooses for this browser.

import { iconButton } from "./button.js";
import { redraw } from "./ui.js";

const KEY = "playground.theme";
const system = matchMedia("(prefers-color-scheme: dark)");

/** Apply the stored choice and follow the system from then on. */
export function startTheme() {
  system.addEventListener("change", redraw);
  const chosen = localStorage.getItem(KEY);
  if (chosen) document.documentElement.dataset.theme = chosen;
}

function isDark() {
  return (document.documentElement.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";
}

/** Switch to the other one. Choosing the system's removes the stored choice. */
export function switchTheme() {
  const wanted = isDark() ? "light" : "dark";
  if ((wanted === "dark") === system.matches) {
    delete document.documentElement.dataset.theme;
    localStorage.removeItem(KEY);
  } else {
    document.documentElement.dataset.theme = wanted;
    localStorage.setItem(KEY, wanted);
  }
  redraw();
}

export function themeButton() {
  const label = isDark() ? "Use light colours" : "Use dark colours";
  return iconButton(isDark() ? "sun" : "moon", label, switchTheme);
}
