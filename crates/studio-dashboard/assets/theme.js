// Dark, light, or as the system says; kept in this browser. Not a module: it runs before anything is drawn.
(() => {
  const KEY = "studio-theme";
  const ORDER = ["auto", "dark", "light"];
  const WORDS = { auto: "automatic", dark: "dark", light: "light" };

  const read = () => {
    try {
      const kept = localStorage.getItem(KEY);
      return ORDER.includes(kept ?? "") ? kept : "auto";
    } catch {
      return "auto"; // The browser keeps nothing for this site.
    }
  };

  const apply = (theme) => {
    document.documentElement.dataset.theme = theme;
    for (const button of document.querySelectorAll("[data-theme-toggle]")) {
      button.setAttribute("aria-label", `Change colours: ${WORDS[theme]}`);
      button.title = `Colours: ${WORDS[theme]}`;
    }
  };

  apply(read());
  document.addEventListener("DOMContentLoaded", () => apply(read()));
  document.addEventListener("click", (event) => {
    if (!(event.target instanceof Element) || !event.target.closest("[data-theme-toggle]")) return;
    const next = ORDER[(ORDER.indexOf(document.documentElement.dataset.theme ?? "auto") + 1) % ORDER.length];
    try {
      localStorage.setItem(KEY, next);
    } catch {
      // It holds for this page, then.
    }
    apply(next);
  });
})();
