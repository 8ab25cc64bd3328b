// The list of calls: only the rows in sight are in the page, so thousands of calls stay quick.
import { el } from "/static/dom.js";

const ROW = 34;
const MORE = 8;

export function age(seconds) {
  if (seconds < 60) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h`;
}

export class CallList {
  constructor(box, choose) {
    this.box = box;
    this.choose = choose;
    this.rows = [];
    this.chosen = "";
    this.drawn = new Map();
    this.spacer = el("div", { class: "spacer", "aria-hidden": "true" });
    box.append(this.spacer);
    box.addEventListener("scroll", () => this.soon(), { passive: true });
    box.addEventListener("keydown", (event) => this.key(event));
    box.addEventListener("click", (event) => {
      const row = event.target.closest("[data-id]");
      if (row) this.choose(row.dataset.id);
    });
    new ResizeObserver(() => this.soon()).observe(box);
  }

  show(rows, chosen = this.chosen) {
    this.rows = rows;
    this.chosen = chosen;
    this.spacer.style.height = `${rows.length * ROW}px`;
    this.draw();
  }

  soon() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => { this.waiting = 0; this.draw(); });
  }

  draw() {
    const first = Math.max(0, Math.floor(this.box.scrollTop / ROW) - MORE);
    const last = Math.min(this.rows.length, Math.ceil((this.box.scrollTop + this.box.clientHeight) / ROW) + MORE);
    const wanted = new Set();
    for (let place = first; place < last; place += 1) {
      const call = this.rows[place];
      wanted.add(call.contactId);
      const known = this.drawn.get(call.contactId);
      const row = known && known.version === call.version ? known.row : this.make(call, known);
      row.style.top = `${place * ROW}px`;
      row.setAttribute("aria-posinset", place + 1);
      row.setAttribute("aria-setsize", this.rows.length);
      row.setAttribute("aria-selected", call.contactId === this.chosen);
    }
    for (const [id, { row }] of this.drawn) {
      if (!wanted.has(id)) { row.remove(); this.drawn.delete(id); }
    }
    const active = this.drawn.get(this.chosen);
    if (active) this.box.setAttribute("aria-activedescendant", active.row.id);
    else this.box.removeAttribute("aria-activedescendant");
  }

  make(call, known) {
    const row = el("div", { class: "row", role: "option", id: `row-${call.contactId}`, "data-id": call.contactId, title: call.contactId },
      el("span", {}, call.outcome || call.state),
      el("span", {}, call.customer || "–"),
      el("span", {}, call.system || "–"),
      el("span", {}, call.initiationMethod || "–"),
      el("span", {}, call.voiceCallId || "–"),
      el("span", {}, age(Date.now() / 1000 - call.first)),
      el("span", { class: "trouble" }, call.trouble ? `! ${call.trouble}` : ""));
    if (known) known.row.replaceWith(row);
    else this.box.append(row);
    this.drawn.set(call.contactId, { row, version: call.version });
    return row;
  }

  key(event) {
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 20, PageUp: -20, Home: -1e9, End: 1e9 };
    if (!(event.key in steps) || !this.rows.length) return;
    event.preventDefault();
    const place = this.rows.findIndex((call) => call.contactId === this.chosen);
    const next = Math.min(this.rows.length - 1, Math.max(0, place + steps[event.key]));
    this.chosen = this.rows[next].contactId;
    this.box.scrollTop = Math.max(0, next * ROW - this.box.clientHeight / 2);
    this.draw();
    this.choose(this.chosen);
  }
}
