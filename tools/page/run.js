// The page of a run: ladder, steps, flash, settings and inspector follow one cursor.

const WRONG = "wrong";
const NOTABLE_GAP = 100e6;
const state = { phone: 0, view: "brief", at: 0, own: [], visible: [], visibleOf: [], hits: [], hitSet: new Set(), words: [] };
const inspector = new Inspector(byId("inspector"), DATA.events, DATA.details, goTo, DATA.lanes, DATA.run.id);
const list = new VirtualList(byId("list"), drawRow);
const flash = { cells: new Map(), sectors: [], chosen: null };
let searchTexts = null;
let hashTimer = 0;

const event = (position) => DATA.events[state.own[position]];
const phone = () => DATA.phones.find((each) => each.phone === state.phone) || DATA.phones[0];

// --- the cursor ------------------------------------------------------------------------------------------------------

// at: position among the events of this phone.
function setCursor(at, middle) {
  if (!state.own.length) return;
  const before = state.at;
  state.at = Math.max(0, Math.min(state.own.length - 1, at));
  const row = state.visibleOf[state.at];
  for (const drawn of [before, state.at]) redraw(state.visibleOf[drawn]);
  const now = event(state.at);
  inspector.show(now[N]);
  showReadout(now);
  showTrack(now);
  showFlash(now);
  showSettings(now);
  if (row >= 0) list.show(row, middle || Math.abs(row - state.visibleOf[before]) > 1);
  byId("list").setAttribute("aria-activedescendant", row >= 0 ? `row-${row}` : "");
  clearTimeout(hashTimer);
  hashTimer = setTimeout(() => history.replaceState(null, "", `#${now[N]}`), 400);
}

function redraw(row) {
  if (row === undefined || row < 0 || !list.rows.has(row)) return;
  list.rows.get(row).remove();
  list.rows.delete(row);
}

function goTo(n) {
  const index = inspector.byNumber.get(n);
  if (index === undefined) return;
  if (DATA.events[index][PHONE] !== state.phone) choosePhone(DATA.events[index][PHONE]);
  const at = state.own.indexOf(index);
  if (!isVisible(at)) setView("all");
  setCursor(at, true);
}

const isVisible = (at) => state.visible[state.visibleOf[at]] === at;

function move(by) {
  const row = state.visibleOf[state.at];
  const to = isVisible(state.at) || by < 0 ? row + by + (by < 0 && !isVisible(state.at) ? 1 : 0) : row + by;
  setCursor(state.visible[Math.max(0, Math.min(state.visible.length - 1, to))] ?? state.at);
}

function seek(step, matches) {
  for (let at = state.at + step; at >= 0 && at < state.own.length; at += step) {
    if (!matches(event(at), at)) continue;
    if (!isVisible(at)) setView("all");
    setCursor(at, true);
    return;
  }
}

function showReadout(now) {
  byId("slider").value = state.at + 1;
  const step = now[STEP] ? ` · step ${now[STEP]}` : "";
  const text = `event ${grouped(now[N])} · ${seconds(now[TIME])} s${step}${shownOutside(now[N])}`;
  byId("now").textContent = text;
  byId("slider").setAttribute("aria-valuetext", text);
}

// What somebody in front of the phone sees.
function shownOutside(n) {
  const facts = {};
  for (const [at, of, name, value] of DATA.facts) {
    if (at > n) break;
    if (of === state.phone) facts[name] = value;
  }
  if (facts.power !== "on") return ` · power ${facts.power || "off"}`;
  const address = [facts.IPv4, facts.IPv6].filter(Boolean).join(", ") || "no address";
  return ` · ${address}${facts.display ? ` · display “${facts.display}”` : ""}`;
}

// --- which events ----------------------------------------------------------------------------------------------------

function choosePhone(number) {
  state.phone = number;
  byId("phone").value = number;
  state.own = [];
  DATA.events.forEach((each, index) => {
    if (each[PHONE] === number) state.own.push(index);
  });
  state.at = 0;
  byId("slider").max = Math.max(1, state.own.length);
  const last = state.own.length ? seconds(event(state.own.length - 1)[TIME]) : "";
  document.documentElement.style.setProperty("--time", `${Math.max(76, Math.ceil(last.length * 7.2) + 4)}px`);
  byId("first-time").textContent = state.own.length ? `${seconds(event(0)[TIME])} s` : "";
  byId("last-time").textContent = last && `${last} s`;
  buildChip();
  layOut();
  search(byId("search").value, false);
  drawMap();
}

function setView(view) {
  state.view = view;
  layOut();
}

// Which rows there are, and for each event the row that is at it or before it.
function layOut() {
  const wanted = {
    brief: (each) => each[BRIEF] !== 0,
    all: () => true,
    wire: (each) => each[LANE] > 0 || each[STYLE] === "step",
    hits: (each, at) => state.hitSet.has(at),
  }[state.view];
  state.visible = [];
  state.visibleOf = state.own.map((index, at) => {
    if (wanted(DATA.events[index], at)) state.visible.push(at);
    return state.visible.length - 1;
  });
  for (const button of document.querySelectorAll("[data-view]")) {
    button.setAttribute("aria-pressed", button.getAttribute("data-view") === state.view);
  }
  const all = state.own.length;
  byId("shown").textContent = state.visible.length === all ? plural(all, "event")
    : `${grouped(state.visible.length)} of ${plural(all, "event")}`;
  list.setCount(state.visible.length);
  list.show(Math.max(0, state.visibleOf[state.at] ?? 0), true);
}

// --- the ladder ------------------------------------------------------------------------------------------------------

function drawRow(row) {
  const at = state.visible[row];
  const each = event(at);
  const previous = row > 0 ? event(state.visible[row - 1]) : null;
  const isStep = each[MARK] === "▶";
  const isCursor = state.visibleOf[state.at] === row;
  const text = state.view === "brief" && typeof each[BRIEF] === "string" ? each[BRIEF] : each[TEXT];
  const classes = ["row", `t-${each[STYLE]}`, isStep ? "is-step" : "", isCursor ? "cursor" : "", each[STEP] ? `s${each[STEP]}` : ""];
  const made = make("div", { class: classes.join(" "), role: "option", id: `row-${row}`, "aria-selected": isCursor,
    "aria-setsize": state.visible.length, "aria-posinset": row + 1, "data-n": each[N],
    onclick: () => setCursor(at) },
    make("span", { class: "n", text: each[N] }),
    make("span", { class: previous && previous[TIME] === each[TIME] ? "time same" : "time", text: seconds(each[TIME]) }),
    make("span", { class: "step", text: each[STEP] }),
    make("span", { class: "lanes" }, glyph(each)),
    textOf(isStep ? `step ${each[STEP]}: ${text}` : text), gapBefore(each, previous));
  if (state.view !== "hits" && state.hitSet.has(at)) made.classList.add("hit");
  return made;
}

// How long nothing happened before a row, if that is worth knowing.
function gapBefore(each, previous) {
  const gap = previous ? each[TIME] - previous[TIME] : 0;
  return gap < NOTABLE_GAP ? null : make("span", { class: "gap", title: "since the row above", text: `+${duration(gap)}` });
}

function textOf(text) {
  const span = make("span", { class: "text", title: text });
  const word = state.words[0];
  const found = word ? text.toLowerCase().indexOf(word) : -1;
  if (found < 0) span.textContent = text;
  else span.append(text.slice(0, found), make("mark", { text: text.slice(found, found + word.length) }), text.slice(found + word.length));
  return span;
}

// An arrow to or from a lane, or what happened at the phone itself.
function glyph(each) {
  const lane = each[LANE];
  if (!lane) return make("i", { class: `dot t-${each[STYLE]}` });
  const names = { "→": "out", "←": "in", x: "in lost", X: "out lost" };
  const made = make("i", { class: `arrow ${names[each[MARK]] || "out"} t-${each[STYLE]}` });
  made.style.setProperty("--to", lane);
  return made;
}

function drawLanes() {
  const head = byId("lanes");
  const count = DATA.lanes.length + 1;
  document.documentElement.style.setProperty("--lanes", count);
  new ResizeObserver(() => {
    const width = byId("list").clientWidth;
    const [share, least] = width < 600 ? [0.28, 10] : [0.43, 26];
    const gap = Math.max(least, Math.min(56, Math.floor((width * share) / count)));
    document.documentElement.style.setProperty("--gap", `${gap}px`);
  }).observe(byId("list"));
  const several = new Set(DATA.lanes.map((lane) => lane[0]).filter((name, at, all) => all.indexOf(name) !== at));
  [["Phone", ""], ...DATA.lanes].forEach(([name, address], at) => {
    const tail = address.includes(":") ? address.slice(-4) : `.${address.split(".").pop()}`;
    const label = make("span", { title: address ? `${name} ${address}` : name },
      make("b", { text: name }), several.has(name) ? make("small", { text: tail }) : null);
    label.style.setProperty("--at", at);
    head.append(label);
  });
}

// --- the whole run ---------------------------------------------------------------------------------------------------

function drawMap() {
  const { pen, width, height, style, color } = blank(byId("map"));
  if (!width || !state.own.length) return;
  const count = state.own.length;
  const x = (at) => (count > 1 ? (at / (count - 1)) * (width - 2) : 0);
  const band = 16;
  pen.font = `10px ${style.getPropertyValue("--sans")}`;
  pen.textBaseline = "middle";
  let from = 0;
  for (let at = 1; at <= count; at += 1) {
    if (at < count && event(at)[STEP] === event(from)[STEP]) continue;
    const step = event(from)[STEP];
    const [left, right] = [x(from), at < count ? x(at) : width];
    pen.fillStyle = color(step ? `--s${step}` : "--line");
    pen.fillRect(left, 0, Math.max(1, right - left - (right - left > 3 ? 1 : 0)), band);
    if (step && right - left > 13) {
      pen.fillStyle = color("--on-step");
      pen.fillText(step, left + 4, band / 2 + 0.5);
    }
    from = at;
  }
  const rows = { setting: [20, 5, "--set"], flash: [20, 5, "--flash"], out: [27, 5, "--out"], in: [27, 5, "--in"] };
  for (let at = 0; at < count; at += 1) {
    const row = rows[event(at)[STYLE]];
    if (!row) continue;
    pen.fillStyle = color(row[2]);
    pen.fillRect(x(at), row[0], Math.max(1.2, width / count - 0.6), row[1]);
  }
  pen.fillStyle = color("--wrong");
  for (let at = 0; at < count; at += 1) {
    if (event(at)[STYLE] === WRONG) pen.fillRect(x(at), 19, Math.max(1.6, width / count - 0.6), height - 19);
  }
}

// --- the nine steps --------------------------------------------------------------------------------------------------

function showTrack(now) {
  const rounds = phone().rounds;
  let number = -1;
  rounds.forEach((round, index) => {
    if (round.n <= now[N]) number = index;
  });
  const shown = rounds[Math.max(0, number)];
  const steps = byId("steps");
  if (!shown) {
    byId("round").textContent = "No provisioning run began.";
    steps.replaceChildren();
    return;
  }
  const which = rounds.length > 1 ? `Run ${Math.max(0, number) + 1} of ${rounds.length}` : "Provisioning run";
  const ended = shown.outcome && shown.end <= now[N] ? `: ${shown.outcome}` : number < 0 ? ": not yet begun" : ": going on";
  byId("round").textContent = `${which} (${shown.trigger})${ended}`;
  byId("round").classList.toggle(WRONG, shown.outcome === "failed" && shown.end <= now[N]);
  steps.replaceChildren(...DATA.steps.map(([name, title]) => stepCard(name, title, shown, now)));
}

function stepCard(name, title, round, now) {
  const visits = round.steps.filter((step) => step.step === name);
  const visit = visits.filter((step) => step.n <= now[N]).pop() || visits[0];
  const isReached = Boolean(visit) && visit.n <= now[N];
  const isCurrent = now[STEP] === name;
  const isOver = isReached && !isCurrent;
  const signs = { url: "→", no: "–", good: "✓", bad: "✗" };
  const mark = isOver || (isReached && visit.mark === "url") ? visit.mark : "";
  const classes = ["card", `s${name}`, isReached ? "reached" : "", isCurrent ? "current" : "", mark];
  const took = visit && visit.end !== undefined && visit.end > visit.t ? duration(visit.end - visit.t) : "";
  const card = make("button", { type: "button", class: classes.join(" "), disabled: !visit, "data-step": name,
    "aria-current": isCurrent ? "step" : null, title: visit && isReached ? `${title}: ${visit.text || "done"}` : title,
    onclick: () => goTo(visit.n) },
    make("span", { class: "head" }, make("b", { text: name }), make("span", { class: "took", text: isReached ? took : "" })),
    make("span", { class: "what", text: title }),
    make("span", { class: "result", text: mark ? `${signs[mark]} ${visit.text}` : isReached ? (isCurrent ? "now" : "done") : visit ? "later" : "" }));
  return make("li", {}, card);
}

// --- flash -----------------------------------------------------------------------------------------------------------

// A cell for every sector of a small partition, and of a large one up to the last that this run ever uses.
function buildChip() {
  const { chip, sectors } = phone();
  const root = byId("chip");
  root.replaceChildren();
  flash.cells.clear();
  flash.chosen = null;
  flash.sectors = sectors;
  if (!chip.count) {
    root.append(make("p", { class: "hint", text: "The content of the chip is not known." }));
    return;
  }
  const used = new Set(sectors.map((change) => change[1]));
  for (const [name, first, count] of chip.parts) {
    let last = -1;
    for (let at = 0; at < count; at += 1) if (used.has(first + at)) last = at;
    const shown = count <= 64 ? count : Math.min(count, Math.ceil((last + 1) / 16) * 16);
    const cells = make("div", { class: "cells" });
    for (let sector = first; sector < first + shown; sector += 1) {
      const cell = make("i", { class: "cell", "data-sector": sector });
      flash.cells.set(sector, cell);
      cells.append(cell);
    }
    if (shown < count) cells.append(make("span", { class: "rest", text: `${shown ? "+ " : ""}${grouped(count - shown)} blank` }));
    root.append(make("div", { class: "partition" }, make("span", { class: "label", text: name }), cells));
  }
}

function flashAt(n) {
  const held = new Map();
  for (const change of flash.sectors) {
    if (change[0] > n) break;
    held.set(change[1], change);
  }
  return held;
}

const TROUBLES = ["", "torn", "failed", "flipped"];

function showFlash(now) {
  const size = phone().chip.sector;
  const held = flashAt(now[N]);
  let [bytes, inUse, erasures] = [0, 0, 0];
  for (const [sector, cell] of flash.cells) {
    const [n, , used, wear, trouble] = held.get(sector) || [0, sector, 0, 0, 0];
    cell.style.setProperty("--fill", `${used ? Math.max(12, Math.round((used / size) * 100)) : 0}%`);
    const classes = ["cell", used ? "used" : "", wear ? "worn" : "", TROUBLES[trouble], n === now[N] ? "touched" : ""];
    cell.className = classes.filter(Boolean).join(" ");
    cell.textContent = wear || "";
    if (wear > 99) cell.textContent = "99+";
    cell.title = sectorText(sector, held.get(sector));
    bytes += used;
    inUse += used ? 1 : 0;
    erasures += wear;
  }
  byId("flash-sum").textContent = `${plural(inUse, "sector")} in use · ${plural(bytes, "byte")} · ${plural(erasures, "erasure")}`;
  const touched = [...held.values()].find((change) => change[0] === now[N] && now[STYLE] !== "input");
  if (touched && flash.cells.has(touched[1])) reveal(byId("chip"), flash.cells.get(touched[1]));
  const told = flash.chosen ?? (touched ? touched[1] : null);
  const legend = "height: bytes programmed · number: erasures";
  byId("sector").replaceChildren(told === null ? legend : sectorText(told, held.get(told)));
  const writer = told === null ? null : held.get(told);
  if (writer && writer[0] !== now[N]) {
    byId("sector").append(" ", make("button", { type: "button", class: "plain-link", text: `#${writer[0]}`, onclick: () => goTo(writer[0]) }));
  }
}

function sectorText(sector, change) {
  const { chip } = phone();
  const part = chip.parts.find(([, first, count]) => sector >= first && sector < first + count);
  const [n, , used, wear, trouble] = change || [0, sector, 0, 0, 0];
  const what = used ? `${grouped(used)} of ${grouped(chip.sector)} bytes programmed` : "blank";
  const address = `0x${(sector * chip.sector).toString(16).padStart(6, "0")}`;
  const parts = [`sector ${sector}`, part ? part[0] : "", address, what];
  if (wear) parts.push(`erased ${grouped(wear)}×`);
  if (trouble) parts.push(TROUBLES[trouble]);
  if (n) parts.push(`last at event ${n}`);
  return parts.filter(Boolean).join(" · ");
}

// --- settings --------------------------------------------------------------------------------------------------------

function settingsAt(n) {
  const held = new Map();
  for (const [at, key, value, since] of phone().settings) {
    if (at > n) break;
    if (value === null) held.delete(key);
    else held.set(key, [value, since]);
  }
  return held;
}

function showSettings(now) {
  const held = settingsAt(now[N]);
  const keys = [...held.keys()].sort();
  byId("settings-sum").textContent = `${plural(keys.length, "value")} not as the factory made ${keys.length === 1 ? "it" : "them"}`;
  byId("settings").replaceChildren(...keys.map((key) => {
    const [value, since] = held.get(key);
    const from = make("button", { type: "button", class: "plain-link", text: `#${since}`, onclick: () => goTo(since) });
    return make("tr", { class: since === now[N] ? "touched" : "", "data-key": key },
      make("th", { scope: "row", text: key }), make("td", { text: value || "(empty)", class: value ? "" : "hint" }),
      make("td", {}, since ? from : ""));
  }));
  const touched = byId("settings").querySelector(".touched");
  if (touched) reveal(byId("settings").closest(".table"), touched);
}

// --- search ----------------------------------------------------------------------------------------------------------

// Every word has to be in an event: its line, its kind, its fields, its dissected packet, its headers or its body.
function search(text, jump) {
  state.words = text.toLowerCase().split(/\s+/).filter(Boolean);
  state.hits = [];
  if (state.words.length) {
    searchTexts = searchTexts || DATA.events.map((each) => inspector.searchable(each[N]));
    state.own.forEach((index, at) => {
      if (state.words.every((word) => searchTexts[index].includes(word))) state.hits.push(at);
    });
  }
  state.hitSet = new Set(state.hits);
  document.querySelector('[data-view="hits"]').disabled = !state.hits.length;
  if (state.view === "hits") setView(state.hits.length ? "hits" : "brief");
  if (jump && state.hits.length) hit(state.hits.find((at) => at >= state.at) ?? state.hits[0]);
  list.refresh();
  showHits();
}

function hit(at) {
  if (!isVisible(at)) setView("all");
  setCursor(at, true);
  showHits();
}

function nextHit(by) {
  if (!state.hits.length) return;
  const after = state.hits.find((at) => at > state.at) ?? state.hits[0];
  const before = [...state.hits].reverse().find((at) => at < state.at) ?? state.hits[state.hits.length - 1];
  hit(by > 0 ? after : before);
}

function showHits() {
  const which = state.hits.indexOf(state.at) + 1;
  byId("hits").textContent = !state.words.length ? "" : state.hits.length
    ? `${which || "–"} of ${grouped(state.hits.length)}` : "no hit";
  byId("hits").classList.toggle(WRONG, state.words.length > 0 && !state.hits.length);
}

// --- start -----------------------------------------------------------------------------------------------------------

function showAbout() {
  const run = DATA.run;
  byId("name").textContent = run.name;
  const facts = [DATA.upto < run.events ? `run ${run.id} up to event ${grouped(DATA.upto)}` : `run ${run.id}`, run.title, run.outcome || run.state, run.firmware, `seed ${run.seed}`,
    run.digest.slice(0, 12), DATA.secrets ? "passwords are shown" : ""];
  byId("about").textContent = facts.filter(Boolean).join(" · ");
  byId("about").title = `${run.created}${run.state === "finished" ? "" : `, ${run.state}`}`;
  const notices = [DATA.left_out ? `This page does not hold the whole run: ${DATA.left_out}.` : "",
    ...DATA.phones.filter((each) => each.broken).map((each) => `Phone ${each.phone}: settings and flash are not known any more: ${each.broken}.`)];
  byId("notice").textContent = notices.filter(Boolean).join(" ");
  byId("notice").hidden = !byId("notice").textContent;
  if (DATA.phones.length < 2) return;
  byId("phone-label").hidden = false;
  byId("phone").append(...DATA.phones.map(({ phone: number, mac, rounds }) => {
    const last = rounds.length ? rounds[rounds.length - 1].outcome || "unfinished" : "";
    return make("option", { value: number, text: `${number} · ${mac} ${last}` });
  }));
}

// Where a reader wants to begin: what was asked for, or else how the first failed run, or the last one, ended.
function firstLook() {
  const asked = Number(location.hash.slice(1)) || DATA.at;
  if (asked && inspector.byNumber.has(asked)) return asked;
  const ends = DATA.events.filter((each) => each[MARK] === "■" && each[PHONE] === state.phone);
  const failed = ends.find((each) => each[TEXT].includes("failed"));
  const end = failed || ends[ends.length - 1];
  return end ? end[N] : event(0)[N];
}

function start() {
  showAbout();
  homeLink();
  drawLanes();
  if (!DATA.events.length) {
    byId("notice").textContent = "This run has no events.";
    byId("notice").hidden = false;
    return;
  }
  choosePhone(DATA.phones[0].phone);
  goTo(firstLook());
  const toggleHelp = helpDialog();
  byId("slider").addEventListener("input", () => setCursor(Number(byId("slider").value) - 1, true));
  byId("phone").addEventListener("change", () => {
    choosePhone(Number(byId("phone").value));
    goTo(firstLook());
  });
  for (const button of document.querySelectorAll("[data-view]")) {
    button.addEventListener("click", () => setView(button.getAttribute("data-view")));
  }
  byId("search").addEventListener("input", () => search(byId("search").value, true));
  byId("find").addEventListener("submit", (submitted) => {
    submitted.preventDefault();
    nextHit(1);
  });
  byId("search").addEventListener("keydown", (pressed) => {
    if (pressed.key !== "Escape") return;
    byId("search").value = "";
    search("", false);
    byId("list").focus();
  });
  byId("next-hit").addEventListener("click", () => nextHit(1));
  byId("previous-hit").addEventListener("click", () => nextHit(-1));
  byId("chip").addEventListener("click", (clicked) => {
    const sector = clicked.target.getAttribute("data-sector");
    flash.chosen = sector === null ? null : Number(sector);
    showFlash(event(state.at));
  });
  window.addEventListener("hashchange", () => goTo(Number(location.hash.slice(1))));
  window.addEventListener("resize", drawMap);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawMap);
  onKeys({
    j: () => move(1), ArrowDown: () => move(1), k: () => move(-1), ArrowUp: () => move(-1),
    PageDown: () => move(20), PageUp: () => move(-20),
    g: () => setCursor(0), Home: () => setCursor(0),
    G: () => setCursor(state.own.length - 1), End: () => setCursor(state.own.length - 1),
    "]": () => seek(1, (each) => each[MARK] === "▶"), "[": () => seek(-1, (each) => each[MARK] === "▶"),
    w: () => seek(1, (each) => each[STYLE] === WRONG), W: () => seek(-1, (each) => each[STYLE] === WRONG),
    c: () => event(state.at)[CAUSE] && goTo(event(state.at)[CAUSE]),
    n: () => nextHit(1), N: () => nextHit(-1),
    "/": () => byId("search").select(),
    b: () => setView(state.view === "brief" ? "all" : "brief"), p: () => setView(state.view === "wire" ? "brief" : "wire"),
    f: () => state.hits.length && setView(state.view === "hits" ? "brief" : "hits"),
    "?": toggleHelp,
  });
}

start();
