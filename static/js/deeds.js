// The buttons under posts: pressed without leaving the page. Without this module they are forms.

const pressed = (button, { done, count }) => {
  button.setAttribute("aria-pressed", String(done));
  const path = new URL(button.formAction).pathname.split("/");
  const name = path.pop().replace(/^un/, "");
  button.setAttribute("formaction", [...path, (done ? "un" : "") + name].join("/"));
  button.querySelector(".number").textContent = count ? count.toLocaleString("en") : "";
};

async function press(form, button) {
  const answer = await fetch(button.formAction, {
    method: "POST",
    headers: { Accept: "application/json" },
    body: new URLSearchParams({ form_key: form.elements.form_key.value }),
  });
  if (answer.redirected) {
    location.assign("/sign-in?next=" + encodeURIComponent(location.pathname));
    return;
  }
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.error);
  for (const each of form.querySelectorAll("button.deed")) {
    const name = Object.keys(told).find((one) => each.classList.contains(one));
    if (name) pressed(each, told[name]);
  }
}

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form.deeds");
  const button = event.submitter;
  if (!form || !button?.classList.contains("deed")) return;
  event.preventDefault();
  if (form.ariaBusy === "true") return;
  form.ariaBusy = "true";
  let note = form.querySelector("[role=alert]");
  note?.remove();
  try {
    await press(form, button);
  } catch (error) {
    note = document.createElement("p");
    note.className = "hint trouble";
    note.role = "alert";
    note.textContent = error.message || "That did not work. Try again.";
    form.append(note);
  } finally {
    form.ariaBusy = "false";
  }
});
