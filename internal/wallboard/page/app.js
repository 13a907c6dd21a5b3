"use strict";
// The page draws what the server says and decides nothing. All text of the cluster is set as text and never as markup.
// The checks are a tree as ARIA has it: one stop of the Tab key, arrows within it, and Enter opens a check.

const order = {Critical: 4, Unknown: 3, Maintenance: 2, Warning: 1, Passing: 0};
const silentAfter = 6500; // three beats of the server
const eventsFollow = 2000; // an Event is written after the status that it tells of
const day = 86400000;
const at = id => document.getElementById(id);
const tree = at("tree");
const made = new Map(); // the roots that are drawn, by path, each with what it shows
const folded = new Set(); // paths of the branches that somebody has closed
let last = null, heard = Date.now(), drawn = "", states = null;
let current = ""; // the path of the item that Tab leads to
let open = ""; // the name of the check whose page is open
let later = 0;

function element(name, attributes = {}, ...children) {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== false && value != null) e.setAttribute(key, value === true ? "" : value);
  }
  e.append(...children.filter(c => c != null));
  return e;
}

function setText(e, text) {
  if (e.textContent !== text) e.textContent = text;
}

function age(since) {
  if (!since) return "";
  const s = Math.max(0, Math.round((Date.now() - Date.parse(since)) / 1000));
  if (s < 120) return s + "s";
  if (s < 7200) return Math.floor(s / 60) + "m";
  if (s < 172800) return Math.floor(s / 3600) + "h";
  return Math.floor(s / 86400) + "d";
}

const place = n => (n.namespace ? n.namespace + "/" : "") + n.name;
const named = n => n.kind + "/" + place(n);
const stateOf = n => n.state || (n.missing ? "Critical" : "Unknown");
const all = () => last ? last.trees.concat(last.loose) : [];
const some = (n, test) => test(n) || (n.children || []).some(c => some(c, test));

// ---- the tree

const marksOf = n => [n.culprit && "◀ culprit", n.missing && "does not exist", n.ring && "↺ ring", n.above && "see above"].filter(Boolean).join(", ");
const saidOf = n => [n.reason, n.children && n.children.length ? "" : n.message].filter(Boolean).join(": ");

function row(n) {
  const marks = marksOf(n);
  return element("div", {class: "row"},
    element("span", {class: "fold", "aria-hidden": "true"}, n.children && n.children.length ? "▾" : ""),
    element("span", {class: "state " + stateOf(n)}, stateOf(n)),
    element("span", {class: "name"}, element("span", {class: "kind"}, n.kind + " "), place(n)),
    marks ? element("span", {class: "mark"}, marks) : null,
    element("span", {class: "message", title: n.message || ""}, saidOf(n)),
    element("span", {class: "age", "data-since": n.since}, age(n.since)));
}

// spoken is a row in words. The age is not in it: it grows, and would be read again.
const spoken = n => [stateOf(n), n.kind + " " + place(n), marksOf(n).replace(/[◀↺] /g, ""), saidOf(n)].filter(Boolean).join(", ");

function branch(n, level, above) {
  const path = above + "\n" + named(n), children = n.children || [], shut = folded.has(path);
  const li = element("li", {
    role: "treeitem", class: level === 1 && "root", tabindex: -1, "data-path": path, "data-id": named(n), "aria-label": spoken(n),
    "aria-level": level, "aria-selected": "false", "aria-expanded": children.length ? String(!shut) : null,
  }, row(n));
  if (children.length) li.append(element("ul", {role: "group", hidden: shut}, ...children.map(c => branch(c, level + 1, path))));
  return li;
}

// rootOf is the element of a root. What shows the same stays the same element, for those who are on it.
function rootOf(n) {
  const path = "\n" + named(n), shows = JSON.stringify(n), before = made.get(path);
  if (before && before.shows === shows) return before.li;
  const li = branch(n, 1, "");
  made.set(path, {shows, li});
  return li;
}

function put(items) {
  const wanted = new Set(items);
  [...tree.children].forEach(li => { if (!wanted.has(li)) li.remove(); });
  items.forEach((li, i) => { if (tree.children[i] !== li) tree.insertBefore(li, tree.children[i] || null); });
}

const items = () => [...tree.querySelectorAll("[role=treeitem]")].filter(e => !e.parentElement.closest("[hidden]"));
const itemAt = path => items().find(e => e.dataset.path === path);

function wanted(n) {
  const namespace = at("namespace").value, state = at("state").value, text = at("text").value.toLowerCase();
  return (!namespace || n.namespace === namespace) && (!state || stateOf(n) === state) &&
    (!text || some(n, m => [named(m), m.reason, m.message].some(t => (t || "").toLowerCase().includes(text))));
}

// inView is the root in the middle of the window, and how far down it stands.
function inView() {
  const left = tree.getBoundingClientRect().left;
  const root = document.elementsFromPoint(left + 8, innerHeight / 2).map(e => e.closest("li.root")).find(Boolean);
  return root && {path: root.dataset.path, top: root.getBoundingClientRect().top};
}

// stay scrolls to where somebody was reading, for what is out of view has no height of its own yet.
function stay(kept) {
  const root = kept && scrollY > 0 && itemAt(kept.path);
  if (!root || Math.abs(root.getBoundingClientRect().top - kept.top) < 1) return;
  root.scrollIntoView({block: "center"});
  scrollBy(0, root.getBoundingClientRect().top - kept.top);
}

function draw() {
  if (!last) return;
  const shown = all().filter(wanted).sort((a, b) => order[stateOf(b)] - order[stateOf(a)]);
  const kept = inView(), had = tree.contains(document.activeElement), index = items().indexOf(document.activeElement);
  put(shown.map(rootOf));
  const paths = new Set(all().map(n => "\n" + named(n)));
  [...made.keys()].forEach(path => { if (!paths.has(path)) made.delete(path); });
  stay(kept);
  rove(index);
  if (had && !tree.contains(document.activeElement)) (itemAt(current) || tree).focus({preventScroll: true});
  at("nothing").hidden = shown.length > 0;
  at("nothing").textContent = last.trees.length + last.loose.length ? "Nothing matches the filter." : "There are no checks.";
  tree.hidden = shown.length === 0;
}

// rove makes one item the one that Tab leads to: that of before, or, if it is gone, what stands in its place.
function rove(index) {
  const list = items();
  const item = list.find(e => e.dataset.path === current) || list[Math.max(0, Math.min(index, list.length - 1))];
  current = item ? item.dataset.path : "";
  tree.querySelectorAll("[tabindex='0']").forEach(e => { if (e !== item) e.tabIndex = -1; });
  if (item) item.tabIndex = 0;
  tree.querySelectorAll("[role=treeitem]").forEach(e => {
    const selected = String(e.dataset.id === open);
    if (e.getAttribute("aria-selected") !== selected) e.setAttribute("aria-selected", selected);
  });
}

function fold(item, shut) {
  item.setAttribute("aria-expanded", String(!shut));
  item.querySelector("[role=group]").hidden = shut;
  if (shut) folded.add(item.dataset.path); else folded.delete(item.dataset.path);
}

// moves are the keys of a tree: each says where to go from an item, or folds it and goes nowhere.
const moves = {
  ArrowDown: (item, list) => list[list.indexOf(item) + 1],
  ArrowUp: (item, list) => list[list.indexOf(item) - 1],
  Home: (item, list) => list[0],
  End: (item, list) => list[list.length - 1],
  ArrowRight: item => {
    if (item.getAttribute("aria-expanded") === "true") return item.querySelector("[role=treeitem]");
    if (item.getAttribute("aria-expanded") === "false") fold(item, false);
  },
  ArrowLeft: item => {
    if (item.getAttribute("aria-expanded") !== "true") return item.parentElement.closest("[role=treeitem]");
    fold(item, true);
  },
  Enter: item => choose(item),
  " ": item => choose(item),
};

tree.addEventListener("keydown", e => {
  const item = e.target.closest("[role=treeitem]");
  if (!item || !moves[e.key] || e.ctrlKey || e.altKey || e.metaKey) return;
  e.preventDefault();
  const next = moves[e.key](item, items());
  if (next) next.focus();
});
tree.addEventListener("focusin", e => {
  const item = e.target.closest("[role=treeitem]");
  if (item) { current = item.dataset.path; rove(0); }
});
tree.addEventListener("click", e => {
  const item = e.target.closest("[role=treeitem]");
  if (!item) return;
  if (e.target.closest(".fold") && item.hasAttribute("aria-expanded")) fold(item, item.getAttribute("aria-expanded") === "true");
  else choose(item);
});

// ---- what stands around it

function summarize() {
  const counts = {};
  all().forEach(n => { counts[stateOf(n)] = (counts[stateOf(n)] || 0) + 1; });
  setText(at("summary"), Object.keys(order).filter(s => counts[s]).map(s => counts[s] + " " + s).join(", ") || "no checks");
  setText(at("notes"), last.notes.join("\n"));
  at("notes").hidden = last.notes.length === 0;
}

// tell says which checks have another state now, for those who hear the page.
function tell() {
  const now = new Map();
  all().forEach(root => some(root, n => { now.set(named(n), stateOf(n)); return false; }));
  const changes = states ? [...now].filter(([id, state]) => states.has(id) && states.get(id) !== state) : [];
  states = now;
  if (!changes.length) return;
  const told = changes.slice(0, 3).map(([id, state]) => id + " is " + state);
  if (changes.length > 3) told.push("and " + (changes.length - 3) + " more changed");
  at("news").textContent = told.join(", ");
}

function namespaces() {
  const select = at("namespace"), names = [...new Set(all().map(n => n.namespace).filter(Boolean))].sort();
  if (names.join() === [...select.options].slice(1).map(o => o.value).join()) return;
  const chosen = select.value;
  select.replaceChildren(element("option", {value: ""}, "all"), ...names.map(n => element("option", {value: n}, n)));
  select.value = names.includes(chosen) ? chosen : "";
}

function alarm() {
  const silent = Date.now() - heard > silentAfter;
  const problems = silent ? ["This page has heard nothing for " + age(new Date(heard).toISOString()) + ": what it shows may be stale."]
    : last ? last.problems : [];
  at("alarm").hidden = problems.length === 0;
  setText(at("alarm"), problems.join("\n"));
  document.body.classList.toggle("frozen", problems.length > 0);
  document.title = problems.length ? "aliascheck: may be stale" : "aliascheck";
}

function tick() {
  alarm();
  document.querySelectorAll("[data-since]").forEach(e => setText(e, age(e.dataset.since)));
}

// ---- the page of a check. Its address is in the hash, so that it can be kept and sent, and Back closes it.

const choose = item => { location.hash = "#/" + encodeURIComponent(item.dataset.id); };

function close() {
  history.replaceState(null, "", location.pathname);
  route();
}

function addressed() {
  try {
    return location.hash.startsWith("#/") ? decodeURIComponent(location.hash.slice(2)) : "";
  } catch {
    return ""; // it is no address of ours
  }
}

function route() {
  const before = open;
  open = addressed();
  if (open === before) return;
  at("detail").hidden = !open;
  rove(0);
  if (!open) return (itemAt(current) || tree).focus();
  at("about").textContent = open;
  at("facts").replaceChildren(element("p", {}, "loading…"));
  at("about").focus();
  show();
}

// found is a check as the tree has it, with all that it rests on if it stands there several times.
function found(id) {
  let best = null;
  all().forEach(root => some(root, n => {
    if (named(n) === id && (!best || best.above || best.ring)) best = n;
    return false;
  }));
  const [kind, ...rest] = id.split("/");
  return best || {kind, namespace: rest.length > 1 ? rest[0] : "", name: rest[rest.length - 1] || "", missing: true, reason: "not among the checks of this page"};
}

async function about(n) {
  try {
    return await (await fetch("api/about?" + new URLSearchParams({kind: n.kind, namespace: n.namespace || "", name: n.name}))).json();
  } catch {
    return {impact: {aliases: [], pods: []}, events: [], advice: ""}; // the alarm tells
  }
}

async function show() {
  if (!last || !open) return;
  const id = open, facts = await about(found(id));
  if (open !== id) return;
  const n = found(id); // it may have changed meanwhile
  at("facts").replaceChildren(
    element("p", {}, element("strong", {class: "state " + stateOf(n)}, stateOf(n)), " ", [n.reason, n.message].filter(Boolean).join(": ")),
    ...(facts.advice ? [element("p", {}, element("strong", {}, "Next: "), facts.advice)] : []),
    ...table("Conditions", ["Type", "Status", "Reason", "For"],
      (n.conditions || []).map(c => [c.type, c.status, c.reason, element("span", {"data-since": c.lastTransitionTime}, age(c.lastTransitionTime))])),
    ...table("What follows it", ["Who", "State"], facts.impact.aliases.map(a => [named(a), stateOf(a)])
      .concat(facts.impact.pods.map(p => [named(p), p.open ? "gate open" : "gate closed"]))),
    ...table("Transitions", ["When", "What"], facts.events.filter(e => Date.now() - Date.parse(e.at) < day).map(e => [when(e.at), e.note])));
}

const when = time => element("time", {datetime: time},
  new Date(time).toLocaleString([], {weekday: "short", hour: "2-digit", minute: "2-digit", second: "2-digit"}));

function table(title, heads, rows) {
  if (!rows.length) return [];
  return [element("h3", {}, title), element("table", {}, element("thead", {}, element("tr", {}, ...heads.map(h => element("th", {scope: "col"}, h)))),
    element("tbody", {}, ...rows.map(r => element("tr", {}, ...r.map(c => element("td", {}, c || ""))))))];
}

// ---- what happens

function changed() {
  tell();
  namespaces();
  draw();
  summarize();
  show();
  clearTimeout(later);
  later = setTimeout(show, eventsFollow);
}

const stream = new EventSource("api/stream");
stream.onmessage = message => {
  heard = Date.now();
  last = JSON.parse(message.data);
  const content = JSON.stringify([last.trees, last.loose, last.notes]);
  if (content !== drawn) { drawn = content; changed(); }
  alarm();
};
at("filters").addEventListener("input", draw);
at("filters").addEventListener("submit", e => e.preventDefault());
at("close").addEventListener("click", close);
at("skip").addEventListener("click", e => { e.preventDefault(); (itemAt(current) || tree).focus(); });
document.addEventListener("keydown", e => {
  if (e.key === "Escape" && open) close();
  if (e.key === "/" && !["INPUT", "SELECT"].includes(document.activeElement.tagName)) { e.preventDefault(); at("text").focus(); }
});
addEventListener("hashchange", route);
setInterval(tick, 1000);
route();
