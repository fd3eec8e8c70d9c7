// Passkeys: what a browser's dialogue gives goes into a hidden field of a form, as JSON.
// Forms with data-passkey="get" or "create" hold the address that is asked first in data-ask.

const bytes = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));

const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

const named = (credentials) => (credentials ?? []).map((one) => ({ ...one, id: bytes(one.id) }));

function read(options) {
  const read = { ...options, challenge: bytes(options.challenge) };
  if (options.user) read.user = { ...options.user, id: bytes(options.user.id) };
  if (options.excludeCredentials) read.excludeCredentials = named(options.excludeCredentials);
  if (options.allowCredentials) read.allowCredentials = named(options.allowCredentials);
  return read;
}

function written(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature",
    "userHandle"]) {
    if (credential.response[name]) response[name] = text(credential.response[name]);
  }
  return JSON.stringify({
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    clientExtensionResults: {},
    response,
  });
}

async function ask(form) {
  const answer = await fetch(form.dataset.ask, {
    method: "POST",
    body: new URLSearchParams({ form_key: form.elements.form_key.value }),
  });
  if (!answer.ok || answer.redirected) {
    const told = await answer.json().catch(() => ({}));
    throw new Error(told.error ?? "That did not work. Load the page again.");
  }
  return { publicKey: read(await answer.json()) };
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential) {
    form.hidden = true;
    continue;
  }
  const note = form.querySelector("[role=status]");
  form.addEventListener("submit", async (event) => {
    if (form.elements.answer.value) return;
    event.preventDefault();
    note.textContent = "";
    try {
      const way = form.dataset.passkey;
      const credential = await navigator.credentials[way](await ask(form));
      form.elements.answer.value = written(credential);
      form.submit();
    } catch (error) {
      const given = error.name === "NotAllowedError" || error.name === "AbortError";
      note.textContent = given ? "Nothing was chosen." : error.message;
    }
  });
}
