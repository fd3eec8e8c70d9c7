// The page of one picture: it grows as its painter tells of it, and the page becomes what it is when
// the picture is there. Without this the page loads itself again every few seconds.
import { drawing } from "./mask.js";
import { proposing } from "./proposals.js";
import { here } from "./times.js";
import { keeping } from "./words.js";

const ended = ["review", "done", "failed", "cancelled", "posted"];
const told = document.getElementById("told");
const scene = () => document.getElementById("scene");

function seconds(left) {
  if (!Number.isFinite(left)) return "";
  const [number, unit] = left < 90 ? [Math.max(1, Math.ceil(left)), "second"]
    : [Math.round(left / 60), "minute"];
  return ` About ${number} ${unit}${number === 1 ? "" : "s"}.`;
}

function grow(place, preview) {
  const image = place?.querySelector(".growing");
  if (!image || !preview) return;
  image.src = preview;
  image.hidden = false;
}

function progress({ id, stage, step, steps, seconds: elapsed, preview }) {
  grow(document.querySelector(`.strip [data-painting="${CSS.escape(id)}"]`), preview);
  if (id !== scene().dataset.id) return;
  grow(scene().querySelector(".stage"), preview);
  const line = document.getElementById("line");
  if (!line) return;
  if (stage === "loading") line.textContent = "The model is being loaded.";
  else if (stage === "finishing") line.textContent = "The last touches.";
  else {
    const left = step && steps ? (elapsed / step) * (steps - step) : NaN;
    line.textContent = `Step ${step}${steps ? ` of ${steps}` : ""}.${seconds(left)}`;
  }
  const bar = document.getElementById("steps");
  bar.max = steps || 1;
  bar.value = step;
}

async function fresh() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return answer.ok ? page.getElementById("scene") : null;
}

// One of those that were asked for together: only its own place changes, so that nobody who is
// writing beside it loses a word.
async function place(id) {
  const selector = `.strip [data-painting="${CSS.escape(id)}"]`;
  const page = await fresh();
  const found = page?.querySelector(selector);
  if (found) document.querySelector(selector)?.replaceWith(found);
  const beside = scene().querySelector("[data-beside]");
  const others = page?.querySelector("[data-beside]");
  if (!beside || !others) return;
  const chosen = [...beside.querySelectorAll(":checked")].map((box) => box.name);
  for (const box of others.querySelectorAll("input")) box.checked = chosen.includes(box.name);
  beside.replaceWith(others);
}

async function whole() {
  const old = scene();
  const found = await fresh();
  if (!found) return;
  const held = old.contains(document.activeElement);
  old.replaceWith(found);
  if (held) found.querySelector("h1").focus({ preventScroll: true });
  prepare();
}

function state({ id, state, line, step, steps }) {
  const here = scene();
  if (id !== here.dataset.id) {
    const other = document.querySelector(`.strip [data-painting="${CSS.escape(id)}"]`);
    if (other && other.dataset.state !== state && ended.includes(state)) place(id);
    return;
  }
  if (ended.includes(state) && here.dataset.state !== state && here.dataset.state !== "posted") {
    told.textContent = state === "done" ? "The picture is there." : line;
    if (document.hidden && state === "done") document.title = `Done: ${document.title}`;
    whole();
    return;
  }
  const shown = document.getElementById("line");
  if (shown && !(state === "painting" && step)) shown.textContent = line;
  if (state === "painting") {
    scene().querySelector(".stage")?.classList.replace("queued", "painting");
    if (here.dataset.state !== state) told.textContent = "It is being painted.";
    here.dataset.state = state;
    const bar = document.getElementById("steps");
    if (bar && steps) [bar.max, bar.value] = [steps, step];
  }
}

function watch(address) {
  const waiting = new Set(
    [...document.querySelectorAll(".strip [data-painting]")].map((one) => one.dataset.painting),
  );
  waiting.add(scene().dataset.id);
  const source = new EventSource(address);
  source.addEventListener("progress", (event) => progress(JSON.parse(event.data)));
  for (const kind of ["queued", "painting", "review", "done", "failed", "cancelled"]) {
    source.addEventListener(kind, (event) => {
      const said = JSON.parse(event.data);
      state(said);
      if (ended.includes(said.state)) waiting.delete(said.id);
      if (!waiting.size) source.close();
    });
  }
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED && waiting.size) setTimeout(whole, 2000);
  });
}

function prepare() {
  for (const form of document.querySelectorAll("form[data-words]")) {
    proposing(form, keeping(form, form.dataset.words));
  }
  const sheet = document.querySelector("form[data-over] [data-mask]");
  if (sheet) {
    const form = sheet.closest("form");
    const mask = drawing(sheet, form);
    const fold = form.closest("details");
    const open = async () => {
      const image = new Image();
      image.src = form.dataset.over;
      await image.decode();
      mask.open(image);
    };
    if (fold.open) open();
    else fold.addEventListener("toggle", open, { once: true });
  }
  here();
}

prepare();
if (scene().dataset.events) watch(scene().dataset.events);
