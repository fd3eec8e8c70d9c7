// Where posts and messages are written: what is typed is kept until it is sent. The form says so, and
// the page that comes after it loads `sent.js`.
import { keeping } from "./words.js";

for (const form of document.querySelectorAll("form[data-words]")) {
  keeping(form, form.dataset.words);
  const mark = document.createElement("input");
  [mark.type, mark.name, mark.value] = ["hidden", "remembered", "1"];
  form.append(mark);
}
