// The console's page: what is shown, and how it is kept up to date.
import { follow, get, post } from "/static/api.js";
import { byId, say } from "/static/dom.js";
import { CallList } from "/static/list.js";
import * as panels from "/static/panels.js";
import { showStory } from "/static/story.js";

const PAGE = 1000;
const calls = new Map();
let order = [];
let found = null;
let chosen = "";
let view = "calls";
let figures = null;

const list = new CallList(byId("calls"), (id) => open(id));

async function open(id, remember = true) {
  chosen = id;
  list.show(list.rows, id);
  try {
    showStory(byId("story"), await get(`/api/calls/${encodeURIComponent(id)}`), open, edit);
  } catch (error) { say(error.message); return; }
  if (remember) history.pushState({}, "", `/calls/${encodeURIComponent(id)}`);
  show("calls");
}

function edit(payload) {
  show("paste");
  panels.edit(payload);
}

function show(name) {
  view = name;
  for (const panel of document.querySelectorAll("[data-panel]")) panel.hidden = panel.dataset.panel !== name;
  for (const link of document.querySelectorAll("nav [data-view]")) {
    if (link.dataset.view === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (name === "streams") panels.streams();
  if (name === "letters") panels.letters();
  if (name === "figures" && figures) panels.showFigures(figures);
  if (name === "calls") list.draw();
}

const STATES = {
  live: (call) => ["new", "ringing", "queued", "connected"].includes(call.state),
  trouble: (call) => Boolean(call.trouble),
};

function shown() {
  const state = byId("filter").value;
  const takes = STATES[state] || ((call) => !state || call.state === state || call.initiationMethod === state);
  return order.filter((call) => (!found || found.has(call.contactId)) && takes(call));
}

function redraw() {
  const rows = shown();
  byId("count").textContent = `${rows.length} of ${order.length}`;
  list.show(rows, chosen);
}

function learn(rows) {
  let added = false;
  for (const call of rows) {
    added = added || !calls.has(call.contactId);
    calls.set(call.contactId, call);
  }
  order = added ? [...calls.values()].sort((a, b) => b.first - a.first) : order.map((call) => calls.get(call.contactId));
}

let searching = 0;
async function search() {
  const query = byId("search").value.trim();
  const mine = searching += 1;
  if (!query) { found = null; redraw(); return; }
  const answer = await get(`/api/calls?limit=${PAGE}&query=${encodeURIComponent(query)}`);
  if (mine !== searching) return;
  learn(answer.calls);
  found = new Set(answer.calls.map((call) => call.contactId));
  redraw();
}

let storyWaits = 0;
let storyIsOld = false;
function change(changes) {
  if (changes.number < 0) return;
  learn(changes.calls);
  figures = changes.figures;
  redraw();
  if (view === "figures") panels.showFigures(figures);
  if (changes.calls.some((call) => call.contactId === chosen)) renewSoon();
}

function renewSoon() {
  if (!storyWaits) storyWaits = setTimeout(async () => { storyWaits = 0; await renew(); }, 300);
}

async function renew() {
  const id = chosen;
  let story;
  try {
    story = await get(`/api/calls/${encodeURIComponent(id)}`);
  } catch (error) { say(error.message); return; }
  if (id !== chosen) return;
  // An open part of the page is left alone, also when it was opened while the answer was on its way.
  storyIsOld = Boolean(byId("story").querySelector("details[open]"));
  if (!storyIsOld) showStory(byId("story"), story, open, edit);
}

async function start() {
  for (const link of document.querySelectorAll("[data-view]")) {
    link.addEventListener("click", (event) => { event.preventDefault(); show(link.dataset.view); });
  }
  let waits;
  byId("search").addEventListener("input", () => { clearTimeout(waits); waits = setTimeout(search, 200); });
  byId("search-form").addEventListener("submit", (event) => { event.preventDefault(); search(); });
  byId("filter").addEventListener("change", redraw);
  byId("story").addEventListener("toggle", () => { if (storyIsOld) renewSoon(); }, true);
  byId("reset").addEventListener("click", async () => {
    if (!window.confirm("Forget all calls, records, dead letters and faults?")) return;
    await post("/api/reset");
    location.href = "/";
  });
  window.addEventListener("popstate", () => fromAddress());
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(input|textarea|select)$/i.test(document.activeElement.tagName)) { event.preventDefault(); show("calls"); byId("search").focus(); }
  });
  panels.trigger();
  panels.faults();
  panels.redrive();
  panels.paste();
  await load();
  fromAddress();
  setInterval(() => { panels.refreshFaults().catch(() => {}); if (view === "streams") panels.streams(); }, 2000);
  setInterval(() => { list.drawn.forEach((row) => { row.version = -1; }); list.draw(); }, 10000);
}

async function load() {
  let number = 0;
  for (let skip = 0; ; skip += PAGE) {
    const page = await get(`/api/calls?limit=${PAGE}&skip=${skip}`);
    number = number || page.number;
    learn(page.calls);
    if (page.calls.length < PAGE) break;
  }
  redraw();
  figures = await get("/api/figures");
  follow(number, change, (text) => { byId("connection").textContent = text; });
}

function fromAddress() {
  const match = location.pathname.match(/^\/calls\/(.+)$/);
  if (match) open(decodeURIComponent(match[1]), false);
  else show(location.hash.slice(1) && byId(`view-${location.hash.slice(1)}`) ? location.hash.slice(1) : "calls");
}

start();
