// What a canvas needs to be printed: the width of the paper and black ink, before the print; and all back after it.
// `redraw(width)`: draw with the colours that hold now, so wide in CSS pixels; `null`: as wide as its box.

const PAPER = 660;

export function on_paper(redraw) {
  const root = document.documentElement;
  let theme = null;
  addEventListener("beforeprint", () => {
    theme = root.dataset.theme ?? "";
    root.dataset.theme = "light";
    redraw(PAPER);
  });
  addEventListener("afterprint", () => {
    if (theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
    redraw(null);
  });
}
