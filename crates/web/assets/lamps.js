// Moves lamps between states as the server tells, and replaces the parts of a page that changed;
// every page is whole without it.
"use strict";
(() => {
  if (!window.EventSource) return;
  const picture = document.getElementById("lamps");
  const STATES = ["well", "restored", "restoring", "reported", "failing", "unknown"];
  const lamps = [];
  const bands = [];

  // Each path lists its lamps in their order; `data-lamps` says which path comes next.
  for (const node of picture ? picture.querySelectorAll(".band") : []) {
    const band = { paths: {}, lamps: [], stale: false };
    const points = {};
    for (const state of STATES) for (const size of "sml") {
      const path = document.getElementById("p" + node.dataset.band + state + size);
      let x = 0, y = 0;
      band.paths[state + size] = path;
      points[state + size] = [...path.getAttribute("d").matchAll(/[Mm](-?\d+) ?(-?\d+)h0/g)]
        .map(([, dx, dy]) => [x += +dx, y += +dy]).reverse();
    }
    for (const [, letter, size, run] of node.dataset.lamps.matchAll(/([a-f])([sml])(\d+)/g)) {
      const state = STATES[letter.charCodeAt(0) - 97];
      for (let i = 0; i < run; i++) {
        const lamp = { at: points[state + size].pop(), state, size, band };
        lamps.push(lamp);
        band.lamps.push(lamp);
      }
    }
    bands.push(band);
  }

  const show = (index, letter) => {
    const lamp = lamps[index], state = STATES[letter.charCodeAt(0) - 97];
    if (!lamp || !state || lamp.state === state) return;
    lamp.state = state;
    lamp.band.stale = true;
  };
  const draw = () => {
    for (const band of bands.filter((band) => band.stale)) {
      const d = {};
      for (const { at, state, size } of band.lamps) (d[state + size] ||= []).push(`M${at[0]} ${at[1]}h0`);
      for (const key in band.paths) band.paths[key].setAttribute("d", (d[key] || []).join(""));
      band.stale = false;
    }
  };

  // The sign of being live is in a part that is replaced: it is set again each time.
  let on = false;
  const sign = () => {
    const live = document.querySelector(".live");
    if (!live) return;
    live.toggleAttribute("data-on", on);
    live.querySelector("b").hidden = !on;
  };

  // Figures and lists come from the server as HTML, at most once a second.
  let waiting = false;
  const look = () => {
    if (waiting) return;
    waiting = true;
    setTimeout(async () => {
      waiting = false;
      const answer = await fetch(picture ? "/console/panels" : location.href).catch(() => null);
      if (!answer || !answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of fresh.querySelectorAll("[data-part]")) {
        const old = document.querySelector(`[data-part="${part.dataset.part}"]`);
        if (!old || old.contains(document.activeElement)) continue;
        // What a person has unfolded stays unfolded.
        const folds = part.querySelectorAll("details");
        old.querySelectorAll("details").forEach((fold, at) => { if (folds[at]) folds[at].open = fold.open; });
        old.replaceWith(part);
      }
      sign();
      for (const row of document.querySelectorAll("[data-ill]")) {
        const text = document.getElementById("ill-" + row.dataset.ill);
        const [count, ...words] = row.dataset.words.split(" ");
        if (text) [text.firstChild.textContent, text.lastChild.textContent] = [count, " " + words.join(" ")];
      }
    }, 1000);
  };

  const events = new EventSource("/console/lamps/events");
  events.addEventListener("all", (event) => {
    [...event.data].forEach((letter, index) => show(index, letter));
    draw();
    look();
  });
  events.addEventListener("lamps", (event) => {
    for (const [index, letter] of Object.entries(JSON.parse(event.data))) show(index, letter);
    draw();
    look();
  });
  events.addEventListener("look", look);
  events.addEventListener("fleet", () => location.reload());
  events.onopen = () => { on = true; sign(); };
  events.onerror = () => { on = false; sign(); };
})();
