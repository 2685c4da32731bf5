"use strict";
(() => {
  const { sheet, format } = document.body.dataset;
  const place = `arabench-rating-${sheet}`;
  const articles = [...document.querySelectorAll("article")];
  const rater = document.getElementById("rater");
  const count = document.getElementById("count");
  const said = document.getElementById("said");
  const keys = { 1: "1", 2: "2", 0: "tie", "١": "1", "٢": "2", "٠": "tie" };
  const chosen = (article) => article.querySelector("input:checked")?.value ?? "";
  const comment = (article) => article.querySelector("textarea").value.trim();
  const state = () => ({
    rater: rater.value.trim(),
    choices: Object.fromEntries(articles.map((one) => [one.id, chosen(one)]).filter(([, value]) => value)),
    comments: Object.fromEntries(articles.map((one) => [one.id, comment(one)]).filter(([, value]) => value)),
  });
  const show = () => {
    const done = articles.filter(chosen);
    for (const article of articles) article.classList.toggle("done", Boolean(chosen(article)));
    count.textContent = `${done.length} من ${articles.length}`;
  };
  const keep = () => {
    show();
    said.textContent = "";
    try { localStorage.setItem(place, JSON.stringify(state())); } catch { /* not kept by this browser */ }
  };
  try {
    const before = JSON.parse(localStorage.getItem(place) ?? "{}");
    rater.value = before.rater ?? "";
    for (const article of articles) {
      for (const input of article.querySelectorAll("input")) input.checked = before.choices?.[article.id] === input.value;
      article.querySelector("textarea").value = before.comments?.[article.id] ?? "";
      article.querySelector("details").open = Boolean(before.comments?.[article.id]);
    }
  } catch { /* nothing was kept */ }
  let at = 0;
  const go = (to) => {
    at = Math.max(0, Math.min(to, articles.length - 1));
    articles[at].focus({ preventScroll: true });
    articles[at].scrollIntoView({ block: "start" });
  };
  document.addEventListener("focusin", (event) => {
    const article = event.target.closest("article");
    if (article) at = articles.indexOf(article);
  });
  document.addEventListener("change", keep);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("textarea, input[type=text]")) return;
    if (event.key in keys) {
      const input = articles[at].querySelector(`input[value="${keys[event.key]}"]`);
      input.checked = true;
      keep();
      if (at < articles.length - 1) go(at + 1);
    } else if (event.code === "KeyN") go(at + 1);
    else if (event.code === "KeyP") go(at - 1);
    else return;
    event.preventDefault();
  });
  const save = (text, type, suffix) => {
    const { rater: name, choices } = state();
    if (!name) {
      said.textContent = "اكتب اسمك أولا";
      rater.focus();
      return;
    }
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = `${sheet}-${name.replace(/[^\p{L}\p{N}]+/gu, "_")}.${suffix}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    const left = articles.length - Object.keys(choices).length;
    said.textContent = left ? `حفظ، وبقي ${left}` : "حفظ";
  };
  document.getElementById("save-json").addEventListener("click", () => {
    save(`${JSON.stringify({ format, sheet, ...state() }, null, 2)}\n`, "application/json", "json");
  });
  document.getElementById("save-csv").addEventListener("click", () => {
    const cell = (text) => `"${(/^[=+\-@\t\r\n＝＋－＠']/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
    const name = rater.value.trim();
    const rows = articles.map((one) => [sheet, name, one.id, chosen(one), comment(one)]);
    const lines = [["sheet", "rater", "item", "choice", "comment"], ...rows].map((row) => row.map(cell).join(","));
    save(`\ufeff${lines.join("\r\n")}\r\n`, "text/csv;charset=utf-8", "csv");
  });
  show();
})();
