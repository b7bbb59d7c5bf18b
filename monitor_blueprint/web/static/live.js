// Keeps the page as it is on the server: fetches it every ten seconds and puts in what has changed. What is open, focused or
// typed stays so. While the monitor does not answer, the page says since when.
"use strict";
(() => {
  // As a page, so that a session that is over leads to the sign-in.
  const PAGE = { cache: "no-store", headers: { Accept: "text/html" } };
  const EVERY_MS = 10_000, PATIENCE_MS = 8_000;
  const away = document.getElementById("away");
  let known = null, awaySince = null, timer = 0, isAsking = false;
  const main = () => document.getElementById("content");
  const fields = (root) => root.querySelectorAll("input:not([type=hidden]), textarea, select");

  const isTyped = (field) => {
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    if (field.tagName === "SELECT") return [...field.options].some((each) => each.selected !== each.defaultSelected);
    return field.value !== field.defaultValue;
  };

  function replace(next) {
    const old = main(), focused = document.activeElement;
    const focus = old.contains(focused) && focused.id ? focused : null;
    const caret = focus && typeof focus.selectionStart === "number" ? [focus.selectionStart, focus.selectionEnd] : null;
    const open = new Map([...old.querySelectorAll("details[id]")].map((each) => [each.id, each.open]));
    const wasOpen = new Map([...known.querySelectorAll("details[id]")].map((each) => [each.id, each.open]));
    const typed = [...fields(old)].filter((each) => each.id && isTyped(each));
    old.replaceChildren(...next.cloneNode(true).childNodes);
    for (const [id, isOpen] of open) {
      const again = document.getElementById(id);
      // Only what the visitor has opened or closed himself.
      if (again && isOpen !== wasOpen.get(id)) again.open = isOpen;
    }
    for (const field of typed) {
      const again = document.getElementById(field.id);
      if (!again) continue;
      if (field.type === "checkbox" || field.type === "radio") again.checked = field.checked;
      else again.value = field.value;
    }
    if (focus) {
      const again = document.getElementById(focus.id);
      if (again) again.focus({ preventScroll: true });
      if (again && caret) again.setSelectionRange(...caret);
    }
  }

  function take(text) {
    const page = new DOMParser().parseFromString(text, "text/html");
    const next = page.getElementById("content");
    if (!next) throw new Error("no page");
    if (next.innerHTML !== known.innerHTML) {
      replace(next);
      known = next;
    }
    if (document.title !== page.title) document.title = page.title;
    const icon = page.getElementById("icon"), own = document.getElementById("icon");
    if (icon && own && icon.getAttribute("href") !== own.getAttribute("href")) own.setAttribute("href", icon.getAttribute("href"));
  }

  function tell(isAway) {
    if (!isAway) {
      awaySince = null;
      away.hidden = true;
      document.documentElement.classList.remove("is-away");
      return;
    }
    awaySince ??= new Date();
    away.textContent = away.dataset.words.replace("{at}", awaySince.toLocaleTimeString(document.documentElement.lang));
    away.hidden = false;
    document.documentElement.classList.add("is-away");
  }

  async function ask() {
    clearTimeout(timer);
    if (isAsking) return;
    isAsking = true;
    try {
      const answer = await fetch(location.href.split("#")[0], { ...PAGE, signal: AbortSignal.timeout(PATIENCE_MS) });
      // The session is over: the sign-in page leads back here.
      if (answer.redirected) return void location.assign(answer.url);
      if (!answer.ok) throw new Error(String(answer.status));
      take(await answer.text());
      tell(false);
    } catch {
      tell(true);
    } finally {
      isAsking = false;
      if (!document.hidden) timer = setTimeout(ask, EVERY_MS);
    }
  }

  known = main().cloneNode(true);
  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : ask()));
  timer = setTimeout(ask, EVERY_MS);
})();
