// The index is a list of [place, anchor, page, heading]; it comes in a script, as a page from a folder may load nothing.
"use strict";
const asked = document.getElementById("asked");
const found = document.getElementById("found");
const MOST = 12;

function matches(words, text) {
  const parts = text.toLowerCase().split(/[^\p{L}\p{N}-]+/u);
  return words.every((word) => parts.some((part) => part.startsWith(word)));
}

function show() {
  const words = asked.value.toLowerCase().split(/\s+/).filter(Boolean);
  found.replaceChildren();
  if (!words.length) return;
  const hits = window.INDEX.filter(([, , page, heading]) => matches(words, `${heading} ${page}`));
  hits.sort((a, b) => Number(matches(words, b[3])) - Number(matches(words, a[3])));
  for (const [place, anchor, page, heading] of hits.slice(0, MOST)) {
    const link = document.createElement("a");
    link.href = `${found.dataset.up}/${place}${anchor ? `#${anchor}` : ""}`;
    link.textContent = heading === page ? heading : `${heading} · ${page}`;
    const item = document.createElement("li");
    item.append(link);
    found.append(item);
  }
  if (!hits.length) found.append(Object.assign(document.createElement("li"), { textContent: "nothing found" }));
}

asked.addEventListener("input", show);
asked.addEventListener("keydown", (event) => {
  if (event.key === "Escape") { asked.value = ""; show(); }
  if (event.key === "Enter") found.querySelector("a")?.click();
});
