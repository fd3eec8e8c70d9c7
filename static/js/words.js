// Words that are typed into a form stay in this browser until they were sent, for the account that
// typed them and where they belong. Who signs out takes them along: the server has them cleared.
const PREFIX = "easel words ";
const DAYS = 30; // what nobody came back to goes

function kept() {
  try {
    return Object.keys(localStorage)
      .filter((key) => key.startsWith(PREFIX))
      .map((key) => [key, JSON.parse(localStorage.getItem(key))]);
  } catch {
    return []; // nothing is kept where nothing may be
  }
}

// What was sent from a place is kept by the server now: whatever comes after it calls this. What was
// sent from elsewhere may never have arrived.
export function forgetSent(place) {
  for (const [key, { sent }] of kept()) {
    const own = key.slice(PREFIX.length).split(" ").slice(1).join(" ");
    if (sent && own === place) localStorage.removeItem(key);
  }
}

function forgetOthers(account) {
  const oldest = Date.now() - DAYS * 86_400_000;
  for (const [key, { at }] of kept()) {
    if (!key.startsWith(`${PREFIX}${account} `) || at < oldest) localStorage.removeItem(key);
  }
}

const typed = (form) =>
  [...form.elements].filter(
    (field) => field.name && !["hidden", "file", "submit", "fieldset"].includes(field.type),
  );

// How a field differs from what the page brought; undefined if it does not.
function said(field, whole) {
  const { type, value, checked, defaultChecked, defaultValue } = field;
  if (type === "radio") return checked && (whole || !defaultChecked) ? value : undefined;
  if (type === "checkbox") return whole || checked !== defaultChecked ? checked : undefined;
  if (type === "select-one") {
    const usual = [...field.options].find((one) => one.defaultSelected) ?? field.options[0];
    return whole || value !== usual?.value ? value : undefined;
  }
  return whole || value !== defaultValue ? value : undefined;
}

function put(field, value) {
  if (field.type === "radio") field.checked = field.value === value;
  else if (field.type === "checkbox") field.checked = value;
  else field.value = value;
  // Where it can be seen, if the fold does not remember by itself whether it was open.
  for (let fold = field.closest("details"); fold; fold = fold.parentElement.closest("details")) {
    if (!("remember" in fold.dataset)) fold.open = true;
  }
}

// Keep what is typed into a form of an account (`data-account`), and put back what was kept. One that
// was refused (`data-given`) came back with what was sent, which is newer. The form says that words
// are kept, and where: the page that comes after it loads `sent.js`. Gives a function that keeps what
// stands there now.
export function keeping(form, place) {
  const { account, given } = form.dataset;
  const key = `${PREFIX}${account} ${place}`;
  const whole = given !== undefined;
  const folds = [...form.querySelectorAll("details[data-remember]")];

  function keep(sent = false) {
    const words = {};
    for (const field of typed(form)) {
      const value = said(field, whole);
      if (value !== undefined) words[field.name] = value;
    }
    const open = folds.filter((fold) => fold.open).map((fold) => fold.dataset.remember);
    try {
      if (!Object.keys(words).length) localStorage.removeItem(key);
      else localStorage.setItem(key, JSON.stringify({ words, open, sent, at: Date.now() }));
    } catch {
      // Full, or forbidden: then it is kept as long as the page is open.
    }
  }

  function restore(found) {
    for (const field of typed(form)) {
      if (field.name in found.words) put(field, found.words[field.name]);
    }
    for (const fold of folds) {
      if (found.open.includes(fold.dataset.remember)) fold.open = true;
    }
  }

  forgetOthers(account);
  const [, found] = kept().find(([name]) => name === key) ?? [];
  if (found && !whole) restore(found);
  else if (found?.sent) keep(); // it was not taken
  const mark = document.createElement("input");
  [mark.type, mark.name, mark.value] = ["hidden", "remembered", place];
  form.append(mark);
  form.addEventListener("input", () => keep());
  form.addEventListener("submit", () => keep(true));
  for (const fold of folds) fold.addEventListener("toggle", () => keep());
  return keep;
}
