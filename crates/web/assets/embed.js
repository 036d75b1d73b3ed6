// Puts the notice of a site beside this script:
// <script src="https://STATUS/embed.js" data-site="HOSTNAME" async></script>
(() => {
  const script = document.currentScript;
  const site = script && script.dataset.site;
  if (!site) return;
  const frame = document.createElement("iframe");
  const address = new URL(`/sites/${encodeURIComponent(site)}/notice`, script.src);
  const language = document.documentElement.lang.slice(0, 2).toLowerCase();
  if (language) address.searchParams.set("lang", language);
  frame.src = address.href;
  frame.title = `${language === "es" ? "Inicio de sesión en" : "Sign-in on"} ${site}`;
  frame.loading = "lazy";
  frame.style.cssText = "width:100%;height:4.5rem;border:0;color-scheme:light dark";
  script.after(frame);
})();
