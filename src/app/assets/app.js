// Live parts of the app. Every page works without this file.
"use strict";

const main = () => document.querySelector("main");

// Takes the content of another page of the app in place of this one's; the row that was in hand stays in hand.
function show(text) {
  const page = new DOMParser().parseFromString(text, "text/html");
  const made = page.querySelector("main");
  if (!made) return;
  const row = document.activeElement?.closest("[data-row]")?.dataset.row ?? main().querySelector("[data-row].here")?.dataset.row;
  const left = document.querySelector(".rows")?.scrollLeft ?? 0;
  main().replaceWith(document.adoptNode(made));
  document.querySelector("header.app").replaceWith(document.adoptNode(page.querySelector("header.app")));
  const scroll = document.querySelector(".rows");
  if (scroll) scroll.scrollLeft = left;
  const same = row && main().querySelector('[data-row="' + CSS.escape(row) + '"]');
  if (same) hold(same);
  begin();
}

// Work that runs: its part of the page is asked for again until it is done.
async function follow(section) {
  await new Promise((done) => setTimeout(done, Number(section.dataset.live)));
  if (!document.contains(section)) return;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.ok) return show(await answer.text());
  } catch {
    // The app may have ended; a reload will tell.
  }
  follow(section);
}

// A form whose outcome is this page again.
async function send(form, button) {
  const fields = new URLSearchParams(new FormData(form, button));
  try {
    const answer = await fetch(form.action, { method: "POST", body: fields });
    if (answer.ok) return show(await answer.text());
  } catch {
    // Below.
  }
  form.removeAttribute("data-stay");
  form.requestSubmit(button);
}

function hold(row) {
  for (const other of document.querySelectorAll("[data-row].here")) other.classList.remove("here");
  row.classList.add("here");
  row.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

const KEYS = { w: "wrong", r: "right", o: "open" };

function key(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.closest("input:not([type=checkbox]), select, textarea");
  const rows = [...document.querySelectorAll("[data-row]")];
  if (typing || !rows.length) return;
  const now = rows.findIndex((row) => row.classList.contains("here"));
  const to = (place) => hold(rows[Math.max(0, Math.min(rows.length - 1, place))]);
  const pressed = event.key.toLowerCase();
  if (pressed === "j") to(now + 1);
  else if (pressed === "k") to(now < 0 ? 0 : now - 1);
  else if (pressed === "x" && now >= 0) rows[now].querySelector("input[type=checkbox]").click();
  else if (pressed === "u") document.querySelector("form[action$='/undo'] button")?.click();
  else if (KEYS[pressed] && now >= 0) {
    const button = rows[now].querySelector('button[value^="' + KEYS[pressed] + ':"]');
    if (now + 1 < rows.length) hold(rows[now + 1]);
    button.click();
  } else return;
  event.preventDefault();
}

function begin() {
  const live = document.querySelector("[data-live]");
  if (live) follow(live);
  // A file that was dropped or chosen is sent at once; one that is too large is refused before it travels.
  for (const form of document.querySelectorAll("form.drop")) {
    const file = form.querySelector("input[type=file]");
    const said = form.querySelector(".said");
    file.addEventListener("change", () => {
      const chosen = file.files[0];
      if (!chosen) return;
      if (chosen.size > Number(form.dataset.most)) {
        said.textContent = "This file is too large.";
        file.value = "";
        return;
      }
      said.textContent = "On its way: " + chosen.name;
      form.requestSubmit();
    });
  }
}

document.addEventListener("submit", (event) => {
  if (!event.target.matches("form[data-stay]")) return;
  event.preventDefault();
  send(event.target, event.submitter);
});
document.addEventListener("keydown", key);
begin();
