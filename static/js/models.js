// What is being fetched, as it comes: a bar grows, and the list becomes what it is when something
// has ended. Without this the page loads itself again every few seconds.
const list = () => document.getElementById("models");
const told = document.getElementById("told");

function pull({ key, line, percent }) {
  const row = list().querySelector(`[data-pull="${CSS.escape(key)}"]`);
  if (!row) return;
  const words = row.querySelector("[data-line]");
  if (words.textContent !== line) words.textContent = line;
  const bar = row.querySelector("progress");
  if (bar && percent !== null) bar.value = percent;
}

// The page may be older than what the stream begins with.
function known(states) {
  const rows = [...list().querySelectorAll("[data-pull]")];
  const same = rows.every(({ dataset }) => states[dataset.pull] === dataset.state);
  if (!same || rows.length !== Object.keys(states).length) fresh();
}

const title = (fold) => fold.querySelector("summary").textContent;

const AGAIN_MS = 2000; // after an answer that was none
let coming = null;
let again = false;

async function fresh() {
  if (coming) {
    again = true; // what is on its way may be older than this news
    return;
  }
  coming = (async () => {
    do {
      again = false;
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
      if (!answer?.ok) {
        await new Promise((done) => setTimeout(done, AGAIN_MS));
        again = true;
        continue;
      }
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const found = page.getElementById("models");
      if (!found) {
        location.reload();
        return;
      }
      const old = list();
      const held = old.contains(document.activeElement) ? document.activeElement : null;
      const path = held?.closest("form")?.getAttribute("action");
      const id = held?.closest("form")?.elements.id?.value;
      // What somebody unfolded stays so.
      const unfolded = new Set([...old.querySelectorAll("details[open]")].map(title));
      for (const fold of found.querySelectorAll("details")) fold.open = unfolded.has(title(fold));
      old.replaceWith(found);
      if (held) {
        const same = [...found.querySelectorAll("form")].find(
          (form) => form.getAttribute("action") === path && form.elements.id?.value === id,
        );
        const goal = same?.querySelector("button") ?? found.querySelector("h2");
        if (goal && goal.tagName === "H2") goal.tabIndex = -1;
        goal?.focus({ preventScroll: true });
      }
      if (told) told.textContent = found.querySelector("[data-line]")?.textContent ?? found.dataset.done ?? "";
    } while (again);
  })();
  try {
    await coming;
  } finally {
    coming = null;
  }
}

const source = new EventSource(list().dataset.events);
source.addEventListener("known", (event) => known(JSON.parse(event.data)));
// It may have been found out between the page and the stream.
source.addEventListener("machine", () => {
  if (!("measured" in list().dataset)) fresh();
});
source.addEventListener("pull", (event) => pull(JSON.parse(event.data)));
source.addEventListener("changed", () => fresh());
