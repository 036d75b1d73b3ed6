// The finder of the console: Ctrl K or / goes to it, what it finds is shown while one types, the
// arrow keys walk through it. Without script, its form leads to the same answer as a page.
"use strict";
(() => {
  const form = document.querySelector(".finder");
  if (!form) return;
  const field = form.querySelector("input");
  form.querySelector("kbd").hidden = false;
  const found = document.createElement("div");
  found.className = "finder-found";
  found.hidden = true;
  found.setAttribute("role", "region");
  found.setAttribute("aria-label", form.dataset.found);
  found.setAttribute("aria-live", "polite");
  form.append(found);

  const close = () => { found.hidden = true; };
  let asked = 0, timer = 0;
  const ask = async () => {
    const mine = ++asked;
    if (!field.value.trim()) return close();
    const answer = await fetch("/console/find?q=" + encodeURIComponent(field.value)).catch(() => null);
    // A slow answer must not replace that of a later question.
    if (!answer || !answer.ok || mine !== asked) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const part = page.querySelector('[data-part="found"]');
    if (!part || mine !== asked) return;
    part.removeAttribute("data-part");
    found.replaceChildren(part);
    found.hidden = false;
  };

  field.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, 120); });
  form.addEventListener("submit", (event) => {
    const first = found.hidden ? null : found.querySelector("a");
    if (first) { event.preventDefault(); location.assign(first.href); }
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { close(); field.focus(); return; }
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const stops = [field, ...(found.hidden ? [] : found.querySelectorAll("a"))];
    const at = stops.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
    event.preventDefault();
    stops[(at + stops.length) % stops.length].focus();
  });
  form.addEventListener("focusout", (event) => { if (!form.contains(event.relatedTarget)) close(); });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select");
    const asks = (event.key === "k" && (event.ctrlKey || event.metaKey)) || (event.key === "/" && !typing);
    if (!asks) return;
    event.preventDefault();
    field.focus();
    field.select();
  });
})();
