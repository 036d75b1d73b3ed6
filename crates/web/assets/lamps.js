// Moves lamps between states as the server tells; the page is whole without it.
"use strict";
(() => {
  const svg = document.getElementById("lamps");
  if (!svg || !window.EventSource) return;
  const STATES = ["well", "restored", "restoring", "reported", "failing", "unknown"];
  const SIZES = ["s", "m", "l"];
  const bands = [];
  const lamps = [];

  // Every path lists its lamps in their order: read together they give each lamp its place.
  for (const node of svg.querySelectorAll(".band")) {
    const number = node.dataset.band;
    const band = { paths: {}, first: Number(node.dataset.first), size: [], stale: false };
    for (const [, size, run] of node.dataset.sizes.matchAll(/([sml])(\d+)/g)) {
      for (let i = 0; i < run; i++) band.size.push(size);
    }
    const points = [];
    for (const state of STATES) for (const size of SIZES) {
      const path = document.getElementById("p" + number + state + size);
      band.paths[state + size] = path;
      let x = 0, y = 0;
      for (const [, dx, dy] of path.getAttribute("d").matchAll(/[Mm](-?\d+) ?(-?\d+)h0/g)) {
        points.push({ x: x += Number(dx), y: y += Number(dy), state, size });
      }
    }
    bands.push(band);
    band.points = points;
  }

  // The server's first message names every lamp's place; then states come alone.
  const draw = (band) => {
    const d = {};
    for (const lamp of band.lamps) (d[lamp.state + lamp.size] ||= []).push(`M${lamp.x} ${lamp.y}h0`);
    for (const key in band.paths) band.paths[key].setAttribute("d", (d[key] || []).join(""));
  };
})();
