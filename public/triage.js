// Triage: keys, marks, progress, the pane. All pages work without it. Marks are in this browser, and those of the owner in the store, too.
"use strict";

(() => {
  const root = document.documentElement;
  const $ = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const make = (tag, more = {}) => Object.assign(document.createElement(tag), more);

  const KEY = "paperwire-marks";
  const read = (key, usual) => {
    try { return JSON.parse(localStorage.getItem(key)) ?? usual; } catch { return usual; }
  };
  const write = (key, value) => {
    try { localStorage.setItem(key, JSON.stringify(value)); } catch { /* without storage, marks last as long as the page */ }
  };

  // A mark: v seen, l liked (1) or disliked (-1), s saved, x dismissed, d its date
  let marks = read(KEY, {});
  const day = $(".dayhead[data-day]")?.dataset.day || "";
  const rows = all(".row[data-id]");
  const single = $("article[data-id]"); // the page of one paper
  const idOf = (row) => row.dataset.id;
  const of = (id) => (marks[id] ||= day || single ? { d: day || single.dataset.day } : {});
  const MOST = 3000; // marks that are kept besides saved papers: the newest
  const keep = () => {
    const old = Object.entries(marks).filter(([, mark]) => !mark.s).sort(([, a], [, b]) => ((a.d || "") < (b.d || "") ? 1 : -1)).slice(MOST);
    for (const [id] of old) delete marks[id];
    write(KEY, marks);
  };
  const pane = $(".pane");
  const track = $(".track");
  const wide = matchMedia("(min-width: 75rem)");
  let here = null;
  let hideSeen = false;
  let acted = false;
  const undone = [];

  const say = (text, undo) => {
    const toast = $(".toast") || document.body.appendChild(make("div", { className: "toast" }));
    toast.setAttribute("role", "status");
    toast.textContent = text;
    if (undo) {
      const button = make("button", { type: "button", textContent: "Undo" });
      button.append(" ", make("kbd", { textContent: "u" }));
      button.onclick = back;
      toast.append(button);
    }
    clearTimeout(say.timer);
    say.timer = setTimeout(() => (toast.textContent = ""), 6000);
  };

  // what is shown

  const feed = () => $(".tabs-of [aria-current]")?.dataset.feed || "";
  const inFeed = (row) => !feed() || row.dataset.feeds.split(" ").includes(feed());
  const isShown = (row) =>
    inFeed(row) && (!row.classList.contains("gone") || root.classList.contains("show-gone")) &&
    !(hideSeen && row.classList.contains("seen") && row !== here);
  const shown = () => rows.filter(isShown);
  const isOver = (mark) => !!(mark?.v || mark?.x);

  const press = (within, mark) => {
    for (const button of all(".acts button[name]", within)) {
      const on = { l: mark.l === 1, d: mark.l === -1, s: !!mark.s, x: !!mark.x }[button.name];
      button.setAttribute("aria-pressed", !!on);
    }
  };
  const paint = (row) => {
    const mark = marks[idOf(row)] || {};
    if (row === single) return press(row, mark);
    row.classList.toggle("liked", mark.l === 1);
    row.classList.toggle("disliked", mark.l === -1);
    row.classList.toggle("saved", !!mark.s);
    row.classList.toggle("gone", !!mark.x);
    row.classList.toggle("seen", !!mark.v);
    press(row, mark);
    if (row === here && $(".dock")) press($(".dock").parentNode, mark);
  };

  const count = () => {
    if (!track) return;
    const mine = rows.filter(inFeed);
    const seen = mine.filter((row) => isOver(marks[idOf(row)])).length;
    const saved = mine.filter((row) => marks[idOf(row)]?.s).length;
    $(".sofar", track).textContent = `${seen} of ${mine.length} seen` + (saved ? ` · ${saved} saved` : "");
    $(".ticks", track).replaceChildren(...mine.map((row) => {
      const mark = marks[idOf(row)] || {};
      const unseen = row.classList.contains("must") ? "must" : "";
      return make("i", { className: row === here ? "here" : mark.s || mark.l === 1 ? "kept" : isOver(mark) ? "seen" : unseen });
    }));
    for (const band of all("section.of")) band.hidden = !all(".row", band).some(isShown);
    const end = $(".end");
    if (end && seen === mine.length && mine.length) {
      end.classList.add("through");
      $("h2", end).textContent = "You are through";
      $("p", end).textContent = `${mine.length} papers seen, ${saved} saved.`;
    }
    days();
  };
  // a day in the strip is done when as many of its papers are seen as it has
  const days = () => {
    const seen = {};
    for (const mark of Object.values(marks)) if (mark.d && isOver(mark)) seen[mark.d] = (seen[mark.d] || 0) + 1;
    for (const link of all(".days a[data-date]")) {
      const left = Number(link.dataset.count) - (seen[link.dataset.date] || 0);
      link.classList.toggle("done", left <= 0 && link.dataset.count !== "0");
    }
  };

  // the paper that is open: beside the list, or below its row

  const unfolded = async (row) => {
    const own = $(".peek", row);
    if (own) return own.cloneNode(true);
    const answer = await fetch($("h3 a", row).href.replace(/(\?|#|$)/, "/peek$1"));
    if (!answer.ok) throw new Error(answer.statusText);
    const peek = make("div", { className: "peek" });
    peek.append(...new DOMParser().parseFromString(await answer.text(), "text/html").body.childNodes);
    return peek;
  };
  const open = async (row) => {
    if (!pane || !row || !wide.matches) return;
    const head = make("h2");
    head.append($("h3 a", row).cloneNode(true));
    const claim = make("p", { className: "sum", textContent: $(".claim", row).textContent });
    const acts = $(".acts", row).cloneNode(true);
    acts.classList.add("big");
    for (const button of all("button", acts)) button.append(make("kbd", { textContent: button.name }));
    const rest = make("div", { className: "peek" });
    pane.replaceChildren(head, claim, acts, rest);
    pane.scrollTop = 0;
    press(pane, of(idOf(row)));
    try {
      const peek = await unfolded(row);
      if (row === here) rest.replaceWith(peek);
    } catch {
      rest.textContent = "The rest could not be fetched.";
    }
  };
  const unfold = async (row) => {
    if (wide.matches && pane) return;
    let more = $(".more", row);
    if (!more) {
      const peek = await unfolded(row).catch(() => make("p", { textContent: "The rest could not be fetched." }));
      more = make("details", { className: "more" });
      more.append(make("summary", { textContent: "More" }), peek);
      row.children[1].append(more);
    }
    for (const other of all(".row .more[open]")) if (other !== more) other.open = false;
    more.open = !more.open;
  };

  const go = (row, focus = true, passed = true) => {
    if (!row || row === single) return;
    if (here && here !== row) {
      if (passed) of(idOf(here)).v = 1;
      if ($(".more[open]", here)) $(".more", here).open = false;
      here.classList.remove("here");
      paint(here);
      if (passed) { keep(); send(idOf(here)); }
    }
    here = row;
    row.classList.add("here");
    paint(row);
    if (focus) { $("h3 a", row).focus({ preventScroll: true }); row.scrollIntoView({ block: "nearest" }); }
    open(row);
    count();
  };
  const leave = () => {
    here?.classList.remove("here");
    here = null;
    pane?.replaceChildren();
    $(".end")?.scrollIntoView({ block: "center" });
  };
  const next = (step) => {
    const list = shown();
    const at = list.indexOf(here);
    if (at < 0) return list[step > 0 ? 0 : list.length - 1];
    return list[at + step];
  };
  const forward = () => {
    const after = next(1);
    if (after || !here) return go(after);
    of(idOf(here)).v = 1;
    paint(here);
    keep();
    send(idOf(here));
    count();
    $(".end")?.scrollIntoView({ block: "nearest" });
  };

  // what is done

  const WORDS = { l: ["Liked", "Like taken back"], d: ["Less like this", "Dislike taken back"], s: ["Saved", "No longer saved"], x: ["Dismissed", "Back in the list"] };
  const act = (name, row = here) => {
    if (!row) return;
    acted = true;
    const id = idOf(row);
    const mark = of(id);
    undone.push([id, { ...mark }]);
    const before = { l: mark.l === 1, d: mark.l === -1, s: !!mark.s, x: !!mark.x }[name];
    if (name === "l") mark.l = before ? 0 : 1;
    if (name === "d") { mark.l = before ? 0 : -1; mark.x = before ? 0 : 1; }
    if (name === "s") mark.s = before ? 0 : 1;
    if (name === "x") mark.x = before ? 0 : 1;
    mark.v = 1;
    const after = next(1) || next(-1);
    keep();
    send(id);
    paint(row);
    say(WORDS[name][before ? 1 : 0], true);
    if (!before && row !== single && (name === "x" || name === "d")) { if (row === here) after ? go(after) : leave(); }
    else if (row === here && pane) press(pane, mark);
    count();
  };
  const back = () => {
    const last = undone.pop();
    if (!last) return say("Nothing to undo");
    marks[last[0]] = { ...last[1], t: marks[last[0]]?.t };
    keep();
    send(last[0]);
    const row = rows.find((one) => idOf(one) === last[0]);
    if (single) paint(single);
    else if (row) { paint(row); go(row, true, false); }
    say("Undone");
  };

  // the owner's marks are in the store, so that all browsers of the owner agree: the newer mark of a paper wins
  const owner = document.cookie.includes("paperwire-owner=1") && document.body.dataset.marks;
  const waitingToSend = new Set();
  const flush = async () => {
    const ids = [...waitingToSend].slice(0, 400);
    if (!ids.length) return;
    for (const id of ids) waitingToSend.delete(id);
    const body = JSON.stringify({ marks: Object.fromEntries(ids.map((id) => [id, marks[id] || {}])) });
    try {
      const answer = await fetch(owner, { method: "POST", body, keepalive: body.length < 6e4, headers: { "Content-Type": "application/json" } });
      if (answer.status === 401) return say("You are signed out: marks stay in this browser");
      if (!answer.ok) throw new Error(answer.statusText);
    } catch {
      for (const id of ids) waitingToSend.add(id);
      say("The marks could not be stored yet; they are kept in this browser");
    }
  };
  const send = (id) => {
    of(id).t = Math.max(Math.floor(Date.now() / 1000), (of(id).t || 0) + 1);
    keep();
    if (!owner) return;
    waitingToSend.add(id);
    clearTimeout(send.timer);
    send.timer = setTimeout(flush, 400);
  };
  const meet = async () => {
    const answer = await fetch(owner, { headers: { Accept: "application/json" } });
    if (!answer.ok) return;
    const theirs = (await answer.json()).marks;
    for (const [id, mark] of Object.entries(theirs)) if (!marks[id] || (marks[id].t || 0) <= mark.t) marks[id] = mark;
    for (const [id, mark] of Object.entries(marks)) if ((mark.t || 0) > (theirs[id]?.t || 0)) waitingToSend.add(id);
    keep();
    rows.forEach(paint);
    if (single) paint(single);
    count();
    if (here?.classList.contains("seen")) go(shown().find((row) => !row.classList.contains("seen")) || here, false, false);
    flush();
  };
  if (owner) {
    meet().catch(() => {});
    addEventListener("pagehide", flush);
  }

  // the list of saved papers of a browser without a session: the address names them
  const saved = () => Object.keys(marks).filter((id) => marks[id].s);
  if ($("[data-saved]") && !owner && saved().length && !location.search.includes("id=")) {
    location.replace(`${location.pathname}?${location.search.slice(1)}${location.search ? "&" : ""}id=${saved().slice(-150).reverse().join(",")}`);
  }
  for (const button of all("[data-remove]")) {
    button.addEventListener("click", () => {
      of(button.dataset.remove).s = 0;
      send(button.dataset.remove);
      button.closest(".row").remove();
    });
  }

  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    const row = button?.closest("[data-id]");
    if (!row || !/^[ldsx]$/.test(button.name)) return;
    event.preventDefault();
    act(button.name, row);
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest(".acts button[name]");
    if (button?.closest(".pane, .dock")) act(button.name);
    const row = event.target.closest(".row[data-id]");
    const free = row && !event.target.closest("button, summary, .more, .acts") && !event.ctrlKey && !event.metaKey && !event.shiftKey;
    if (free && row !== here && (wide.matches || $(".dock")) && pane) {
      event.preventDefault(); // the first click shows, the second opens
      acted = true;
      go(row, false);
      unfold(row);
    } else if (free && row === here && !wide.matches && !event.target.closest("a")) unfold(row);
    const tab = event.target.closest(".tabs-of a[data-feed]");
    if (tab && !new URLSearchParams(location.search).has("feed")) {
      event.preventDefault();
      for (const other of all("a", tab.closest(".tabs-of"))) other.removeAttribute("aria-current");
      tab.setAttribute("aria-current", "true");
      for (const one of rows) one.hidden = !inFeed(one);
      go(shown()[0], false);
    }
    const opened = event.target.closest(".dock a");
    if (opened) { event.preventDefault(); if (here) location.href = $("h3 a", here).href; }
    const menu = $(".menu[open]");
    if (menu && !menu.contains(event.target)) menu.open = false;
  });

  // keys

  const link = (rel) => $(`a[rel="${rel}"]`)?.click();
  const keys = {
    j: [() => (single ? link("next") : forward()), "next paper"], k: [() => (single ? link("prev") : go(next(-1))), "previous paper"],
    s: [() => act("s"), "save"], x: [() => act("x"), "dismiss"],
    l: [() => act("l"), "like"], d: [() => act("d"), "dislike, and dismiss"],
    e: [() => here && here !== single && unfold(here), "expand"],
    Enter: [() => here && here !== single && (location.href = $("h3 a", here).href), "open the paper"],
    p: [() => { const pdf = here && $('.acts a[href*="/pdf/"]', here); if (pdf) window.open(pdf.href, "_blank", "noopener"); }, "PDF"],
    u: [back, "undo"],
    h: [() => {
      hideSeen = !hideSeen;
      for (const row of rows) row.hidden = !isShown(row) && !row.classList.contains("gone");
      say(hideSeen ? "Seen papers are hidden" : "All papers are shown");
      count();
    }, "hide seen"],
    "[": [() => link("prev"), "previous day"], "]": [() => link("next"), "next day"],
    "/": [() => { const box = $("input[type=search]"); box ? box.focus() : (location.href = $('nav a[href*="/search"]').href); }, "search"],
    "?": [() => help(), "these keys"],
  };
  const OFF = "paperwire-keys-off";
  const help = () => {
    let box = $("#keys");
    if (!box) {
      box = make("dialog", { id: "keys" });
      box.setAttribute("aria-labelledby", "keys-title");
      const list = make("dl");
      for (const [key, [, what]] of Object.entries(keys)) {
        const term = make("dt");
        term.append(make("kbd", { textContent: key }));
        list.append(term, make("dd", { textContent: what }));
      }
      const label = make("label", { className: "line" });
      const off = make("input", { type: "checkbox", checked: !!read(OFF, false) });
      off.addEventListener("change", () => write(OFF, off.checked));
      label.append(off, "Turn these keys off in this browser");
      const form = make("form", { method: "dialog" });
      form.append(make("button", { className: "button quiet", textContent: "Close" }));
      box.append(make("h2", { id: "keys-title", textContent: "Keys" }), list, label, form);
      document.body.append(box);
    }
    box.open ? box.close() : box.showModal();
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, [contenteditable]")) return;
    const does = Object.hasOwn(keys, event.key) && keys[event.key][0];
    if (!does || (read(OFF, false) && event.key !== "?") || ($("dialog[open]") && event.key !== "?")) return;
    if (event.key === "Enter" && event.target.closest("a, button, summary")) return;
    event.preventDefault();
    acted = true;
    does();
  });
  for (const button of all("[data-gone]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const on = root.classList.toggle("show-gone");
      button.textContent = on ? "Hide dismissed papers" : "Show dismissed papers";
      count();
    });
  }
  for (const button of all("[data-help]")) { button.hidden = false; button.addEventListener("click", help); }

  // since the last visit: papers that this browser had not shown before it; a visit ends after half an hour
  const fresh = $(".fresh");
  if (fresh && rows.length && !new URLSearchParams(location.search).size) {
    const now = Date.now();
    const visit = read("paperwire-visit", null) || { began: now, last: now, known: {} };
    if (now - visit.last > 18e5) visit.began = now;
    visit.last = now;
    const isFirst = !Object.keys(visit.known).length;
    let found = 0;
    for (const row of rows) if ((visit.known[idOf(row)] ||= now) >= visit.began) found += 1;
    const ids = Object.entries(visit.known).sort((a, b) => b[1] - a[1]).slice(0, 1500);
    write("paperwire-visit", { ...visit, known: Object.fromEntries(ids) });
    if (!isFirst && visit.before !== undefined && found && found < rows.length) fresh.firstElementChild.textContent = `${found} new since your last visit`;
    if (visit.before === undefined) write("paperwire-visit", { ...visit, before: 1, known: Object.fromEntries(ids) });
  }

  // while something is fetched the page looks again, unless somebody has begun to read
  const waiting = $("[data-retry]");
  if (waiting && track) setTimeout(() => acted || location.reload(), Math.max(Number(waiting.dataset.retry), 5) * 1000);

  // from a list to its papers, one after the other: the page of a paper knows where it is in the list
  const ORDER = "paperwire-order";
  const keepOrder = () => {
    if (!rows.length || single) return;
    const name = ($("h1")?.textContent || document.title).replace(/[‹›]/g, "").trim();
    const order = { name, from: location.pathname + location.search, papers: shown().map((row) => [idOf(row), $("h3 a, h2 a", row).getAttribute("href")]) };
    try { sessionStorage.setItem(ORDER, JSON.stringify(order)); } catch { /* then the page of a paper has no place */ }
  };
  document.addEventListener("click", (event) => event.target.closest(".row a, .pane a, .dock a") && keepOrder(), true);
  addEventListener("pagehide", keepOrder);
  if (single) {
    here = single;
    paint(single);
    let order = null;
    try { order = JSON.parse(sessionStorage.getItem(ORDER)); } catch { /* as above */ }
    const at = order?.papers.findIndex(([id]) => id === idOf(single)) ?? -1;
    const line = $("[data-place]");
    if (at >= 0 && line) {
      const to = (one, rel, textContent) => (one ? make("a", { rel, textContent, href: one[1] }) : make("span", { className: "soft", textContent }));
      const where = make("span", { textContent: `${at + 1} of ${order.papers.length}, ` });
      where.append(make("a", { href: `${order.from}#p-${idOf(single).replaceAll("/", "-")}`, textContent: order.name }));
      line.replaceChildren(to(order.papers[at - 1], "prev", "‹ Previous"), " ", where, " ", to(order.papers[at + 1], "next", "Next ›"));
    }
  }
  rows.forEach(paint);
  if (rows.length && track) go(rows.find((row) => location.hash === "#" + row.id) || shown().find((row) => !row.classList.contains("seen")) || shown()[0], false);
  wide.addEventListener("change", () => open(here));
})();
