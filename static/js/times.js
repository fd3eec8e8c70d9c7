// Times are those of who looks: moments are told in their zone, and what they type is meant in it.
// Summer and winter differ, so the zone is that of the moment that is typed.
// No longer than what stands there before: a line more would push away what is below.
const SPOKEN = {
  weekday: "short",
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "numeric",
  minute: "2-digit",
};

export function here(root = document) {
  for (const field of root.querySelectorAll("input[type=datetime-local][name=when]")) {
    const offset = field.form.elements.offset;
    if (!offset) continue;
    const moment = field.dataset.utc ? new Date(field.dataset.utc) : null;
    if (moment) {
      const shift = -moment.getTimezoneOffset();
      field.value = new Date(moment.getTime() + shift * 60_000).toISOString().slice(0, 16);
    }
    const note = () => {
      const typed = new Date(field.value);
      const known = Number.isNaN(typed.getTime()) ? new Date() : typed;
      offset.value = String(-known.getTimezoneOffset());
    };
    field.form.addEventListener("submit", note); // whoever filled it in
  }
  for (const zone of root.querySelectorAll("[data-zone]")) zone.textContent = "In your time";
  for (const time of root.querySelectorAll("time[data-moment]")) {
    time.textContent = new Date(time.dateTime).toLocaleString(document.documentElement.lang, SPOKEN);
  }
}

here();
