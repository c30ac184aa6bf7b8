// The button that opens the browser's own print dialogue.

document.querySelector("[data-paper]")?.addEventListener("click", () => print());
