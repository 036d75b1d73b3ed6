// The map of the banners' form: a click, or Enter where the cross is, adds a corner to the text field, which
// is what counts. What is written there by hand is drawn too. Without script, the field alone does, and the
// buttons ask the server.
"use strict";
(() => {
  const map = document.querySelector("svg.fleet-map");
  const field = document.getElementById("polygon");
  if (!map || !field) return;
  const tools = map.parentElement;
  const ring = map.querySelector("polygon");
  const dots = map.querySelector(".corners");
  const cross = map.querySelector(".aim");
  const says = tools.querySelector("[role=status]");
  const keys = document.getElementById("map-keys");
  const view = map.viewBox.baseVal;
  const edge = (name) => Number(map.dataset[name]);
  const west = edge("west"), east = edge("east"), north = edge("north"), south = edge("south");
  const aim = { x: view.width / 2, y: view.height / 2 };

  // The corners as lines; none where the field holds GeoJSON that cannot be read, which the server explains.
  const lines = () => {
    const text = field.value.trim();
    if (!/^[{[]/.test(text)) return text.split("\n").filter((line) => line.trim());
    try {
      const json = JSON.parse(text);
      const corners = (json.geometry || json).coordinates[0].map(([x, y]) => y + ", " + x);
      return corners.length > 1 && corners[0] === corners.at(-1) ? corners.slice(0, -1) : corners;
    } catch {
      return null;
    }
  };
  const placed = (line) => {
    const parts = line.split(",").map((part) => part.trim());
    if (parts.length !== 2 || parts.includes("")) return [];
    const [latitude, longitude] = parts.map(Number);
    if (!Number.isFinite(latitude) || !Number.isFinite(longitude)) return [];
    return [[
      (longitude - west) / (east - west) * view.width,
      (north - latitude) / (north - south) * view.height,
    ]];
  };
  const draw = () => {
    const all = (lines() || []).flatMap(placed);
    ring.setAttribute("points", all.map((corner) => corner.join(",")).join(" "));
    dots.replaceChildren(...all.map(([x, y]) => {
      const dot = document.createElementNS(map.namespaceURI, "circle");
      dot.setAttribute("cx", x);
      dot.setAttribute("cy", y);
      dot.setAttribute("r", 7);
      return dot;
    }));
    cross.setAttribute("transform", "translate(" + aim.x + " " + aim.y + ")");
  };
  const tell = (words, n, at) => {
    says.textContent = words.replace("{n}", n).replace("{at}", at);
  };
  const write = (all) => {
    field.value = all.join("\n");
    draw();
  };
  const at = ({ x, y }) => {
    const latitude = north - y / view.height * (north - south);
    const longitude = west + x / view.width * (east - west);
    return latitude.toFixed(4) + ", " + longitude.toFixed(4);
  };
  const add = (point) => {
    const all = lines();
    if (!all) return;
    all.push(at(point));
    write(all);
    tell(map.dataset.added, all.length, at(point));
  };
  const undo = () => {
    const all = lines();
    if (!all) return false;
    const count = all.length;
    write(all.slice(0, -1));
    tell(count > 1 ? map.dataset.undone : map.dataset.cleared, count);
    return true;
  };
  const button = (act, does) => tools.querySelector("[value=" + act + "]").addEventListener("click", (event) => {
    if (does()) event.preventDefault();
  });

  map.addEventListener("click", (event) => {
    add(new DOMPoint(event.clientX, event.clientY).matrixTransform(map.getScreenCTM().inverse()));
  });
  map.addEventListener("keydown", (event) => {
    const step = event.shiftKey ? 3 : 20;
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (move) {
      aim.x = Math.min(Math.max(aim.x + move[0] * step, 0), view.width);
      aim.y = Math.min(Math.max(aim.y + move[1] * step, 0), view.height);
      draw();
      tell("{at}", 0, at(aim));
    } else if (event.key === "Enter" || event.key === " ") add(aim);
    else if (event.key === "Backspace" || event.key === "Delete") undo();
    else return;
    event.preventDefault();
  });
  button("undo", undo);
  button("clear", () => {
    write([]);
    tell(map.dataset.cleared);
    return true;
  });
  field.addEventListener("input", draw);
  map.classList.add("drawable");
  map.tabIndex = 0;
  map.setAttribute("role", "application");
  map.setAttribute("aria-describedby", "map-keys");
  keys.hidden = false;
  draw();
})();
