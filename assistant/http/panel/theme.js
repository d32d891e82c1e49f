// A classic script in the head: the theme is there before the first paint, so that nothing flashes.
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  try {
    chosen = localStorage.getItem("theme");
  } catch {
    // A browser that keeps nothing follows the system's theme.
  }
  const apply = () => {
    const named = chosen === "light" || chosen === "dark";
    document.documentElement.dataset.theme = named ? chosen : dark.matches ? "dark" : "light";
  };
  dark.addEventListener("change", apply);
  addEventListener("theme-chosen", (event) => {
    chosen = event.detail;
    apply();
  });
  apply();
})();
