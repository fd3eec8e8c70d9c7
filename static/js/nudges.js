// «More like this» and «less like this», without leaving the page. Without this module: forms.

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form.nudges");
  const button = event.submitter;
  if (!form || !button) return;
  event.preventDefault();
  if (form.ariaBusy === "true") return;
  form.ariaBusy = "true";
  const to = button.hasAttribute("formaction") ? button.formAction : form.action;
  try {
    const answer = await fetch(to, {
      method: "POST",
      headers: { Accept: "application/json" },
      body: new URLSearchParams({ form_key: form.elements.form_key.value }),
    });
    if (!answer.ok || answer.redirected) throw new Error();
    const { more } = await answer.json();
    if (more === false) {
      gone(form);
      return;
    }
    const first = form.querySelector("[aria-pressed]");
    first.setAttribute("aria-pressed", String(more === true));
    form.action = form.action.replace(/[a-z]+$/, more ? "neither" : "more");
  } catch {
    location.reload(); // the page says what is wrong, or asks to sign in
  } finally {
    form.ariaBusy = "false";
  }
});

// The picture goes; who used the keyboard goes on with the next one.
function gone(form) {
  const item = form.closest(".wall > li, .nudged");
  const beside = item.nextElementSibling ?? item.previousElementSibling;
  item.remove();
  beside?.querySelector(".nudge")?.focus();
}
