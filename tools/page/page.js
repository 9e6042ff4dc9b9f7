"use strict";

// What the pages share: elements made of text only, times, a list that draws only the rows in sight, keys.

const DATA = JSON.parse(document.getElementById("data").textContent);
const [N, TIME, PHONE, KIND, CAUSE, BECAUSE, TEXT, MARK, STYLE, STEP, LANE, BRIEF] = Array(12).keys();
const ROW_HEIGHT = 22;
const MOST_PRINTED = 2000;

const byId = (id) => document.getElementById(id);

// Everything in a log is hostile: it gets into the document as text, never as markup.
function make(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name === "text") made.textContent = value;
    else if (name === "class") made.className = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (typeof value === "boolean" && name.startsWith("aria-")) made.setAttribute(name, String(value));
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  for (const child of children) if (child !== null && child !== undefined) made.append(child);
  return made;
}

const grouped = (number) => number.toLocaleString("en-US");
const plural = (number, one, many) => `${grouped(number)} ${number === 1 ? one : many || one + "s"}`;

function seconds(ns) {
  const whole = Math.floor(ns / 1e9);
  return `${whole}.${String(Math.floor((ns - whole * 1e9) / 1e3)).padStart(6, "0")}`;
}

function duration(ns) {
  for (const [size, name] of [[3600e9, "h"], [60e9, "min"], [1e9, "s"], [1e6, "ms"], [1e3, "µs"]]) {
    if (ns >= size) return `${Number((ns / size).toPrecision(3))} ${name}`;
  }
  return `${ns} ns`;
}

// A list of rows of one height. draw(index) makes a row; only rows in sight are in the document.
class VirtualList {
  constructor(root, draw) {
    this.root = root;
    this.draw = draw;
    this.count = 0;
    this.rows = new Map();
    this.sizer = make("div", { class: "sizer", role: "presentation" });
    root.append(this.sizer);
    this.waiting = false;
    root.addEventListener("scroll", () => this.later(), { passive: true });
    new ResizeObserver(() => this.later()).observe(root);
    window.addEventListener("beforeprint", () => this.print());
    window.addEventListener("afterprint", () => this.refresh());
  }

  later() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.render();
    });
  }

  setCount(count) {
    this.count = count;
    this.sizer.style.height = `${count * ROW_HEIGHT}px`;
    this.refresh();
  }

  refresh() {
    this.rows.clear();
    this.sizer.replaceChildren();
    this.render();
  }

  renderRange(first, end) {
    for (const [index, row] of this.rows) {
      if (index < first || index >= end) {
        row.remove();
        this.rows.delete(index);
      }
    }
    for (let index = first; index < end; index += 1) {
      if (this.rows.has(index)) continue;
      const row = this.draw(index);
      row.style.top = `${index * ROW_HEIGHT}px`;
      this.rows.set(index, row);
      this.sizer.append(row);
    }
  }

  render() {
    const over = 8;
    const first = Math.max(0, Math.floor(this.root.scrollTop / ROW_HEIGHT) - over);
    const end = Math.min(this.count, Math.ceil((this.root.scrollTop + this.root.clientHeight) / ROW_HEIGHT) + over);
    this.renderRange(first, end);
  }

  print() {
    this.rows.clear();
    this.sizer.replaceChildren();
    this.renderRange(0, Math.min(this.count, MOST_PRINTED));
    if (this.count > MOST_PRINTED) {
      const left = this.count - MOST_PRINTED;
      this.sizer.append(make("div", { class: "row cut", text: `${plural(left, "row")} more are not printed` }));
    }
  }

  show(index, middle) {
    const top = index * ROW_HEIGHT;
    const height = this.root.clientHeight;
    const above = top < this.root.scrollTop + ROW_HEIGHT;
    const below = top + 2 * ROW_HEIGHT > this.root.scrollTop + height;
    if (above || below) {
      this.root.scrollTop = middle ? top - Math.floor(height / 2 / ROW_HEIGHT) * ROW_HEIGHT : above ? top - ROW_HEIGHT : top + 2 * ROW_HEIGHT - height;
    }
    this.render();
  }
}

// Scroll a box, and nothing around it, until an element in it can be seen.
function reveal(box, element) {
  const [outer, inner] = [box.getBoundingClientRect(), element.getBoundingClientRect()];
  if (inner.top < outer.top) box.scrollTop -= outer.top - inner.top;
  else if (inner.bottom > outer.bottom) box.scrollTop += inner.bottom - outer.bottom;
}

// keys: name of a key to what it does. Not while somebody types, and not with Ctrl, Alt or Meta.
function onKeys(keys) {
  document.addEventListener("keydown", (event) => {
    const target = event.target;
    const types = target.matches("input:not([type=range]), select, textarea") || document.querySelector("dialog[open]");
    const slides = target.matches("input[type=range]") && event.key.startsWith("Arrow");
    if (types || slides || event.ctrlKey || event.altKey || event.metaKey || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
}

function helpDialog() {
  const help = byId("help");
  const toggle = () => (help.open ? help.close() : help.showModal());
  byId("help-button").addEventListener("click", toggle);
  return toggle;
}

function homeLink() {
  if (!DATA.home) return;
  byId("home").hidden = false;
  byId("home").href = DATA.home;
}

// An empty canvas as sharp as the screen, with the colours of the page.
function blank(canvas) {
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  const scale = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  const style = getComputedStyle(document.documentElement);
  return { pen, width, height, style, color: (name) => style.getPropertyValue(name).trim() };
}
