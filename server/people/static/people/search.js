// The list follows what is typed. It asks by POST, so that no name stands in an address; without this script the form asks by GET.

const form = document.getElementById("people-filter");
const rows = document.getElementById("people-rows");
const AFTER_MS = 150;
let waiting = 0;
let asking = null;

async function show(page) {
  asking?.abort();
  const mine = new AbortController();
  asking = mine;
  const told = new FormData(form);
  told.set("part", "rows");
  told.set("page", page);
  rows.classList.add("busy");
  try {
    const answer = await fetch(location.pathname, { method: "POST", body: told, signal: mine.signal, headers: { "X-Requested-With": "fetch" } });
    if (answer.redirected || !answer.ok) {
      if (answer.redirected || answer.status === 401 || answer.status === 403) location.reload();
      throw new Error(String(answer.status));
    }
    const text = await answer.text();
    if (asking !== mine) return;
    rows.innerHTML = text;
  } catch (error) {
    if (error.name === "AbortError" || asking !== mine) return;
    const words = document.createElement("p");
    words.className = "notice notice-error";
    words.setAttribute("role", "alert");
    words.textContent = rows.dataset.failed;
    rows.replaceChildren(words);
  }
  rows.classList.remove("busy");
}

form.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => show(1), AFTER_MS);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(waiting);
  show(1);
});
rows.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-page]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  await show(link.dataset.page);
  rows.scrollIntoView({ block: "start" });
});
document.getElementById("people-search").classList.add("unseen");
// What the browser kept of an earlier visit is what was asked for.
if (form.elements.q.value !== form.elements.q.defaultValue) show(1);
