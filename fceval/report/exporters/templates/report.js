// The finder over the list of cases: search, filters, keys and links to a case. Without it the list is whole and opens.
"use strict";
(() => {
  const finder = document.querySelector(".finder");
  if (!finder) return;
  const list = document.getElementById("case-list");
  const search = document.getElementById("case-search");
  const outcome = document.getElementById("case-outcome");
  const category = document.getElementById("case-category");
  const count = document.getElementById("case-count");

  const folded = text => text.normalize("NFKC").toLowerCase();
  const entries = [...list.children].map(element => ({
    element,
    summary: element.querySelector("summary"),
    text: folded([...element.querySelectorAll("summary, .tag, .searched")].map(part => part.textContent).join(" ")),
  }));

  const chosen = ({ element: { dataset }, text }, words) =>
    (!outcome.value || (outcome.value === "!passed" ? dataset.outcome !== "passed" : dataset.outcome === outcome.value)) &&
    (!category.value || dataset.category === category.value) &&
    words.every(word => text.includes(word));

  const filter = () => {
    const words = folded(search.value).split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const entry of entries) {
      const fits = chosen(entry, words);
      entry.element.hidden = !fits;
      shown += fits;
    }
    count.textContent = `${shown} of ${entries.length} shown.`;
  };

  // The address as it is written in the page, whichever characters of it a reader's program had escaped.
  const key = hash => {
    try {
      const [id, ...rest] = hash.slice(1).split("&");
      return [`case=${encodeURIComponent(decodeURIComponent(id.replace(/^case=/, "")))}`, ...rest].join("&");
    } catch {
      return hash.slice(1);
    }
  };

  const find = hash => {
    const wanted = key(hash);
    return entries.find(({ element }) => element.id === wanted) ||
      entries.find(({ element }) => element.id.startsWith(`${wanted}&`));
  };

  const follow = () => {
    const entry = location.hash.startsWith("#case=") && find(location.hash);
    if (!entry) return;
    if (entry.element.hidden) {
      search.value = outcome.value = category.value = "";
      filter();
    }
    entry.element.open = true;
    entry.summary.focus({ preventScroll: true });
    entry.element.scrollIntoView();
  };

  const step = by => {
    const shown = entries.filter(({ element }) => !element.hidden);
    const at = shown.findIndex(({ element }) => element.contains(document.activeElement));
    const next = shown[at < 0 ? 0 : Math.min(Math.max(at + by, 0), shown.length - 1)];
    if (!next) return;
    next.summary.focus({ preventScroll: true });
    next.summary.scrollIntoView({ block: "nearest" });
  };

  const close = () => {
    const open = document.activeElement.closest?.("#case-list > details");
    if (!open) return false;
    open.open = false;
    open.querySelector("summary").focus();
    return true;
  };

  const leaveSearch = () => {
    search.value = "";
    filter();
    search.blur();
    return true;
  };

  const moves = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 };

  document.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const at = document.activeElement;
    const typing = at.matches("input, select, textarea");
    const arrow = event.key.startsWith("Arrow");
    let done = false;
    if (event.key === "Escape") {
      done = at === search ? leaveSearch() : close();
    } else if (event.key === "/" && !typing) {
      search.focus();
      done = true;
    } else if (event.key in moves && (typing ? at === search && event.key === "ArrowDown" : !arrow || at.matches("#case-list > details > summary"))) {
      step(moves[event.key]);
      done = true;
    }
    if (done) event.preventDefault();
  });

  for (const [element, kind] of [[search, "input"], [outcome, "change"], [category, "change"]]) {
    element.addEventListener(kind, filter);
  }
  list.addEventListener("toggle", ({ target }) => {
    if (target.open && target.parentElement === list) history.replaceState(null, "", `#${target.id}`);
  }, true);
  window.addEventListener("hashchange", follow);

  finder.hidden = false;
  if (entries.some(({ element }) => element.dataset.outcome !== "passed")) outcome.value = "!passed";
  filter();
  follow();
})();
