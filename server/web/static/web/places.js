// On a narrow screen the places and tabs are moved sideways: the one where one is stands in view from the start.

for (const bar of document.querySelectorAll(".places, .tabs")) {
  const here = bar.querySelector("[aria-current]");
  if (here) bar.scrollLeft = here.offsetLeft - bar.offsetLeft - (bar.clientWidth - here.offsetWidth) / 2;
}
