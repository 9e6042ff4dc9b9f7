// The page of two runs side by side: aligned rows, what differs, and why.

const [A, B, DIFFERENCES] = [0, 1, 2];
const AROUND = 3;
const SIGNS = { changed: "≠", missing: "−", extra: "+", earlier: "↑", later: "↓", reordered: "⇅" };
const MEANINGS = { changed: "changed", missing: "only in A", extra: "only in B", earlier: "earlier in B", later: "later in B",
  reordered: "reordered" };
const state = { view: "differences", at: 0, lines: [], lineOf: [], hits: [], hitSet: new Set(), words: [] };
const inspectors = DATA.sides.map((side, index) =>
  new Inspector(byId(index === A ? "inspector-a" : "inspector-b"), side.events, side.details, (n) => goTo(index, n), side.lanes,
    side.run.id));
const rowOf = [new Map(), new Map()];
DATA.rows.forEach((row, at) => {
  for (const side of [A, B]) if (row[side] !== null) rowOf[side].set(row[side], at);
});
const list = new VirtualList(byId("list"), drawLine);
let searchTexts = null;

const eventOf = (row, side) => (row[side] === null ? null : inspectors[side].event(row[side]));
const differs = (at) => DATA.rows[at][DIFFERENCES].length > 0;
const whatOf = (row) => (row[DIFFERENCES].length ? DATA.differences[row[DIFFERENCES][0]].what : "");

// --- the cursor ------------------------------------------------------------------------------------------------------

function setCursor(at, middle) {
  const before = state.at;
  state.at = Math.max(0, Math.min(DATA.rows.length - 1, at));
  if (state.lineOf[state.at] === undefined) setView("all");
  for (const each of [before, state.at]) redraw(state.lineOf[each]);
  const line = state.lineOf[state.at];
  const row = DATA.rows[state.at];
  for (const side of [A, B]) showSide(row, side);
  showChanges(row);
  showCauses(row);
  list.show(line, middle || Math.abs(line - state.lineOf[before]) > 1);
  byId("slider").value = state.at + 1;
  byId("now").textContent = `row ${grouped(state.at + 1)} of ${grouped(DATA.rows.length)}`;
  byId("slider").setAttribute("aria-valuetext", byId("now").textContent);
  byId("list").setAttribute("aria-activedescendant", `line-${line}`);
}

function showSide(row, side) {
  if (row[side] !== null) {
    inspectors[side].show(row[side]);
    return;
  }
  inspectors[side].root.replaceChildren(make("p", { class: "nothing hint", text: `Run ${"AB"[side]} has no such event.` }));
}

function redraw(line) {
  if (line === undefined || !list.rows.has(line)) return;
  list.rows.get(line).remove();
  list.rows.delete(line);
}

function goTo(side, n) {
  const at = rowOf[side].get(n);
  if (at !== undefined) setCursor(at, true);
}

function move(by) {
  let line = state.lineOf[state.at] + by;
  while (line >= 0 && line < state.lines.length && state.lines[line].at === undefined) line += by;
  if (line >= 0 && line < state.lines.length) setCursor(state.lines[line].at);
}

function seek(step) {
  for (let at = state.at + step; at >= 0 && at < DATA.rows.length; at += step) {
    if (differs(at)) {
      setCursor(at, true);
      return;
    }
  }
}

function seekCause(step) {
  const places = DATA.causes.map((cause) => rowOfDifference(cause.first)).filter((at) => at !== undefined).sort((a, b) => a - b);
  const to = step > 0 ? places.find((at) => at > state.at) : places.reverse().find((at) => at < state.at);
  if (to !== undefined) setCursor(to, true);
}

function rowOfDifference(index) {
  const found = DATA.differences[index];
  if (!found) return undefined;
  return found.a !== null ? rowOf[A].get(found.a) : rowOf[B].get(found.b);
}

// --- the rows --------------------------------------------------------------------------------------------------------

// Lines of the list: a row, or a fold that stands for rows without a difference.
function layOut() {
  const near = new Set();
  if (state.view === "differences") {
    DATA.rows.forEach((row, at) => {
      if (!differs(at)) return;
      for (let each = at - AROUND; each <= at + AROUND; each += 1) near.add(each);
    });
    for (let each = 0; each <= AROUND && !DATA.differences.length; each += 1) near.add(each);
  }
  state.lines = [];
  state.lineOf = [];
  DATA.rows.forEach((row, at) => {
    const last = state.lines[state.lines.length - 1];
    if (state.view === "all" || near.has(at)) {
      state.lineOf[at] = state.lines.length;
      state.lines.push({ at });
    } else if (last && last.folded) {
      last.folded += 1;
    } else {
      state.lines.push({ folded: 1, from: at });
    }
  });
  for (const button of document.querySelectorAll("[data-view]")) {
    button.setAttribute("aria-pressed", button.getAttribute("data-view") === state.view);
  }
  const count = DATA.rows.filter((row, at) => differs(at)).length;
  byId("shown").textContent = `${plural(DATA.rows.length, "row")}, ${grouped(count)} differ`;
  list.setCount(state.lines.length);
}

function setView(view) {
  state.view = view;
  layOut();
  if (state.lineOf[state.at] !== undefined) list.show(state.lineOf[state.at], true);
}

function drawLine(index) {
  const line = state.lines[index];
  if (line.folded) {
    return make("div", { class: "row fold", role: "option", "aria-selected": "false",
      text: `⋯ ${plural(line.folded, "row")} without a difference`,
      onclick: () => {
        setView("all");
        setCursor(line.from, true);
      } });
  }
  const row = DATA.rows[line.at];
  const what = whatOf(row);
  const isCursor = line.at === state.at;
  const classes = ["row", "both", what, isCursor ? "cursor" : "", state.hitSet.has(line.at) ? "hit" : ""];
  return make("div", { class: classes.filter(Boolean).join(" "), role: "option", id: `line-${index}`,
    "aria-selected": isCursor, "aria-setsize": state.lines.length, "aria-posinset": index + 1, "data-row": line.at,
    title: row[DIFFERENCES].map((each) => MEANINGS[DATA.differences[each].what]).join(", "),
    onclick: () => setCursor(line.at) },
    half(row, A), make("span", { class: "sign", text: SIGNS[what] || "" }), half(row, B));
}

function half(row, side) {
  const event = eventOf(row, side);
  if (!event) return make("span", { class: "half none" });
  const isStep = event[MARK] === "▶";
  return make("span", { class: `half t-${event[STYLE]} ${event[STEP] ? `s${event[STEP]}` : ""} ${isStep ? "is-step" : ""}` },
    make("span", { class: "n", text: event[N] }), make("span", { class: "time", text: seconds(event[TIME]) }),
    DATA.sides[side].run.phones > 1 ? make("span", { class: "step", text: event[PHONE] }) : null,
    make("span", { class: "text", title: event[TEXT], text: `${isStep ? `step ${event[STEP]}: ` : arrow(event[MARK])}${event[TEXT]}` }));
}

// --- what differs ----------------------------------------------------------------------------------------------------

function showChanges(row) {
  const root = byId("changes");
  if (!row[DIFFERENCES].length) {
    root.replaceChildren(make("p", { class: "hint", text: "No difference in this row." }));
    return;
  }
  root.replaceChildren(...row[DIFFERENCES].map((index) => {
    const each = DATA.differences[index];
    const part = make("div", { class: "change" }, make("p", {},
      make("span", { class: `chip-of ${each.what}`, text: `${SIGNS[each.what]} ${MEANINGS[each.what]}` }),
      make("span", { class: "hint", text: timing(each) })));
    if (each.changes.length) {
      const table = make("table", { class: "pairs" });
      for (const [name, a, b] of each.changes) {
        table.append(make("tr", {}, make("th", { scope: "row", text: name }),
          make("td", { text: a === null ? "(absent)" : a, class: "was" }), make("td", { text: b === null ? "(absent)" : b, class: "is" })));
      }
      part.append(table);
    }
    const cause = DATA.causes[each.cause];
    if (cause) part.append(make("p", { class: "because" }, "because ", causeLink(each.cause, cause.text)));
    return part;
  }));
}

function timing(difference) {
  return difference.shift ? ` by ${duration(Math.abs(difference.shift))}` : "";
}

function causeLink(index, text) {
  return make("button", { type: "button", class: "plain-link", text, onclick: () => {
    const at = rowOfDifference(DATA.causes[index].first);
    if (at !== undefined) setCursor(at, true);
  } });
}

function showCauses(row) {
  const own = new Set(row[DIFFERENCES].map((index) => DATA.differences[index].cause));
  for (const item of byId("causes").children) item.classList.toggle("cursor", own.has(Number(item.getAttribute("data-cause"))));
}

function drawCauses() {
  byId("causes-sum").textContent = DATA.causes.length ? `of ${plural(DATA.differences.length, "difference")}` : "none";
  byId("causes").append(...DATA.causes.map((cause, index) => {
    const what = (DATA.differences[cause.first] || {}).what || "";
    const place = [cause.a ? `A #${cause.a}` : "", cause.b ? `B #${cause.b}` : ""].filter(Boolean).join(" · ");
    return make("li", { "data-cause": index }, make("button", { type: "button", class: "cause", onclick: () => {
      const at = rowOfDifference(cause.first);
      if (at !== undefined) setCursor(at, true);
    } }, make("span", { class: "head" }, make("span", { class: `chip-of ${what}`, text: SIGNS[what] || "" }),
      make("span", { class: "place", text: place }), make("span", { class: "times", text: plural(cause.count, "difference") })),
    make("span", { class: "what", text: cause.text })));
  }));
}

function showVerdict() {
  const root = byId("verdict");
  if (!DATA.differences.length) {
    root.append(make("p", {}, make("strong", { class: "good", text: "The runs do not differ" }),
      ` in anything but noise: ${plural(DATA.rows.length, "row")}.`));
    return;
  }
  const first = DATA.differences[0];
  const cause = DATA.causes[first.cause];
  const isNoisy = (rowOfDifference(0) ?? 0) > DATA.shared;
  const same = !isNoisy ? (DATA.shared ? `Equal up to event ${grouped(DATA.shared)}` : "They differ from the start")
    : `Equal to the byte up to event ${grouped(DATA.shared)}, then but for noise`;
  const place = [first.a ? `A #${first.a}` : "", first.b ? `B #${first.b}` : ""].filter(Boolean).join(", ");
  root.append(
    make("p", {}, make("strong", { text: `${same}. ` }), `The first difference: ${place} `,
      make("span", { class: `chip-of ${first.what}`, text: MEANINGS[first.what] })),
    make("div", { class: "first" }, ...[A, B].map((side) => {
      const n = first[side === A ? "a" : "b"];
      const event = n ? inspectors[side].event(n) : null;
      return make("button", { type: "button", class: `side-of ${"ab"[side]}`, onclick: () => setCursor(rowOfDifference(0), true) },
        make("b", { text: "AB"[side] }), make("span", { text: event ? `#${n}  ${arrow(event[MARK])}${event[TEXT]}` : "no such event" }));
    })));
  if (cause) root.append(make("p", { class: "reason" }, make("b", { text: "Cause " }), causeLink(first.cause, cause.text)));
}

// --- all rows at a glance --------------------------------------------------------------------------------------------

const COLORS = { changed: "--set", missing: "--wrong", extra: "--good", earlier: "--out", later: "--out", reordered: "--flash" };

function drawMap() {
  const { pen, width, height, color } = blank(byId("map"));
  if (!width || !DATA.rows.length) return;
  const count = DATA.rows.length;
  const x = (at) => (count > 1 ? (at / (count - 1)) * (width - 2) : 0);
  for (let at = 0; at < count; at += 1) {
    const event = eventOf(DATA.rows[at], A) || eventOf(DATA.rows[at], B);
    pen.fillStyle = color(event && event[STEP] ? `--s${event[STEP]}` : "--line");
    pen.fillRect(x(at), 0, width / count + 1, 12);
  }
  DATA.rows.forEach((row, at) => {
    if (!differs(at)) return;
    pen.fillStyle = color(COLORS[whatOf(row)] || "--wrong");
    pen.fillRect(x(at), 15, Math.max(1.6, width / count - 0.4), height - 15);
  });
}

function drawLegend() {
  const counts = {};
  for (const each of DATA.differences) counts[each.what] = (counts[each.what] || 0) + 1;
  for (const [what, count] of Object.entries(counts)) {
    byId("legend").append(make("span", { class: `chip-of ${what}`, text: `${SIGNS[what]} ${grouped(count)} ${MEANINGS[what]}` }), " ");
  }
  const noise = DATA.masked.map(([rule, count]) => `${rule} ${grouped(count)}×`).join(", ");
  if (noise) byId("legend").append(make("span", { class: "hint", text: `taken as noise: ${noise}` }));
}

// --- search ----------------------------------------------------------------------------------------------------------

function search(text) {
  state.words = text.toLowerCase().split(/\s+/).filter(Boolean);
  state.hits = [];
  if (state.words.length) {
    searchTexts = searchTexts || DATA.rows.map((row) => [A, B].map((side) =>
      (row[side] === null ? "" : inspectors[side].searchable(row[side]))).join("\n"));
    DATA.rows.forEach((row, at) => {
      if (state.words.every((word) => searchTexts[at].includes(word))) state.hits.push(at);
    });
  }
  state.hitSet = new Set(state.hits);
  if (state.hits.length) setCursor(state.hits.find((at) => at >= state.at) ?? state.hits[0], true);
  list.refresh();
  showHits();
}

function nextHit(by) {
  if (!state.hits.length) return;
  const after = state.hits.find((at) => at > state.at) ?? state.hits[0];
  const before = [...state.hits].reverse().find((at) => at < state.at) ?? state.hits[state.hits.length - 1];
  setCursor(by > 0 ? after : before, true);
  showHits();
}

function showHits() {
  const which = state.hits.indexOf(state.at) + 1;
  byId("hits").textContent = !state.words.length ? "" : state.hits.length
    ? `${which || "–"} of ${grouped(state.hits.length)}` : "no hit";
}

// --- start -----------------------------------------------------------------------------------------------------------

function showAbout() {
  const [a, b] = DATA.sides.map((side) => side.run);
  byId("name").textContent = a.name === b.name ? `${a.name}: run ${a.id} and run ${b.id}` : `${a.name} and ${b.name}`;
  byId("about").textContent = `A is run ${a.id}, B is run ${b.id}${DATA.secrets ? " · passwords are shown" : ""}`;
  [a, b].forEach((run, side) => {
    const facts = [`run ${run.id}`, run.name, run.outcome || run.state, plural(run.events, "event"), `seed ${run.seed}`];
    byId(side === A ? "name-a" : "name-b").append(make("b", { text: "AB"[side] }), ` ${facts.join(" · ")}`);
  });
}

function start() {
  showAbout();
  homeLink();
  showVerdict();
  drawCauses();
  drawLegend();
  const toggleHelp = helpDialog();
  layOut();
  byId("slider").max = Math.max(1, DATA.rows.length);
  if (DATA.rows.length) setCursor(DATA.differences.length ? rowOfDifference(0) ?? 0 : 0, true);
  drawMap();
  byId("slider").addEventListener("input", () => setCursor(Number(byId("slider").value) - 1, true));
  for (const button of document.querySelectorAll("[data-view]")) {
    button.addEventListener("click", () => setView(button.getAttribute("data-view")));
  }
  byId("search").addEventListener("input", () => search(byId("search").value));
  byId("find").addEventListener("submit", (submitted) => {
    submitted.preventDefault();
    nextHit(1);
  });
  byId("search").addEventListener("keydown", (pressed) => {
    if (pressed.key !== "Escape") return;
    byId("search").value = "";
    search("");
    byId("list").focus();
  });
  byId("next-hit").addEventListener("click", () => nextHit(1));
  byId("previous-hit").addEventListener("click", () => nextHit(-1));
  window.addEventListener("resize", drawMap);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawMap);
  onKeys({
    j: () => move(1), ArrowDown: () => move(1), k: () => move(-1), ArrowUp: () => move(-1),
    g: () => setCursor(0, true), Home: () => setCursor(0, true),
    G: () => setCursor(DATA.rows.length - 1, true), End: () => setCursor(DATA.rows.length - 1, true),
    d: () => seek(1), D: () => seek(-1), "]": () => seekCause(1), "[": () => seekCause(-1),
    n: () => nextHit(1), N: () => nextHit(-1), "/": () => byId("search").select(),
    b: () => setView(state.view === "all" ? "differences" : "all"), "?": toggleHelp,
  });
}

start();
