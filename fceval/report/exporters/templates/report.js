// The finder over the list of cases: search, filters, keys and links to a case. Without it the list is whole and opens.
"use strict";
(() => {
  const list = document.getElementById("list");
  const finder = document.querySelector(".finder");
  const search = document.getElementById("search");
  const count = document.getElementById("count");
  const filters = [...document.querySelectorAll("[data-filter]")];

  const folded = text => text.normalize("NFKC").toLowerCase();
  const entries = [...list.children].map(element => ({ element, summary: element.querySelector("summary"), text: "" }));

  // What a case says is put together once, when it is first asked for.
  const textOf = entry => entry.text ||= folded(entry.element.textContent);

  const fits = ({ element }, { dataset: { filter }, value }) => {
    if (!value) return true;
    const values = (element.dataset[filter] ?? "").split("\n");
    return value.startsWith("!") ? !values.includes(value.slice(1)) : values.includes(value);
  };

  const apply = () => {
    const words = folded(search.value).split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const entry of entries) {
      const found = filters.every(filter => fits(entry, filter)) && words.every(word => textOf(entry).includes(word));
      entry.element.hidden = !found;
      shown += found;
    }
    count.textContent = `${shown.toLocaleString("en")} of ${entries.length.toLocaleString("en")} shown.`;
  };

  const reset = () => {
    search.value = "";
    for (const filter of filters) filter.value = "";
    apply();
  };

  // What cases share stands once on the page; an opened case gets a copy of it.
  const complete = element => {
    for (const link of element.querySelectorAll("a.shared")) {
      const whole = document.getElementById(link.hash.slice(1));
      if (!whole) continue;
      const copy = (whole.querySelector(":scope > pre") && whole.localName === "div" ? whole.querySelector("pre") : whole).cloneNode(true);
      copy.removeAttribute("id");
      link.replaceWith(copy);
    }
  };

  // The address as it is written in the page, whichever characters of it a reader's program had escaped.
  const addressOf = hash => {
    try {
      const [id, ...rest] = hash.slice(1).split("&");
      return [`case=${encodeURIComponent(decodeURIComponent(id.replace(/^case=/, "")))}`, ...rest].join("&");
    } catch {
      return hash.slice(1);
    }
  };

  const follow = () => {
    if (!location.hash.startsWith("#case=")) return;
    const wanted = addressOf(location.hash);
    const entry = entries.find(({ element }) => element.id === wanted) ??
      entries.find(({ element }) => element.id.startsWith(`${wanted}&`));
    if (!entry) {
      count.textContent = "The case of this address is not on this page.";
      count.scrollIntoView({ block: "center" });
      return;
    }
    if (entry.element.hidden) reset();
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
    const open = entries.find(({ element }) => element.open && element.contains(document.activeElement));
    if (!open) return false;
    open.element.open = false;
    open.summary.focus();
    return true;
  };

  const leaveSearch = () => {
    search.value = "";
    apply();
    search.blur();
    return true;
  };

  const moves = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 };
  const moving = (key, at, typing) => {
    if (!(key in moves)) return false;
    if (typing) return at === search && key === "ArrowDown";
    return !key.startsWith("Arrow") || entries.some(({ summary }) => summary === at);
  };

  document.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const at = document.activeElement;
    const typing = at.matches("input, select, textarea");
    let done = false;
    if (event.key === "Escape") {
      done = at === search ? leaveSearch() : close();
    } else if (event.key === "/" && !typing) {
      search.focus();
      done = true;
    } else if (moving(event.key, at, typing)) {
      step(moves[event.key]);
      done = true;
    }
    if (done) event.preventDefault();
  });

  search.addEventListener("input", apply);
  for (const filter of filters) filter.addEventListener("change", apply);
  list.addEventListener("toggle", ({ target }) => {
    if (target.open && target.parentElement === list) complete(target);
  }, true);
  list.addEventListener("click", ({ target }) => {
    const item = target.closest("summary")?.parentElement;
    if (item?.parentElement === list && !item.open) history.replaceState(null, "", `#${item.id}`);
  });
  window.addEventListener("hashchange", follow);

  // What is scrolled to must not hide behind the finder.
  const clear = () => {
    const covered = getComputedStyle(finder).position === "sticky" ? finder.offsetHeight : 0;
    document.documentElement.style.scrollPaddingTop = `${covered + 8}px`;
  };
  window.addEventListener("resize", clear);

  const shared = document.getElementById("shared");
  if (shared) shared.hidden = true;
  finder.hidden = false;
  apply();
  clear();
  // After the browser has gone to the address in its own way, which takes the focus from whatever has it.
  window.addEventListener("load", () => setTimeout(follow));
})();
