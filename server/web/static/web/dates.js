// A date field follows the browser's language, not the page's: 02/03/2027 can be read in two ways. The day in words cannot.

const words = new Intl.DateTimeFormat(document.documentElement.lang, { weekday: "long", day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });

for (const field of document.querySelectorAll("input[type=date]")) {
  const said = Object.assign(document.createElement("small"), { className: "hint date-words", ariaHidden: "true" });
  const say = () => { said.textContent = field.valueAsDate ? words.format(field.valueAsDate) : ""; };
  field.after(said);
  for (const what of ["input", "change"]) field.addEventListener(what, say);
  field.form?.addEventListener("filled", say);
  field.form?.addEventListener("reset", () => setTimeout(say));
  say();
}
