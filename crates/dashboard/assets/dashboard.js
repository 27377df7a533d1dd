// What scripts add: copying, keys, and the call behind a form while it is typed. Everything works without.
"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // The menu: without scripts the link leads to the navigation.
  const menu = document.querySelector(".menu");
  const nav = document.getElementById("nav");
  if (menu && nav) {
    menu.setAttribute("role", "button");
    const set = (open) => {
      nav.classList.toggle("open", open);
      menu.setAttribute("aria-expanded", String(open));
    };
    set(false);
    const toggle = (event) => {
      event.preventDefault();
      const open = !nav.classList.contains("open");
      set(open);
      if (open) nav.querySelector("a")?.focus();
    };
    menu.addEventListener("click", toggle);
    menu.addEventListener("keydown", (event) => { if (event.key === " ") toggle(event); });
    nav.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !nav.classList.contains("open")) return;
      set(false);
      menu.focus();
    });
  }

  // Copying needs a secure context: https, or http on localhost.
  if (navigator.clipboard) for (const button of all(".copy")) button.hidden = false;
  document.addEventListener("click", async (event) => {
    const button = event.target.closest(".copy");
    if (!button) return;
    const from = button.dataset.copyFrom;
    const text = button.dataset.copy ?? document.getElementById(from)?.innerText ?? "";
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });

  // The call behind a form: the same rules as the server's, which has the last word.
  const blank = (value) =>
    value === null || value === undefined || value === "" ||
    (Array.isArray(value) ? value.length === 0 : typeof value === "object" && Object.keys(value).length === 0);
  const canonical = (value) => JSON.stringify(value, (_, one) =>
    one && typeof one === "object" && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one);
  const typed = (field) => {
    const input = field.querySelector("input, textarea, select");
    switch (field.dataset.kind) {
      case "toggle": return input.checked;
      case "checks": return all("input:checked", field).map((box) => box.value);
      case "lines": return input.value.split("\n").map((line) => line.trim()).filter(Boolean);
      case "secret": return input.value ? "********" : undefined;
      case "number": return /^\s*-?\d+(\.\d+)?\s*$/.test(input.value) ? Number(input.value) : input.value.trim();
      case "json": case "merged": try { return JSON.parse(input.value || "{}"); } catch { return undefined; }
      case "code": return input.value;
      default: {
        // An object is shown as JSON, so it is read as such.
        const stored = JSON.parse(field.dataset.stored || "null");
        if (stored && typeof stored === "object") try { return JSON.parse(input.value); } catch { /* a text by now */ }
        return input.value.trim();
      }
    }
  };
  const bodyOf = (form) => {
    const body = JSON.parse(form.dataset.base || "{}");
    const wholes = {};
    for (const field of all("[data-kind]", form)) {
      let value = typed(field);
      if (value === undefined) continue;
      const stored = JSON.parse(field.dataset.stored || "null");
      if ("new" in form.dataset) {
        if ((blank(value) && !("required" in field.dataset)) || value === false) continue;
      } else if (canonical(value) === canonical(stored) || (value === false && stored === null) || (blank(value) && blank(stored))) {
        continue;
      }
      if (field.dataset.kind === "merged" && value && stored) {
        // The API merges: what was taken out is sent as null.
        const gone = Object.keys(stored).filter((name) => !(name in value)).map((name) => [name, null]);
        const changed = Object.entries(value).filter(([name, one]) => canonical(one) !== canonical(stored[name]));
        value = Object.fromEntries([...changed, ...gone]);
      }
      if ("nullable" in field.dataset && blank(value)) value = null;
      const names = field.dataset.name.split(".");
      if (names.length === 1) { body[names[0]] = value; continue; }
      // Neighbours go along, because members of members are replaced whole.
      const [first, ...rest] = names;
      wholes[first] ??= all(`[data-name^="${first}."]`, form).map((one) => [one.dataset.name.split(".").slice(1), JSON.parse(one.dataset.stored || "null")]);
      let at = (body[first] ??= {});
      if (Object.keys(at).length === 0) {
        for (const [path, one] of wholes[first]) if (one !== null && path.length === 1) at[path[0]] = one;
      }
      for (const name of rest.slice(0, -1)) at = (at[name] ??= {});
      at[rest.at(-1)] = value;
    }
    return body;
  };
  for (const form of all("form[data-base]")) {
    const shown = form.querySelector("[data-body]");
    if (!shown) continue;
    const show = () => { shown.textContent = JSON.stringify(bodyOf(form), null, 2); };
    form.addEventListener("input", show);
    form.addEventListener("change", show);
    show();
  }

  // New entries of the log, as they come. Without scripts the page loads itself anew.
  const live = document.querySelector("[data-live]");
  if (live) {
    const status = live.querySelector("[data-live-status]");
    const list = document.querySelector(".list");
    const hrefs = (root) => all("a.open", root).map((link) => link.getAttribute("href"));
    const say = (text) => { if (status.textContent !== text) status.textContent = text; };
    let came = 0;
    const look = async () => {
      if (document.hidden) return true;
      const answer = await fetch(location.href, { headers: { accept: "text/html" } });
      if (!answer.ok || answer.redirected) return false;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(".list");
      const [from, to] = [fresh, list].map((one) => one?.querySelector("table, .empty"));
      if (!from || !to) return true;
      const known = new Set(hrefs(list));
      const added = hrefs(fresh).filter((href) => !known.has(href));
      const focused = list.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
      for (const link of all("a.open", from)) if (added.includes(link.getAttribute("href"))) link.closest("tr").classList.add("fresh");
      to.replaceWith(document.adoptNode(from));
      if (focused) all("a.open", list).find((link) => link.getAttribute("href") === focused)?.focus();
      came += added.length;
      if (added.length) say(`Live. ${came} new ${came === 1 ? "entry" : "entries"} since you came.`);
      return true;
    };
    const again = () => setTimeout(async () => {
      const went = await look().catch(() => null);
      if (went === null) say("The server does not answer. Trying again.");
      if (went === false) say("Stopped: the session is over. Reload the page to log in.");
      else again();
    }, 2000);
    say("Live. New entries appear at the top.");
    again();
  }

  // The login page beside its settings follows what is typed. Without scripts a button shows it.
  const frame = document.querySelector(".beside iframe");
  if (frame) {
    let soon;
    for (const form of all(".beside form:has([formtarget])")) form.addEventListener("input", () => {
      clearTimeout(soon);
      soon = setTimeout(() => {
        const typed = new URLSearchParams(new FormData(form));
        typed.delete("_token");
        frame.contentWindow.location.replace(`${frame.getAttribute("src")}?${typed}`);
      }, 300);
    });
  }

  // No second press while the first is under way.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    // What is looked at in a frame can be looked at again.
    if (event.submitter?.hasAttribute("formtarget")) return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    setTimeout(() => { delete form.dataset.sent; }, 8000);
  });
  addEventListener("pageshow", () => { for (const form of all("form[data-sent]")) delete form.dataset.sent; });

  // After a refusal the focus is where the mistake is.
  const wrong = document.querySelector(".wrong input, .wrong textarea, .wrong select, [data-first-error], #q[aria-invalid]");
  if (wrong) wrong.focus();

  // Keys: / searches, j and k walk the list, Enter opens, ? tells.
  const help = () => {
    const dialog = document.createElement("dialog");
    dialog.innerHTML = '<h2>Keys</h2><dl><div><dt><kbd>/</kbd></dt><dd>Search</dd></div><div><dt><kbd>j</kbd> <kbd>k</kbd></dt><dd>Down and up the list</dd></div><div><dt><kbd>Enter</kbd></dt><dd>Open</dd></div><div><dt><kbd>?</kbd></dt><dd>This</dd></div></dl><form method="dialog"><button>Close</button></form>';
    document.body.append(dialog);
    dialog.addEventListener("close", () => dialog.remove());
    dialog.showModal();
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, dialog")) return;
    const rows = all("a.open");
    const at = rows.indexOf(document.activeElement);
    switch (event.key) {
      case "/": {
        const search = document.querySelector('input[type="search"]');
        if (!search) return;
        search.focus();
        search.select();
        break;
      }
      case "j": rows[Math.min(at + 1, rows.length - 1)]?.focus(); break;
      case "k": rows[Math.max(at - 1, 0)]?.focus(); break;
      case "?": help(); break;
      default: return;
    }
    event.preventDefault();
  });
})();
