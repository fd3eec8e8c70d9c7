// Feeds: the next page comes when one is near the end, and what is new is told, never pushed in.
// Without this module there are the links that it follows.

const AHEAD = "1200px"; // how near the end is near: a screen or two before it is seen

function endless() {
  const list = document.querySelector(".endless");
  const paging = document.querySelector("nav.paging");
  if (!list || !paging) return;
  const into = list.querySelector(".wall") ?? list;
  let busy = false;

  const more = async () => {
    const link = paging.querySelector("a[rel=next]");
    if (!link || busy) return;
    busy = true;
    paging.ariaBusy = "true";
    try {
      const answer = await fetch(link.href);
      if (!answer.ok || answer.redirected) throw new Error();
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const found = page.querySelector(".endless .wall") ?? page.querySelector(".endless");
      const known = new Set([...into.querySelectorAll("[id]")].map((one) => one.id));
      const fresh = [...(found?.children ?? [])].filter((one) => !one.id || !known.has(one.id));
      into.append(...fresh.map((one) => document.adoptNode(one)));
      const next = page.querySelector("nav.paging a[rel=next]");
      if (next) link.href = next.getAttribute("href");
      else link.remove();
      paging.ariaBusy = "false";
      busy = false;
      if (next) watch.observe(paging); // tells again at once if the end is still near
    } catch {
      paging.ariaBusy = "false"; // the link is still there, and works by itself
    }
  };

  const watch = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    watch.unobserve(paging);
    more();
  }, { rootMargin: `0px 0px ${AHEAD} 0px` });
  watch.observe(paging);
}

function news() {
  const place = document.querySelector(".fresh[data-feed]");
  const { feed, newest, view, ai } = place?.dataset ?? {};
  let asking = false;

  const count = async () => {
    if (asking || !place || document.hidden) return;
    asking = true;
    try {
      const query = new URLSearchParams({ since_id: newest, view, ai });
      const answer = await fetch(`${feed}/new?${query}`);
      const told = answer.ok ? await answer.json() : { new: 0 };
      if (told.new) say(told);
    } finally {
      asking = false;
    }
  };

  const say = (told) => {
    const link = place.querySelector("a") ?? document.createElement("a");
    const number = told.more ? `${told.new}+` : told.new;
    link.className = "button";
    link.href = feed;
    link.textContent = `${number} new ${told.new === 1 && !told.more ? "post" : "posts"}`;
    place.append(link);
  };

  if (!document.body.classList.contains("framed")) return;
  const stream = new EventSource("/events");
  stream.addEventListener("posts", count);
  stream.addEventListener("notifications", () => {
    document.querySelector(".masthead a[href='/notifications']")?.classList.add("ringing");
  });
  document.addEventListener("visibilitychange", count);
  addEventListener("pagehide", () => stream.close());
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
}

endless();
news();
