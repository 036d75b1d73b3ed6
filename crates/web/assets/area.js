// The map of the banners' form: a click adds a corner to the text field, which is what counts. What is
// written there by hand is drawn too. Without script, the field alone does.
"use strict";
(() => {
  const map = document.querySelector("svg.fleet-map");
  const field = document.getElementById("polygon");
  if (!map || !field) return;
  const ring = map.querySelector("polygon");
  const dots = map.querySelector(".corners");
  const view = map.viewBox.baseVal;
  const edge = (name) => Number(map.dataset[name]);
  const west = edge("west"), east = edge("east"), north = edge("north"), south = edge("south");

  const corners = () => field.value.split("\n").map((line) => line.split(",").map(Number))
    .filter((pair) => pair.length === 2 && pair.every(Number.isFinite))
    .map(([latitude, longitude]) => [
      (longitude - west) / (east - west) * view.width,
      (north - latitude) / (north - south) * view.height,
    ]);
  const draw = () => {
    const all = corners();
    ring.setAttribute("points", all.map((corner) => corner.join(",")).join(" "));
    dots.replaceChildren(...all.map(([x, y]) => {
      const dot = document.createElementNS(map.namespaceURI, "circle");
      dot.setAttribute("cx", x);
      dot.setAttribute("cy", y);
      dot.setAttribute("r", 6);
      return dot;
    }));
  };

  map.addEventListener("click", (event) => {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(map.getScreenCTM().inverse());
    const latitude = north - at.y / view.height * (north - south);
    const longitude = west + at.x / view.width * (east - west);
    const before = field.value.trimEnd();
    field.value = (before ? before + "\n" : "") + latitude.toFixed(4) + ", " + longitude.toFixed(4);
    draw();
  });
  field.addEventListener("input", draw);
  map.classList.add("drawable");
  draw();
})();
