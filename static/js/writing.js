// Where posts and messages are written: what is typed is kept until it is sent.
import { keeping } from "./words.js";

for (const form of document.querySelectorAll("form[data-words]")) keeping(form, form.dataset.words);
