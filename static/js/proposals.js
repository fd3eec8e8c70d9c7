// Proposals come into the page of their form; what is taken is put where it belongs, and nothing is
// sent. Without this the form is sent, and comes back with them.
export function proposing(form, keep) {
  const place = form.querySelector("#proposals");
  const helper = form.querySelector("[data-propose]");
  helper?.addEventListener("click", async (event) => {
    event.preventDefault();
    helper.disabled = true;
    const fields = new URLSearchParams();
    for (const [name, value] of new FormData(form)) {
      if (typeof value === "string" && !name.startsWith("proposed_")) fields.append(name, value);
    }
    try {
      const answer = await fetch(helper.formAction, { method: "POST", body: fields });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const found = page.getElementById("proposals");
      const trouble = found?.closest("form").querySelector(":scope > .trouble");
      place.replaceChildren(...(trouble ? [trouble] : (found?.childNodes ?? [])));
      if (!found) throw new Error("no such page");
      place.focus({ preventScroll: true });
      place.scrollIntoView({ block: "nearest" });
    } catch {
      place.textContent = "That did not work. Try again in a moment.";
    }
    helper.disabled = false;
  });
  place?.addEventListener("click", (event) => {
    const button = event.target.closest("button[name=take]");
    if (!button) return;
    event.preventDefault();
    const { way, between, text } = button.dataset;
    const field = form.elements[button.dataset.field];
    const stands = field.value.trim();
    const both = way === "before" ? [text, stands] : [stands, text];
    field.value = way === "whole" ? text : both.filter(Boolean).join(between);
    for (let fold = field.closest("details"); fold; fold = null) fold.open = true;
    button.closest(".proposal").remove();
    keep();
    field.focus();
  });
}
