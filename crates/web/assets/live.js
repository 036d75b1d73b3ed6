// Keeps a public page as things are now: the server says that something changed, and the page asks
// for itself again, each reader a little after another. The page is whole without it.
"use strict";
(() => {
  const main = document.getElementById("main");
  if (!main || !window.EventSource) return;
  const says = document.createElement("p");
  says.className = "hidden";
  says.setAttribute("role", "status");
  main.after(says);
  const answer = (of) => ["h1", ".lead", ".next", ".timeline .said, .card .said"].map((part) => of.querySelector(part)?.textContent ?? "").join(" ").trim();

  // Whoever types, stands on a link, or marks text keeps what is there.
  const held = () => {
    const marked = getSelection();
    return main.contains(document.activeElement) && document.activeElement !== main
      || !marked.isCollapsed && main.contains(marked.anchorNode)
      || [...main.querySelectorAll("input")].some((field) => field.value !== field.defaultValue);
  };
  let due = 0;
  let looks = 0;
  const look = async () => {
    due = 0;
    const mine = ++looks;
    if (document.hidden) return;
    if (held()) return later(5);
    const page = await fetch(location.href).then((reply) => reply.ok ? reply.text() : null, () => null);
    const fresh = page && new DOMParser().parseFromString(page, "text/html");
    const part = fresh && fresh.getElementById("main");
    // A slow answer must not replace a newer one.
    if (mine !== looks) return;
    if (!part || held()) return later(15);
    const folds = part.querySelectorAll("details");
    main.querySelectorAll("details").forEach((fold, at) => { if (folds[at]) folds[at].open = fold.open; });
    const told = answer(part);
    if (told !== answer(main)) says.textContent = told;
    main.replaceChildren(...part.childNodes);
    document.title = fresh.title;
  };
  const later = (seconds) => { due ||= setTimeout(look, Math.random() * seconds * 1000); };

  let events = null;
  const open = () => {
    events = new EventSource("/events");
    events.addEventListener("told", () => later(3));
    events.addEventListener("sites", () => later(15));
    // Something may have been missed since the page was drawn, or since an interruption; a stream that is
    // refused is not tried again.
    events.onopen = () => later(5);
  };
  open();
  setInterval(() => { if (events && events.readyState === EventSource.CLOSED) later(60); }, 60000);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) { events.close(); events = null; } else if (!events) { open(); later(1); }
  });
})();
