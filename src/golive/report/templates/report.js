"use strict";
// The page is complete without this: it filters, opens and copies.
(() => {
  const form = document.getElementById("filter");
  const shown = form.elements.shown;
  const scenarios = [...document.querySelectorAll(".scenario")].map((element) => ({
    element,
    outcome: element.dataset.outcome,
    section: element.closest(".item"),
    text: element.textContent.toLowerCase(),
  }));

  function filter() {
    const data = new FormData(form);
    const outcomes = new Set(data.getAll("outcome"));
    const words = data.get("text").toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const each of scenarios) {
      const fits =
        outcomes.has(each.outcome) &&
        (!data.get("item") || each.section.id === data.get("item")) &&
        words.every((word) => each.text.includes(word));
      each.element.hidden = !fits;
      count += fits;
    }
    for (const section of document.querySelectorAll(".item"))
      section.hidden = !section.querySelector(".scenario:not([hidden])");
    const { of, shown: word, none } = shown.dataset;
    shown.value = count ? `${count} ${of} ${scenarios.length} ${word}` : none;
  }

  function follow() {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    if (!target) return;
    if (target.hidden) {
      form.reset();
      filter();
    }
    if (target.matches("details")) {
      target.open = true;
      target.firstElementChild.focus();
    }
    target.scrollIntoView();
  }

  for (const pre of document.querySelectorAll(".copy")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = shown.dataset.copy;
    button.addEventListener("click", async () => {
      const range = document.createRange();
      range.selectNodeContents(pre);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      try {
        await navigator.clipboard.writeText(pre.textContent);
        button.textContent = shown.dataset.copied;
      } catch {
        // Not permitted here; it is selected, so Ctrl+C copies it.
      }
    });
    pre.after(button);
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", filter);
  form.addEventListener("click", (event) => {
    const open = event.target.dataset.open;
    if (open === undefined) return;
    for (const each of scenarios) if (!each.element.hidden) each.element.open = Boolean(open);
  });
  addEventListener("hashchange", follow);
  form.hidden = false;
  filter();
  follow();
})();
