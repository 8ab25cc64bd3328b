// Everything beside the calls: stories, faults, streams, dead letters, pasted material, figures.
import { get, post, remove } from "/static/api.js";
import { byId, el, fill, json, pretty, say, table } from "/static/dom.js";

const trying = (action) => async (...given) => {
  try { await action(...given); } catch (error) { say(error.message); }
};

export function trigger() {
  const box = byId("stories");
  get("/api/stories").then(({ stories }) => fill(box, ...stories.map((name, place) =>
    el("label", { class: "check" }, el("input", { type: "radio", name: "story", value: name, checked: place === 0 }), ` ${name}`))));
  box.addEventListener("change", (event) => {
    if (event.target.value === "flood") { byId("calls-wanted").value = 100; byId("rate").value = 20; }
  });
  byId("trigger-form").addEventListener("submit", trying(async (event) => {
    event.preventDefault();
    fill(byId("trigger-result"), "…");
    const name = box.querySelector("input:checked").value;
    const set = byId("set").value.split("\n").filter((line) => line.trim());
    const order = { set, calls: Number(byId("calls-wanted").value), rate: Number(byId("rate").value) };
    if (byId("seed").value) order.seed = Number(byId("seed").value);
    try {
      const answer = await post(`/api/stories/${name}`, order);
      const ids = answer.contactIds.map((id) => el("a", { href: `/calls/${encodeURIComponent(id)}` }, id));
      fill(byId("trigger-result"), `Seed ${answer.seed}. First call: `, ...ids.flatMap((link) => [link, " "]));
    } catch (error) { byId("trigger-result").textContent = error.message; }
  }));
}

export function showFaultBar(on) {
  const all = Object.entries(on).flatMap(([service, faults]) => faults.map((fault) => {
    const left = fault.left ?? fault.times;
    return `${service}: ${fault.kind}${fault.status ? ` ${fault.status}` : ""} (${left ?? "all requests"})`;
  }));
  byId("fault-bar").hidden = all.length === 0;
  byId("fault-text").textContent = `Faults on: ${all.join(", ")}`;
}

export async function refreshFaults() {
  showFaultBar((await get("/api/faults")).on);
}

export function faults() {
  byId("end-faults").addEventListener("click", trying(async () => { showFaultBar(await remove("/api/faults")); say("All faults ended."); }));
  get("/api/faults").then(({ kinds, on }) => {
    showFaultBar(on);
    fill(byId("fault-kinds"), ...Object.entries(kinds).map(([service, each]) =>
      el("fieldset", {}, el("legend", {}, service), table(["fault", "what it does", ""],
        Object.entries(each).map(([kind, what]) => [kind, what, el("button", { type: "button", "aria-label": `Switch ${service} ${kind} on`, onclick: trying(() => on_(service, kind)) }, "Switch on")]),
        `faults of ${service}`))));
  });
}

async function on_(service, kind) {
  const times = byId("fault-times").value ? Number(byId("fault-times").value) : null;
  const order = { kind, times };
  const seconds = Number(byId("fault-seconds").value);
  if (service === "salesforce") Object.assign(order, { seconds, status: kind.startsWith("status") ? Number(byId("fault-status").value) : null });
  if (service === "aws") order.seconds = seconds || 1;
  if (service === "connect") order.times = times ?? 1;
  try {
    showFaultBar(await post(`/api/faults/${service}`, order));
    byId("fault-result").textContent = `${service} ${kind} is on.`;
  } catch (error) { byId("fault-result").textContent = error.message; }
}

export async function streams() {
  const { lanes, batches } = await get("/api/streams");
  fill(byId("lanes"), lanes.length ? table(["lane", "lag (s)", "batches", "retries", "outcome", "reason", "again in (s)", "checkpoint"],
    lanes.map((it) => [it.lane, it.lagSeconds, it.batches, it.retries, it.outcome, it.reason, it.retryInSeconds ?? "", it.checkpoint ?? ""]), "lanes")
    : el("p", { class: "empty" }, "No batch so far."));
  fill(byId("batches"), table(["time", "lane", "records", "done", "outcome", "tries", "reason", "kept in"],
    batches.map((it) => [new Date(it.at * 1000).toLocaleTimeString(), it.lane, it.records, it.done, it.outcome, it.invocations, it.reason, it.keptIn]), "batches"));
}

export async function letters() {
  const { letters: found, byReason, givenUp } = await get("/api/dead-letters");
  const chosen = byId("redrive-reason").value;
  fill(byId("redrive-reason"), el("option", { value: "" }, "all"), ...Object.keys(byReason).map((reason) => el("option", { value: reason, selected: reason === chosen }, reason)));
  fill(byId("letters"),
    el("p", {}, `${found.length} in the queue: `, Object.entries(byReason).map(([reason, count]) => `${reason} ${count}`).join(", ") || "none", `; ${givenUp.length} records given up in the bucket.`),
    ...found.slice(0, 500).map((letter) => el("details", {}, el("summary", {}, `${letter.reason}  ${letter.source}`), json(letter.payload ?? letter, "payload"))));
}

export function redrive() {
  byId("redrive-form").addEventListener("submit", trying(async (event) => {
    event.preventDefault();
    const what = event.submitter ? event.submitter.value : "count";
    const request = { dryRun: what === "count" };
    if (byId("redrive-reason").value) request.reason = byId("redrive-reason").value;
    if (byId("redrive-contact").value) request.contactId = byId("redrive-contact").value;
    if (what === "discard") {
      const counted = await post("/api/dead-letters/redrive", { ...request, dryRun: true, discard: true });
      byId("redrive-result").textContent = pretty(counted);
      if (!window.confirm(`Discard ${counted.found ?? "these"} dead letters for good?`)) return;
      Object.assign(request, { dryRun: false, discard: true });
    }
    byId("redrive-result").textContent = pretty(await post("/api/dead-letters/redrive", request));
    await letters();
  }));
}

export function paste() {
  const area = byId("material");
  for (const name of ["dragover", "dragleave", "drop"]) {
    area.addEventListener(name, async (event) => {
      event.preventDefault();
      area.classList.toggle("drop", name === "dragover");
      if (name === "drop" && event.dataTransfer.files.length) await look(event.dataTransfer.files[0]);
    });
  }
  byId("paste-form").addEventListener("submit", trying(async (event) => {
    event.preventDefault();
    await look(new Blob([area.value]), event.submitter ? event.submitter.value : "look");
  }));
}

async function look(material, what = "look") {
  const query = new URLSearchParams({ send: what === "send", times: byId("times").value, shuffled: byId("shuffled").checked });
  const response = await fetch(`/api/material?${query}`, { method: "POST", body: material, headers: { "Content-Type": "application/octet-stream" } });
  const answer = await response.json();
  byId("paste-result").textContent = response.ok ? pretty(answer) : answer.error;
}

export function edit(payload) {
  byId("material").value = pretty(payload);
  byId("material").focus();
}

export function showFigures(figures) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "chart"); svg.setAttribute("viewBox", "0 0 600 90"); svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `flow invocations in each of the last 60 seconds, newest ${figures.perSecond.at(-1)}`);
  const most = Math.max(1, ...figures.perSecond);
  figures.perSecond.forEach((count, place) => {
    const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    const height = (count / most) * 80;
    bar.setAttribute("x", place * 10); bar.setAttribute("width", 8); bar.setAttribute("y", 85 - height); bar.setAttribute("height", height);
    svg.append(bar);
  });
  fill(byId("figures"),
    el("p", {}, `${figures.calls} calls, ${figures.callsPerMinute} flow invocations in the last minute. Latency p50 ${figures.latencyMs.p50 ?? "–"} ms, p99 ${figures.latencyMs.p99 ?? "–"} ms.`),
    svg, el("h3", {}, "Outcomes"), bars(figures.outcomes), el("h3", {}, "Tally"), bars(figures.tally));
}

function bars(counts) {
  const most = Math.max(1, ...Object.values(counts));
  return el("div", { class: "bars" }, ...Object.entries(counts).flatMap(([name, count]) =>
    [el("span", {}, name), el("progress", { max: most, value: count, "aria-label": name }), el("span", {}, String(count))]));
}
