"use strict";
// The page draws what the server says and decides nothing. All text of the cluster is set as text and never as markup.

const order = {Critical: 4, Unknown: 3, Maintenance: 2, Warning: 1, Passing: 0};
const silentAfter = 6500; // three beats of the server
const at = id => document.getElementById(id);
let last = null, heard = 0, selected = null, drawn = "";

function element(name, attributes = {}, ...children) {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "onclick") e.addEventListener("click", value);
    else if (value !== false && value != null) e.setAttribute(key, value === true ? "" : value);
  }
  e.append(...children.filter(c => c != null));
  return e;
}

function age(since) {
  if (!since) return "";
  const s = Math.max(0, Math.round((Date.now() - Date.parse(since)) / 1000));
  if (s < 120) return s + "s";
  if (s < 7200) return Math.floor(s / 60) + "m";
  if (s < 172800) return Math.floor(s / 3600) + "h";
  return Math.floor(s / 86400) + "d";
}

const named = n => n.kind + "/" + (n.namespace ? n.namespace + "/" : "") + n.name;

function row(n) {
  const state = n.state || (n.missing ? "Critical" : "Unknown");
  const marks = [n.culprit && "◀ culprit", n.missing && "does not exist", n.ring && "↺ ring", n.above && "see above"].filter(Boolean);
  return element("div", {class: "row"},
    element("span", {class: "state " + state}, state),
    element("button", {type: "button", "data-id": named(n), onclick: () => choose(n)},
      element("span", {class: "kind"}, n.kind + " "), (n.namespace ? n.namespace + "/" : "") + n.name),
    marks.length ? element("span", {class: "mark"}, marks.join(" ")) : null,
    element("span", {class: "message", title: n.message || ""}, [n.reason, n.children && n.children.length ? "" : n.message].filter(Boolean).join(": ")),
    element("span", {class: "age"}, age(n.since)));
}

function branch(n, root) {
  const li = element("li", root ? {class: "root"} : {}, row(n));
  if (n.children && n.children.length) li.append(element("ul", {}, ...n.children.map(c => branch(c, false))));
  return li;
}

const some = (n, test) => test(n) || (n.children || []).some(c => some(c, test));

function wanted(n) {
  const namespace = at("namespace").value, state = at("state").value, text = at("text").value.toLowerCase();
  return (!namespace || n.namespace === namespace) && (!state || n.state === state) &&
    (!text || some(n, m => [named(m), m.reason, m.message].some(t => (t || "").toLowerCase().includes(text))));
}

const buttonOf = id => [...document.querySelectorAll("button[data-id]")].find(b => b.dataset.id === id);

// inView is the tree in the middle of the window, and how far down that stands.
function inView() {
  const left = at("checks").getBoundingClientRect().left;
  const root = document.elementsFromPoint(left + 8, innerHeight / 2).map(e => e.closest("li.root")).find(Boolean);
  const button = root && root.querySelector("button[data-id]");
  return button && {id: button.dataset.id, top: button.getBoundingClientRect().top};
}

// stay scrolls to where somebody was reading: the list has been made again, and what is out of view has no height yet.
function stay(kept) {
  const button = kept && scrollY > 0 && buttonOf(kept.id);
  if (!button) return;
  button.scrollIntoView({block: "center"});
  scrollBy(0, button.getBoundingClientRect().top - kept.top);
}

function draw() {
  if (!last) return;
  const all = last.trees.concat(last.loose);
  const shown = all.filter(wanted).sort((a, b) => (order[b.state] ?? 3) - (order[a.state] ?? 3));
  const focus = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.id : null;
  const kept = inView();
  at("checks").replaceChildren(shown.length ? element("ul", {}, ...shown.map(n => branch(n, true)))
    : element("p", {}, all.length ? "Nothing matches the filter." : "There are no checks."));
  stay(kept);
  if (focus) {
    const again = buttonOf(focus);
    if (again) again.focus({preventScroll: true});
  }
  const counts = {};
  all.forEach(n => { counts[n.state || "Unknown"] = (counts[n.state || "Unknown"] || 0) + 1; });
  at("summary").textContent = Object.keys(order).filter(s => counts[s]).map(s => counts[s] + " " + s).join(", ") || "no checks";
  namespaces(all);
}

function namespaces(all) {
  const select = at("namespace"), names = [...new Set(all.map(n => n.namespace).filter(Boolean))].sort();
  if (names.join() === [...select.options].slice(1).map(o => o.value).join()) return;
  const chosen = select.value;
  select.replaceChildren(element("option", {value: ""}, "all"), ...names.map(n => element("option", {value: n}, n)));
  select.value = names.includes(chosen) ? chosen : "";
}

function alarm() {
  const silent = heard && Date.now() - heard > silentAfter;
  const problems = silent ? ["This page has heard nothing for " + age(new Date(heard).toISOString()) + ": what it shows may be stale."]
    : last ? last.problems : [];
  at("alarm").hidden = problems.length === 0;
  const text = problems.join("\n");
  if (at("alarm").textContent !== text) at("alarm").textContent = text;
  document.body.classList.toggle("frozen", problems.length > 0);
}

async function choose(n) {
  selected = n;
  const detail = at("detail");
  detail.hidden = false;
  detail.replaceChildren(element("h2", {}, named(n)), element("p", {}, "loading…"));
  const query = new URLSearchParams({kind: n.kind, namespace: n.namespace || "", name: n.name});
  let about = {impact: {aliases: [], pods: []}, events: [], advice: ""};
  try { about = await (await fetch("api/about?" + query)).json(); } catch { /* the alarm tells */ }
  if (selected !== n) return;
  detail.replaceChildren(
    element("h2", {}, named(n)),
    element("p", {}, element("strong", {class: "state " + (n.state || "Unknown")}, n.state || "Unknown"),
      " ", [n.reason, n.message].filter(Boolean).join(": ")),
    ...(about.advice ? [element("p", {}, element("strong", {}, "Next: "), about.advice)] : []),
    ...table("Conditions", ["Type", "Status", "Reason", "For"], (n.conditions || []).map(c => [c.type, c.status, c.reason, age(c.lastTransitionTime)])),
    ...table("What follows it", ["Who", "State"], about.impact.aliases.map(a => [named(a), a.state])
      .concat(about.impact.pods.map(p => [named(p), p.open ? "gate open" : "gate closed"]))),
    ...table("Transitions", ["When", "What"], about.events
      .filter(e => Date.now() - Date.parse(e.at) < 86400000).map(e => [new Date(e.at).toLocaleTimeString(), e.note])),
    element("button", {type: "button", onclick: () => { detail.hidden = true; selected = null; }}, "Close"));
}

function table(title, heads, rows) {
  if (!rows.length) return [];
  return [element("h3", {}, title), element("table", {}, element("thead", {}, element("tr", {}, ...heads.map(h => element("th", {scope: "col"}, h)))),
    element("tbody", {}, ...rows.map(r => element("tr", {}, ...r.map(c => element("td", {}, c || ""))))))];
}

const stream = new EventSource("api/stream");
stream.onmessage = message => {
  heard = Date.now();
  last = JSON.parse(message.data);
  const content = JSON.stringify([last.trees, last.loose]);
  if (content !== drawn) { drawn = content; draw(); }
  alarm();
};
at("filters").addEventListener("input", draw);
at("filters").addEventListener("submit", e => e.preventDefault());
document.addEventListener("keydown", e => {
  if (e.key === "Escape") { at("detail").hidden = true; selected = null; }
  if (e.key === "/" && document.activeElement.tagName !== "INPUT") { e.preventDefault(); at("text").focus(); }
});
setInterval(alarm, 1000);
setInterval(draw, 30000); // ages grow
