// One call's story on one time axis.
import { copy, el, fill, json, pretty, say } from "/static/dom.js";
import { get, post } from "/static/api.js";

const KINDS = { flow: "flow", event: "event", record: "record", lens: "segments", file: "file", delivery: "batch", exchange: "Salesforce", log: "log", note: "note" };

export function showStory(box, story, open, edit) {
  const { call } = story;
  fill(box,
    el("h2", {}, `Call ${call.contactId}`),
    head(call, story),
    el("h3", {}, "Transfers"),
    el("ul", { class: "tree" }, branch(story.tree, call.contactId, open)),
    conversation(story.conversation, open),
    el("h3", {}, "What happened"),
    axis(story.entries, call, edit),
    el("h3", {}, "Now in the ledger"),
    Object.keys(story.ledger).length ? json(story.ledger, "ledger item") : el("p", { class: "empty" }, "nothing"),
    el("h3", {}, "Now in Salesforce"),
    ...(story.voiceCalls.length ? story.voiceCalls.map((it) => json(it, "VoiceCall")) : [el("p", { class: "empty" }, "no VoiceCall")]),
    ...story.actions.map((it) => json(it, "what was done about it")));
}

function head(call) {
  const facts = { caller: call.customer, called: call.system, "began as": call.initiationMethod, state: call.state, outcome: call.outcome, VoiceCall: call.voiceCallId, trouble: call.trouble };
  const list = el("dl", { class: "meta" });
  for (const [name, value] of Object.entries(facts)) {
    if (value) list.append(el("dt", {}, name), el("dd", name === "trouble" ? { class: "trouble" } : {}, value));
  }
  const sample = async () => copy(await get(`/api/calls/${encodeURIComponent(call.contactId)}/export?form=sample`));
  return el("div", {}, list, el("div", { class: "tools" },
    el("button", { type: "button", onclick: sample }, "Copy as a sample"),
    el("button", { type: "button", onclick: () => copy(call.contactId) }, "Copy the contact id"),
    el("button", { type: "button", onclick: () => copy(location.href) }, "Copy the address")));
}

function branch(node, chosen, open) {
  const link = el("a", { href: `/calls/${encodeURIComponent(node.contactId)}`, "aria-current": node.contactId === chosen ? "true" : null,
    onclick: (event) => { event.preventDefault(); open(node.contactId); } }, node.contactId);
  const item = el("li", {}, link, ` ${node.initiationMethod || ""} ${node.voiceCallId || ""}`);
  if (node.children.length) item.append(el("ul", {}, ...node.children.map((child) => branch(child, chosen, open))));
  return item;
}

const MARKS = { positive: "+", neutral: "·", negative: "−" };
const WHO = { END_USER: "customer", VIRTUAL_AGENT: "agent", HUMAN_AGENT: "agent" };

function conversation(content, open) {
  if (content.elsewhere) {
    const link = el("a", { href: `/calls/${encodeURIComponent(content.elsewhere)}`,
      onclick: (event) => { event.preventDefault(); open(content.elsewhere); } }, content.elsewhere);
    return el("div", {}, el("h3", {}, "Conversation"), el("p", {}, "The lines are in the conversation of the first call, ", link, "."));
  }
  if (!content.lines.length && !content.categories.length && !Object.keys(content.sentiment).length) return null;
  const begin = content.lines.length ? content.lines[0].at : 0;
  const said = [...content.lines.map((line) => ({ at: line.at, shown: spoken(line, begin) })),
    ...content.categories.map((it) => ({ at: it.at, shown: category(it) }))].sort((a, b) => a.at - b.at);
  return el("div", { id: "conversation" }, el("h3", {}, "Conversation"),
    el("ol", { class: "conversation" }, ...said.map((it) => it.shown)), sentiment(content.sentiment));
}

function spoken(line, begin) {
  const after = Math.max(0, Math.round((line.at - begin) / 1000));
  const time = `${Math.floor(after / 60)}:${String(after % 60).padStart(2, "0")}`;
  const taken = line.state === "taken";
  return el("li", { class: `line${line.sender === "END_USER" ? "" : " agent"}${taken ? "" : " missing"}` },
    el("b", {}, `${WHO[line.sender] || line.sender || "line"}, ${time}`, taken ? "" : ` (not in Salesforce: ${line.state})`), line.text);
}

function category(it) {
  return el("li", { class: "category" }, `category: ${it.name}`, it.state === "taken" ? "" : ` (not in Salesforce: ${it.state})`);
}

function sentiment(sides) {
  const rows = Object.entries(sides).map(([side, scores]) => {
    const count = (mark) => scores.turns.filter((each) => each === mark).length;
    const words = Object.keys(MARKS).map((mark) => `${count(mark)} ${mark}`).join(", ");
    const shown = scores.turns.slice(0, 300).map((mark) => MARKS[mark] || "?").join(" ") + (scores.turns.length > 300 ? " …" : "");
    return [el("dt", {}, side.toLowerCase()), el("dd", {}, scores.overall ? `overall ${scores.overall}; ` : "", words, " ", el("span", { class: "marks", "aria-hidden": "true" }, shown))];
  });
  if (!rows.length) return null;
  return el("div", { id: "sentiment" }, el("h3", {}, "Sentiment after the call"), el("dl", { class: "meta" }, ...rows.flat()));
}

function axis(entries, call, edit) {
  const sorted = [...entries].sort((a, b) => a.at - b.at || a.number - b.number);
  const begin = sorted.length ? sorted[0].at : 0;
  const attempts = new Map();
  return el("ol", { class: "axis" }, ...sorted.map((entry) => {
    const before = entry.kind === "exchange" ? attempts.get(entry.data.path) : undefined;
    if (entry.kind === "exchange") attempts.set(entry.data.path, entry);
    const bad = entry.kind === "exchange" ? !(entry.data.status >= 200 && entry.data.status < 300) : ["ERROR", "WARNING"].includes(entry.data.level);
    const details = el("details", {}, el("summary", {},
      el("span", { class: "when" }, `+${(entry.at - begin).toFixed(3)} s`), " ",
      el("span", { class: "kind" }, KINDS[entry.kind] || entry.kind), bad ? "! " : "", entry.title));
    details.addEventListener("toggle", () => {
      if (details.open && details.childElementCount === 1) details.append(body(entry, before), tools(entry, call, edit));
    });
    return el("li", { "data-kind": entry.kind, "data-number": entry.number, class: bad ? "bad" : "" }, details);
  }));
}

function body(entry, before) {
  if (entry.kind === "exchange") {
    const request = el("div", {}, el("b", {}, "request"), json(entry.data.body ?? "", "request"), before ? difference(before.data.body, entry.data.body) : null);
    const answer = el("div", {}, el("b", {}, `answer ${entry.data.status ?? "none"}`), json(entry.data.answer ?? "", "answer"));
    return el("div", { class: "pair" }, request, answer);
  }
  if (entry.kind === "flow") {
    const asked = el("div", {}, el("b", {}, "event"), json(entry.data.event, "event"));
    const given = el("div", {}, el("b", {}, "answer"), json(entry.data.error || entry.data.answer, "answer"));
    return el("div", { class: "pair" }, asked, given);
  }
  return json(entry.data.payload ?? entry.data, entry.kind);
}

function difference(before, after) {
  const old = new Set(pretty(before ?? "").split("\n"));
  const now = new Set(pretty(after ?? "").split("\n"));
  const lines = [...[...old].filter((line) => !now.has(line)).map((line) => `- ${line}`), ...[...now].filter((line) => !old.has(line)).map((line) => `+ ${line}`)];
  const text = lines.length ? lines.join("\n") : "the same request as in the attempt before";
  return el("div", {}, el("b", {}, "difference to the attempt before"), json(text, "difference"));
}

function tools(entry, call, edit) {
  const from = (form) => get(`/api/calls/${encodeURIComponent(call.contactId)}/export?form=${form}&entry=${entry.number}`);
  const payload = entry.kind === "flow" ? entry.data.event : entry.data.payload;
  const buttons = [];
  if (payload || entry.kind === "exchange") buttons.push(el("button", { type: "button", onclick: async () => copy(await from("curl")) }, "Copy as curl"));
  if (payload) {
    buttons.push(el("button", { type: "button", onclick: async () => copy(pretty(await from("event"))) }, "Copy as an event file"));
    buttons.push(el("button", { type: "button", onclick: async () => { await post("/api/events", { kind: entry.kind, payload }); say("Sent again."); } }, "Send again"));
    buttons.push(el("button", { type: "button", onclick: () => edit(payload) }, "Edit and send"));
  }
  return el("div", { class: "tools" }, ...buttons);
}
