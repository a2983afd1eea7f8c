"use strict";
// The reader's choice of light or dark, before anything is drawn; a browser that keeps nothing for files forgets it.
(() => {
  const key = "kntests-theme";
  const next = { auto: "dark", dark: "light", light: "auto" };
  const root = document.documentElement;

  function stored() {
    try {
      const theme = localStorage.getItem(key);
      return theme in next ? theme : "auto";
    } catch {
      return "auto";
    }
  }

  function apply(theme) {
    root.dataset.theme = theme;
    try {
      localStorage.setItem(key, theme);
    } catch {
      // The page is shown all the same.
    }
  }

  root.dataset.theme = stored();
  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    const name = () => (button.textContent = `Theme: ${root.dataset.theme}`);
    button.hidden = false;
    name();
    button.addEventListener("click", () => {
      apply(next[root.dataset.theme]);
      name();
    });
  });
})();
