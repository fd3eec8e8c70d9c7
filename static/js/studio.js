// The composer: keeps what is typed until it is sent, shows only what the chosen model can do, and
// lets a mask be drawn over the picture that was chosen. All of it works without this, too.
import { drawing } from "./mask.js";
import { proposing } from "./proposals.js";
import "./times.js";
import { keeping } from "./words.js";

const form = document.querySelector("form[data-compose]");
// A remix, an answer and a new picture are kept apart.
const place = form.dataset.words || location.pathname + location.search;
const keep = keeping(form, place);

let sent = false;
form.addEventListener("submit", (event) => {
  if (sent) return event.preventDefault(); // who presses twice wants one picture
  sent = !/\/propose(#|$)/.test(event.submitter?.formAction);
});
addEventListener("pageshow", () => (sent = false));

// What the chosen model cannot do is not asked for.
const models = form.querySelector("[data-models]");
function suit() {
  const chosen = models?.selectedOptions[0];
  if (!chosen) return;
  const can = chosen.dataset.can.split(" ");
  for (const part of form.querySelectorAll("[data-needs]")) {
    const able = part.dataset.needs.split(" ").some((need) => can.includes(need));
    part.hidden = !able;
    for (const field of part.querySelectorAll("input")) field.disabled = !able;
  }
  for (const name of ["steps", "guidance"]) {
    form.elements[name].placeholder = chosen.dataset[name] || "Usual";
  }
}
models?.addEventListener("change", suit);
suit();

// Control or Command with Enter sends, as everywhere.
form.elements.prompt.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});

// The mask is drawn over the file that was chosen.
const source = form.querySelector("[data-source]");
const sheet = form.querySelector("[data-mask]");
if (source && sheet) {
  const mask = drawing(sheet, form);
  const part = sheet.closest("details");
  const show = async () => {
    const file = source.files[0];
    part.hidden = !file;
    if (!file) return mask.close();
    try {
      mask.open(await createImageBitmap(file));
    } catch {
      mask.close(); // no picture: the server says so
    }
  };
  source.addEventListener("change", show);
  show(); // a browser that came back has it still
}

proposing(form, keep);

// The sketches below come to be, too: the page of each tells how; here it is enough to look again.
if (document.querySelector(".sketch.queued, .sketch.painting")) {
  const look = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch("/studio", { headers: { Accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = [...page.querySelectorAll(".having")];
      const held = document.querySelector(".having :focus");
      if (answer.ok && !held) {
        for (const old of document.querySelectorAll(".having")) old.remove();
        form.after(...fresh);
        if (!document.querySelector(".sketch.queued, .sketch.painting")) clearInterval(timer);
      }
    } catch {
      // Not now: later.
    }
  };
  const timer = setInterval(look, 5000);
}
