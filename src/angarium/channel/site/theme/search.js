/* Search without a server: loads only the parts of the index that the words asked for are in, the latest period first, and
   of each period that a guide does not rule out. Scripts rather than requests, since a page on a stick may load those and
   nothing else. How much is loaded for one press of a button does not depend on how many posts there are. Asks nobody,
   keeps nothing. */
"use strict";
(function () {
  const page = document.getElementById("found");
  const query = new URLSearchParams(location.search).get("q") || "";
  document.querySelectorAll("input[name=q]").forEach((field) => { field.value = query; });
  const SHOWN = 10, PERIODS = 3, PARTS = 4;
  const [PERIOD, BLOCK, TITLES] = ["period", "block", "titles"].map((each) => Number(page.dataset[each]));
  const alike = { "ي": "ی", "ك": "ک", "ى": "ی", "ة": "ه", "\u06d5": "ه" };
  const digit = (sign) => String(sign.charCodeAt(0) & 15);
  const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase()
    .replace(/[يكىة\u06d5]/g, (sign) => alike[sign]).replace(/[٠-٩۰-۹]/g, digit);
  const asked = [...new Set((plain(query).match(/[\p{L}\p{N}]+/gu) || []).map((word) => [...word].slice(0, 30).join("")))].slice(0, 8);
  const name = (prefix) => [...prefix].map((sign) => sign.codePointAt(0).toString(16)).join("-");

  const taken = new WeakMap(), loaded = new Map();
  window.angarium = (values) => { taken.set(document.currentScript, values); };
  const load = (path) => {
    if (!loaded.has(path)) {
      loaded.set(path, new Promise((done) => {
        const script = document.createElement("script");
        script.onload = script.onerror = () => { script.remove(); done(taken.get(script) || []); };
        script.src = path;
        document.head.append(script);
      }));
    }
    return loaded.get(path);
  };

  const numbers = (text) => {
    let at = 0;
    return text.split(" ").map((step) => (at += parseInt(step, 36)));
  };
  /* The names of those parts of a folder in which words may be that begin so, the one of the word itself first. */
  const wanted = async (folder, word) => {
    const names = await load(`${folder}/list.js`);
    let longest = "";
    for (const each of names) if (word.startsWith(each) && each.length > longest.length) longest = each;
    return names.filter((each) => each === longest || each.startsWith(word)).sort((one, other) => one.length - other.length);
  };
  /* All that words are in which begin so. */
  const within = async (folder, parts, word) => {
    const found = new Set();
    for (const part of await Promise.all(parts.map((each) => load(`${folder}/${name(each)}.js`)))) {
      for (const [each, spread] of part) if (each.startsWith(word)) for (const number of numbers(spread)) found.add(number);
    }
    return found;
  };
  const both = (one, other) => (one === null ? other : new Set([...one].filter((number) => other.has(number))));
  /* The periods worth looking into, the latest first. That one is in no guide. */
  const promising = async (periods) => {
    let possible = null;
    for (const word of periods.length > 2 ? asked : []) {
      const parts = await wanted("guide", word);
      if (parts.length <= PARTS) possible = both(possible, await within("guide", parts, word));
    }
    return periods.filter((period, at) => at === 0 || possible === null || possible.has(period));
  };
  const inPeriod = async (period) => {
    let posts = null;
    for (const word of asked) {
      posts = both(posts, await within(period, (await wanted(period, word)).slice(0, PARTS), word));
      if (posts.size === 0) break;
    }
    return [...posts].map((number) => number + period * PERIOD).sort((one, other) => other - one);
  };
  const item = async (number) => {
    const titles = await load(`${Math.floor(number / PERIOD)}/titles-${Math.floor(number / TITLES)}.js`);
    const [, title, day] = titles.find((each) => each[0] === number) || [0, String(number), ""];
    const entry = document.createElement("li"), link = document.createElement("a"), when = document.createElement("span");
    link.href = `../post/${Math.floor(number / BLOCK)}/${number}.html`;
    link.textContent = title;
    link.dir = "auto";
    when.textContent = day;
    when.className = "meta";
    entry.append(link, " ", when);
    return entry;
  };

  const run = async () => {
    const list = document.createElement("ol"), more = document.createElement("button"), status = page.querySelector("[role=status]");
    let periods = null, waiting = [];
    const go = async () => {
      more.hidden = true;
      status.textContent = page.dataset.busy;
      periods = periods || await promising(page.dataset.periods.split(" ").filter(Boolean).map(Number));
      for (let left = PERIODS; left > 0 && periods.length > 0 && waiting.length < SHOWN; left -= 1) {
        waiting = waiting.concat(await inPeriod(periods.shift()));
      }
      list.append(...await Promise.all(waiting.splice(0, SHOWN).map(item)));
      more.hidden = waiting.length === 0 && periods.length === 0;
      status.textContent = list.children.length > 0 ? "" : more.hidden ? page.dataset.none : page.dataset.yet;
    };
    more.type = "button";
    more.textContent = page.dataset.more;
    more.addEventListener("click", go);
    page.append(list, more);
    await go();
  };
  if (asked.length) run();
})();
