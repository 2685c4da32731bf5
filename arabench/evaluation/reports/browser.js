"use strict";
(() => {
  const step = 20;
  const changes = [...document.querySelectorAll("article.change")];
  const box = document.getElementById("filters");
  if (!box) return;
  const [task, model, kind] = ["f-task", "f-model", "f-kind"].map((id) => document.getElementById(id));
  const more = document.getElementById("f-more");
  const said = document.getElementById("f-said");
  let limit = step;
  const fits = (change) =>
    (!task.value || change.dataset.task === task.value) &&
    (!model.value || change.dataset.model === model.value) &&
    (!kind.value || change.dataset.kind === kind.value ||
      (kind.value === "flip" && change.classList.contains("flip")));
  const show = () => {
    let found = 0;
    for (const change of changes) {
      const fit = fits(change);
      change.hidden = !fit || found >= limit;
      found += fit;
    }
    said.textContent = found ? `${Math.min(found, limit)} of ${found} shown` : "none fits";
    more.hidden = found <= limit;
  };
  for (const field of [task, model, kind]) {
    field.addEventListener("change", () => { limit = step; show(); });
  }
  more.addEventListener("click", () => {
    const first = changes.filter(fits)[limit];
    limit += step;
    show();
    if (first) first.focus();
  });
  window.addEventListener("beforeprint", () => { limit = Infinity; show(); });
  box.hidden = false;
  show();
})();
