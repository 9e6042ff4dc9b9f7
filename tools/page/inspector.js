// One event in full: what it is, why it happened, what it led to, its bytes.

const SHORT_CHAIN = 7;
const MOST_EFFECTS = 8;
const MOST_INDENT = 9;
const HEX_COLUMNS = 16;
const FOLDED_ROWS = 3;
const NOTHING = new Set(["", "0", "0.0.0.0"]);

// events, details, lanes, run: of one run, run is its number; go(n) moves the cursor.
class Inspector {
  constructor(root, events, details, go, lanes, run) {
    this.root = root;
    this.run = run;
    this.lanes = lanes;
    this.events = events;
    this.details = details;
    this.go = go;
    this.byNumber = new Map(events.map((event, index) => [event[N], index]));
    this.effects = new Map();
    for (const event of events) {
      if (!event[CAUSE]) continue;
      if (!this.effects.has(event[CAUSE])) this.effects.set(event[CAUSE], []);
      this.effects.get(event[CAUSE]).push(event[N]);
    }
  }

  event(n) {
    return this.events[this.byNumber.get(n)];
  }

  // Everything that a search can find of an event, in lower case.
  searchable(n) {
    const index = this.byNumber.get(n);
    const [event, details] = [this.events[index], this.details[index]];
    const packet = details.p === undefined ? "" : packetText(details.p);
    const message = details.h ? `${details.h.start || ""} ${JSON.stringify(details.h.headers || "")} ${details.h.body || ""}` : "";
    const step = event[MARK] === "▶" ? `step ${event[STEP]}` : "";
    const lane = event[LANE] ? this.lanes[event[LANE] - 1].join(" ") : "";
    const kind = DATA.kinds[event[KIND]][0];
    return `#${n} ${kind} ${step} ${event[TEXT]} ${lane} ${JSON.stringify(details.f)} ${packet} ${message}`.toLowerCase();
  }

  show(n) {
    const index = this.byNumber.get(n);
    if (index === undefined) {
      this.root.replaceChildren(make("p", { class: "hint", text: "Nothing here." }));
      return;
    }
    const [event, details] = [this.events[index], this.details[index]];
    this.root.replaceChildren(
      this.heading(event, details),
      this.why(event),
      ...this.content(details),
      ...this.ledTo(event),
      ...this.fields(details),
      this.elsewhere(n),
    );
    this.root.scrollTop = 0;
  }

  heading(event, details) {
    const [kind, role, summary] = DATA.kinds[event[KIND]];
    const facts = [`${seconds(event[TIME])} s`];
    if (details.d !== undefined) facts.push(`due ${seconds(details.d)} s`);
    if (event[STEP]) facts.push(`step ${event[STEP]}`);
    if (event[LANE]) facts.push(this.lanes[event[LANE] - 1].filter(Boolean).join(" "));
    return make("div", { class: "about" },
      make("p", { class: "facts" },
        make("strong", { text: `#${event[N]}` }), make("span", { class: `kind ${role}`, text: kind }),
        make("span", { text: facts.join(" · ") })),
      make("h2", { class: `what t-${event[STYLE]}`, text: `${arrow(event[MARK])}${event[TEXT]}` }),
      make("p", { class: "summary", text: summary }));
  }

  // A line of the chain: an event that can be gone to.
  link(n, depth, sign) {
    const event = this.event(n);
    const line = make("li", { class: sign ? "ground" : "" });
    line.style.setProperty("--depth", Math.min(depth, MOST_INDENT));
    if (!event) {
      line.append(make("span", { class: "hint", text: `#${n} is not in this page` }));
      return line;
    }
    const step = event[MARK] === "▶" ? `step ${event[STEP]}: ` : "";
    line.append(make("button", { type: "button", class: `go t-${event[STYLE]}`, "data-n": n, onclick: () => this.go(n) },
      make("span", { class: "sign", text: sign || (depth ? "↳" : "") }),
      make("span", { class: "n", text: `#${n}` }),
      make("span", { class: "what", text: `${arrow(event[MARK])}${step}${event[TEXT]}` })));
    return line;
  }

  chain(event) {
    const found = [];
    const seen = new Set();
    let at = event;
    while (at && !seen.has(at[N])) {
      seen.add(at[N]);
      found.push(at);
      at = at[CAUSE] ? this.event(at[CAUSE]) : null;
    }
    return found;
  }

  why(event) {
    const found = this.chain(event);
    const list = make("ol", { class: "chain" });
    const add = (first, end) => {
      for (let depth = first; depth < end; depth += 1) {
        list.append(this.link(found[depth][N], depth, ""));
        const grounds = found[depth][BECAUSE].filter((ground) => ground !== found[depth][CAUSE]);
        for (const ground of grounds) list.append(this.link(ground, depth + 1, "∵"));
      }
    };
    if (found.length <= SHORT_CHAIN + 2) {
      add(0, found.length);
    } else {
      add(0, SHORT_CHAIN);
      const left = found.length - SHORT_CHAIN - 1;
      const more = make("li", { class: "more" });
      more.style.setProperty("--depth", Math.min(SHORT_CHAIN, MOST_INDENT));
      more.append(make("button", { type: "button", class: "plain-link", text: `… ${plural(left, "cause")} between`,
        onclick: () => {
          list.replaceChildren();
          add(0, found.length);
        } }));
      list.append(more);
      add(found.length - 1, found.length);
    }
    const hasGrounds = found.some((each) => each[BECAUSE].length);
    return make("section", { class: "part why" },
      make("h3", {}, "Why", make("span", { class: "legend", text: `↳ caused by${hasGrounds ? " · ∵ decided on" : ""}` })),
      list);
  }

  ledTo(event) {
    const found = this.effects.get(event[N]) || [];
    if (!found.length) return [];
    const list = make("ol", { class: "chain" });
    for (const n of found.slice(0, MOST_EFFECTS)) list.append(this.link(n, 0, "→"));
    if (found.length > MOST_EFFECTS) {
      const more = make("li", { class: "more" }, make("button", { type: "button", class: "plain-link",
        text: `… ${grouped(found.length - MOST_EFFECTS)} more`,
        onclick: () => list.replaceChildren(...found.map((n) => this.link(n, 0, "→"))) }));
      list.append(more);
    }
    return [make("section", { class: "part" }, make("h3", { text: "Led to" }), list)];
  }

  content(details) {
    if (details.p !== undefined) return [packetView(DATA.packets[details.p])];
    if (details.h) return [messageView(details.h)];
    return [];
  }

  // How to go on in a terminal.
  elsewhere(n) {
    const verbs = ["why", "state"].map((verb) => `offhook ${verb} ${this.run}@${n}`);
    return make("p", { class: "part terminal hint" }, "In a terminal: ", ...verbs.map((text) => make("code", { text })));
  }

  fields(details) {
    const entries = Object.entries(details.f);
    if (!entries.length) return [];
    const table = make("table", { class: "pairs" });
    for (const [name, value] of entries) {
      const text = typeof value === "string" ? value : JSON.stringify(value);
      table.append(make("tr", {}, make("th", { scope: "row", text: name }), make("td", { text })));
    }
    return [make("section", { class: "part" }, make("h3", { text: "Fields" }), table)];
  }
}

const packetTexts = new Map();

function packetText(index) {
  if (!packetTexts.has(index)) packetTexts.set(index, JSON.stringify(DATA.packets[index].tree));
  return packetTexts.get(index);
}

function arrow(mark) {
  const signs = { "→": "→ ", "←": "← ", x: "✗ ", X: "✗ ", "▶": "", "■": "■ ", "=": "", "#": "" };
  return signs[mark] || "";
}

// A packet as a tree of fields beside its bytes; a field shows its bytes, a byte its field.
function packetView(packet) {
  const part = make("section", { class: "part packet" },
    make("h3", {}, packet.name ? `${packet.name} packet` : "Bytes",
      make("span", { class: "legend", text: `${plural(packet.size, "byte")}${packet.note ? ` · ${packet.note}` : ""}` })));
  const bytes = Uint8Array.from(atob(packet.bytes), (c) => c.charCodeAt(0));
  const cells = [];
  const fields = [];
  const mark = (chosen) => {
    for (const field of fields) field.row.classList.toggle("lit", field === chosen);
    cells.forEach((pair, at) => {
      const lit = chosen && at >= chosen.at && at < chosen.at + chosen.size;
      for (const cell of pair) cell.classList.toggle("lit", Boolean(lit));
    });
    const first = chosen && cells[chosen.at];
    if (first) reveal(part.closest(".inspector"), first[0]);
  };
  if (packet.tree.length) {
    const tree = make("div", { class: `tree ${packet.name.toLowerCase()}` });
    const add = (node, depth) => {
      const [name, value, at, size, parts] = node;
      const row = make("button", { type: "button", class: "field" },
        make("span", { class: "name", text: name }),
        make("span", { class: NOTHING.has(value) ? "value nil" : "value", text: value || "(empty)" }));
      row.style.setProperty("--depth", depth);
      const field = { row, at, size };
      fields.push(field);
      row.addEventListener("click", () => mark(row.classList.contains("lit") ? null : field));
      tree.append(row);
      for (const each of parts || []) add(each, depth + 1);
    };
    for (const node of packet.tree) add(node, 0);
    part.append(tree);
  }
  if (bytes.length) {
    part.append(hexView(bytes, cells, (at) => {
      const holding = fields.filter((field) => at >= field.at && at < field.at + field.size);
      const smallest = holding.sort((a, b) => a.size - b.size)[0];
      if (!smallest) return;
      mark(smallest);
      reveal(part.closest(".inspector"), smallest.row);
    }));
    if (bytes.length < packet.size) {
      part.append(make("p", { class: "hint", text: `The first ${grouped(bytes.length)} of ${plural(packet.size, "byte")}.` }));
    }
  }
  return part;
}

// Rows of zeros are folded into a line. cells: byte to its two elements; a folded byte has none.
function hexView(bytes, cells, chosen) {
  const view = make("div", { class: "hex", role: "img", "aria-label": "Bytes in hexadecimal" });
  const hex = (value, digits) => value.toString(16).padStart(digits, "0");
  for (let first = 0; first < bytes.length; first += HEX_COLUMNS) {
    const rows = zeroRows(bytes, first);
    if (rows >= FOLDED_ROWS) {
      view.append(make("div", {}, make("span", { class: "address", text: hex(first, 4) }),
        make("span", { class: "nil", text: `… ${rows} rows of zeros` })));
      first += (rows - 1) * HEX_COLUMNS;
      continue;
    }
    const digits = make("span", { class: "digits" });
    const text = make("span", { class: "text" });
    for (let at = first; at < Math.min(first + HEX_COLUMNS, bytes.length); at += 1) {
      const byte = bytes[at];
      const pair = [
        make("i", { text: hex(byte, 2), "data-at": at }),
        make("i", { text: byte > 32 && byte < 127 ? String.fromCharCode(byte) : "·", "data-at": at }),
      ];
      if (byte === 0) pair.forEach((cell) => cell.classList.add("nil"));
      cells[at] = pair;
      digits.append(pair[0]);
      text.append(pair[1]);
    }
    view.append(make("div", {}, make("span", { class: "address", text: hex(first, 4) }), digits, text));
  }
  view.addEventListener("click", (event) => {
    const at = event.target.getAttribute("data-at");
    if (at !== null) chosen(Number(at));
  });
  return view;
}

function zeroRows(bytes, first) {
  let end = first;
  while (end < bytes.length && bytes[end] === 0) end += 1;
  return Math.floor((end - first) / HEX_COLUMNS);
}

function messageView(message) {
  const size = message.size ? plural(message.size, "byte") : "no body";
  const legend = message.note ? `${size} · ${message.note}` : size;
  const part = make("section", { class: "part message" },
    make("h3", {}, message.start ? "HTTP" : "File", make("span", { class: "legend", text: legend })));
  if (message.start) {
    const head = make("table", { class: "pairs" });
    head.append(make("tr", {}, make("td", { colspan: 2, class: "start", text: message.start })));
    for (const [name, value] of message.headers) {
      head.append(make("tr", {}, make("th", { scope: "row", text: name }), make("td", { text: value })));
    }
    part.append(head);
  }
  if (message.body) part.append(make("pre", { tabindex: 0, text: message.body }));
  if (message.cut) {
    part.append(make("p", { class: "hint", text: `The first ${grouped(message.body.length)} characters of a body of ${size}.` }));
  }
  return part;
}
